//! The `keybearer` program. Everything it does is in the libraries; here it is put together and printed.

mod annotate;
mod args;
mod asked;
mod completions;
mod decode;
mod doctor;
mod document;
mod explain;
mod fault;
mod kubectl;
mod live;
mod man;
mod manifest;
mod output;
mod package;
mod patched;
mod quoted;
mod run;
mod secrets;
mod settings;
mod terminal;
mod unreadable;
mod webhook;

use std::process::ExitCode;

fn main() -> ExitCode {
    // A run starts this program again, inside its namespaces.
    runner::init_if_asked();
    args::Cli::read().execute()
}

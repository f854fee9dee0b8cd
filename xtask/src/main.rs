//! The repo's own commands, started as `cargo xtask …`. What CI does is one of these, so that anyone can do the same.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for developers: printing is its work")]

mod args;
mod arrows;
mod bench;
mod deny;
mod e2e;
mod failure;
mod fuzz;
mod help;
mod image;
mod lint;
mod monitoring;
mod process;
mod program;
mod python;
mod readme;
mod test;
mod words;
mod workspace;

use args::Command;
use failure::Failure;
use std::process::ExitCode;

fn main() -> ExitCode {
    match args::parse(std::env::args().skip(1)).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Arrows => arrows::run(),
        Command::Bench(options) => bench::run(&options),
        Command::Deny => deny::run(),
        Command::E2e(options) => e2e::run(&options),
        Command::Fuzz(options) => fuzz::run(&options),
        Command::Help => help::run(),
        Command::Image(options) => image::run(&options),
        Command::Lint(stages) => lint::run(&stages),
        Command::Monitoring => monitoring::run(),
        Command::Readme { filter } => readme::run(filter.as_deref()),
        Command::Test { filter } => test::run(filter.as_deref()),
    }
}

//! The command line.

use crate::fault::Fault;
use crate::{annotate, completions, decode, doctor, explain, man, run, secrets, terminal, webhook};
use clap::builder::styling::{AnsiColor, Styles};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Error, Parser, Subcommand};
use std::process::ExitCode;

#[cfg(feature = "webhook")]
macro_rules! features {
    () => {
        "webhook"
    };
}
#[cfg(not(feature = "webhook"))]
macro_rules! features {
    () => {
        "none"
    };
}

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const LONG_VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    "\ndialects: keybearer flyte-v1 flyte-v2",
    "\nmanagers: K8s (all dialects), Global (flyte-v1, flyte-v2), Local (run)",
    "\nfeatures: ",
    features!(),
);

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    explain: the pod would be refused; doctor: something has failed; secret: there is no such
       secret; webhook: it can't serve, for the reason on stderr
  2    the command line or its input can't be used
  125  run: nothing was started; the reason is on stderr
  Otherwise `run` exits as the pod does: with the code of the container named by its annotation
  `primary_container_name`, else with the first that is not 0; 128 + N where signal N ended it.";

/// Every task gets the secrets it asked for, and no one else does.
///
/// A pod asks for secrets with the label `inject-flyte-secrets: "true"` and with annotations. `keybearer run` gives
/// them to the pod's containers on this machine; `keybearer explain` shows what a cluster would do, and why.
#[derive(Parser)]
#[command(name = "keybearer", version, long_version = LONG_VERSION, styles = STYLES, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Args),
    Explain(explain::Args),
    Annotate(annotate::Args),
    Decode(decode::Args),
    Secret(secrets::Args),
    Doctor(doctor::Args),
    #[command(alias = "webhooks")]
    Webhook(webhook::Args),
    Completions(completions::Args),
    Man(man::Args),
}

impl Cli {
    pub(crate) fn read() -> Self {
        Self::try_parse().unwrap_or_else(|error| without_stray_values(error).exit())
    }

    pub(crate) fn execute(self) -> ExitCode {
        let (result, failure_code): (Result<ExitCode, Fault>, u8) = match self.command {
            Command::Run(args) => (run::execute(&args), run::NOT_STARTED),
            Command::Explain(args) => (explain::execute(&args), 2),
            Command::Annotate(args) => (annotate::execute(&args), 2),
            Command::Decode(args) => (decode::execute(&args), 2),
            Command::Secret(args) => (secrets::execute(&args), 2),
            Command::Completions(args) => (completions::execute(&args), 2),
            Command::Man(args) => (man::execute(&args), 2),
            Command::Doctor(args) => (doctor::execute(&args), 2),
            Command::Webhook(args) => (webhook::execute(&args, started_as("flytepropeller")), 1),
        };
        result.unwrap_or_else(|fault| {
            terminal::fault(&fault);
            ExitCode::from(failure_code)
        })
    }
}

/// All commands and their options, for those who describe them to others.
pub(crate) fn command() -> clap::Command {
    Cli::command()
}

/// Whether the program was started under a name: one of the links that the image has.
fn started_as(name: &str) -> bool {
    let path = std::env::args_os().next().map(std::path::PathBuf::from);
    path.as_deref().and_then(std::path::Path::file_name).is_some_and(|file| file == name)
}

/// `--secret GROUP/KEY VALUE`, a blank for a `=`, would have the value repeated as an argument that nobody expected.
fn without_stray_values(mut error: Error) -> Error {
    let stray =
        matches!(error.get(ContextKind::InvalidArg), Some(ContextValue::String(text)) if !text.starts_with('-'));
    if error.kind() == ErrorKind::UnknownArgument && stray {
        error.insert(ContextKind::InvalidArg, ContextValue::String("…".to_owned()));
    }
    error
}

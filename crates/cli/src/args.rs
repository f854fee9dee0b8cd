//! The command line.

use crate::fault::Fault;
use crate::{annotate, decode, explain, run, terminal};
use clap::builder::styling::{AnsiColor, Styles};
use clap::{Parser, Subcommand};
use std::process::ExitCode;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const LONG_VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    "\ndialects: keybearer flyte-v1 flyte-v2",
    "\nmanagers: K8s (all dialects), Global (flyte-v1, flyte-v2), Local (run)",
    "\nfeatures: none",
);

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    explain: the pod would be refused
  2    the command line or its input can't be used
  125  run: nothing was started; the reason is on stderr
  Otherwise `run` exits with its containers' code: that of the container named by the pod's annotation
  `primary_container_name`, else the first that is not 0; 128 + N where signal N ended it.";

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
}

impl Cli {
    pub(crate) fn read() -> Self {
        Self::parse()
    }

    pub(crate) fn execute(self) -> ExitCode {
        let (result, failure_code): (Result<ExitCode, Fault>, u8) = match self.command {
            Command::Run(args) => (run::execute(args), run::NOT_STARTED),
            Command::Explain(args) => (explain::execute(&args), 2),
            Command::Annotate(args) => (annotate::execute(&args), 2),
            Command::Decode(args) => (decode::execute(&args), 2),
        };
        result.unwrap_or_else(|fault| {
            terminal::fault(&fault);
            ExitCode::from(failure_code)
        })
    }
}

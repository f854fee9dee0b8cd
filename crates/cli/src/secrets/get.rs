//! `keybearer secret get`: a value, as it is.

use super::cluster::{ClusterArgs, NamesArgs};
use super::{NOT_THERE, named, not_there, store};
use crate::fault::Fault;
use crate::terminal;
use admission::Value;
use secrecy::ExposeSecret;
use std::io::{self, IsTerminal};
use std::process::ExitCode;

/// Print a secret's value, byte for byte
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  keybearer secret get db/password
  keybearer secret get db/ca.crt > ca.pem

Nothing is added to the value: on a terminal, a note on stderr says how many bytes it has.")]
pub(super) struct Args {
    /// The secret, as it was named for `set`
    #[arg(value_name = "GROUP/KEY[@VERSION]")]
    name: String,

    #[command(flatten)]
    cluster: ClusterArgs,

    #[command(flatten)]
    names: NamesArgs,
}

pub(super) fn execute(args: &Args) -> Result<ExitCode, Fault> {
    let secret = named(&args.name)?;
    if args.cluster.cluster {
        let place = args.cluster.place()?;
        let Some(value) = place.get(&secret, &args.names)? else {
            terminal::fault(&place.not_there(&secret));
            return Ok(ExitCode::from(NOT_THERE));
        };
        return print(&value);
    }
    let content = store()?.read().map_err(|error| Fault::from(&error))?;
    let Some(kept) = content.as_ref().and_then(|content| content.get(&secret)) else {
        terminal::fault(&not_there(&secret, content.as_ref()));
        return Ok(ExitCode::from(NOT_THERE));
    };
    print(&kept.value)
}

fn print(value: &Value) -> Result<ExitCode, Fault> {
    let value = value.expose_secret();
    terminal::raw(value)?;
    if io::stdout().is_terminal() {
        let ends_a_line = value.ends_with(b"\n");
        let end = if ends_a_line { "the last of them a newline" } else { "no newline at the end" };
        if !ends_a_line {
            terminal::err("\n")?;
        }
        terminal::note(format!("{} bytes, {end}", value.len()));
    }
    Ok(ExitCode::SUCCESS)
}

//! `keybearer secret delete`: a value is kept no more.

use super::{NOT_THERE, named, not_there, shown, store};
use crate::fault::Fault;
use crate::terminal;
use std::process::ExitCode;

/// Delete a secret from this machine
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  keybearer secret delete db/password
  keybearer secret delete db/password@2")]
pub(super) struct Args {
    /// The secret, as it was named for `set`
    #[arg(value_name = "GROUP/KEY[@VERSION]")]
    name: String,
}

pub(super) fn execute(args: &Args) -> Result<ExitCode, Fault> {
    let secret = named(&args.name)?;
    let store = store()?;
    // Read first: where there is no store, none is made to delete from.
    let content = store.read().map_err(|error| Fault::from(&error))?;
    let is_there = content.as_ref().is_some_and(|content| content.get(&secret).is_some());
    if !is_there || !store.change(|content| content.delete(&secret)).map_err(|error| Fault::from(&error))? {
        terminal::fault(&not_there(&secret, content.as_ref()));
        return Ok(ExitCode::from(NOT_THERE));
    }
    terminal::note(format!("deleted `{}`", shown(&secret)));
    Ok(ExitCode::SUCCESS)
}

//! `keybearer secret delete`: a value is kept no more.

use super::{NOT_THERE, named, not_there, shown, store};
use crate::fault::Fault;
use crate::terminal;
use std::process::ExitCode;
use stores::Content;

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
    // Where there is no store, none is made to delete from.
    let missing = if store.exists() {
        let delete = |content: &mut Content| (!content.delete(&secret)).then(|| not_there(&secret, Some(content)));
        store.change(delete).map_err(|error| Fault::from(&error))?
    } else {
        Some(not_there(&secret, None))
    };
    if let Some(fault) = missing {
        terminal::fault(&fault);
        return Ok(ExitCode::from(NOT_THERE));
    }
    terminal::note(format!("deleted `{}`", shown(&secret)));
    Ok(ExitCode::SUCCESS)
}

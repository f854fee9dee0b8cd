//! `keybearer secret delete`: a value is kept no more.

use super::cluster::{self, ClusterArgs, NamesArgs};
use super::{NOT_THERE, named, not_there, shown, store};
use crate::fault::Fault;
use crate::terminal;
use std::process::ExitCode;
use stores::Content;

/// Delete a secret from this machine, or from a cluster
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  keybearer secret delete db/password
  keybearer secret delete db/password@2")]
pub(super) struct Args {
    /// The secret, as it was named for `set`
    #[arg(value_name = "GROUP/KEY[@VERSION]")]
    name: String,

    #[command(flatten)]
    cluster: ClusterArgs,

    #[command(flatten)]
    names: NamesArgs,

    /// Delete a key of a Secret that this command did not make
    #[arg(long, requires = "cluster", help_heading = "In a cluster")]
    force: bool,
}

pub(super) fn execute(args: &Args) -> Result<ExitCode, Fault> {
    let secret = named(&args.name)?;
    if args.cluster.cluster {
        let place = args.cluster.place()?;
        let Some(name) = cluster::delete(&place, &secret, &args.names, args.force)? else {
            terminal::fault(&place.not_there(&secret));
            return Ok(ExitCode::from(NOT_THERE));
        };
        let namespace = place.namespace();
        terminal::note(format!("deleted `{}` from Secret `{name}` in namespace `{namespace}`", shown(&secret)));
        return Ok(ExitCode::SUCCESS);
    }
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

//! `keybearer secret list`: names, never values.

use super::{shown, store};
use crate::fault::Fault;
use crate::terminal;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde::Serialize;
use std::process::ExitCode;
use std::time::SystemTime;
use stores::Content;

/// List the secrets that are kept on this machine: their names, not their values
#[derive(clap::Args)]
pub(super) struct Args {
    /// How to print it
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Output {
    /// For a person
    Table,
    /// For programs
    Json,
}

pub(super) fn execute(args: &Args) -> Result<ExitCode, Fault> {
    let store = store()?;
    let content = store.read().map_err(|error| Fault::from(&error))?;
    let kept: Vec<Listed> = content
        .iter()
        .flat_map(Content::iter)
        .map(|(secret, kept)| Listed {
            name: shown(&secret),
            group: secret.group,
            group_version: secret.group_version,
            key: secret.key,
            size: kept.value.expose_secret().len(),
            changed: time(kept.changed),
        })
        .collect();
    match args.output {
        Output::Json => terminal::json(&kept)?,
        Output::Table if kept.is_empty() => {
            let file = store.location().file.display();
            let what = if content.is_some() { "is empty" } else { "is not there yet" };
            terminal::note(format!("the local store `{file}` {what}"));
        }
        Output::Table => {
            let mut rows = vec![["SECRET", "BYTES", "CHANGED"].map(str::to_owned).to_vec()];
            rows.extend(kept.into_iter().map(|kept| vec![kept.name, kept.size.to_string(), kept.changed]));
            terminal::out(&terminal::table(&rows))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Serialize)]
struct Listed {
    #[serde(skip)]
    name: String,
    group: String,
    group_version: String,
    key: String,
    /// In bytes.
    size: usize,
    /// In RFC 3339, UTC.
    changed: String,
}

fn time(time: SystemTime) -> String {
    Timestamp::try_from(time).map_or_else(|_| "?".to_owned(), |time| time.to_string())
}

//! `keybearer secret list`: names, never values.

use super::cluster::{ClusterArgs, Place};
use super::{shown, store};
use crate::fault::Fault;
use crate::terminal;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use secret::Secret;
use serde::Serialize;
use std::process::ExitCode;
use std::time::SystemTime;
use stores::Content;

/// List the secrets that are kept on this machine, or in a cluster: their names, not their values
#[derive(clap::Args)]
pub(super) struct Args {
    /// How to print it
    #[arg(long, value_enum, default_value = "table")]
    output: Output,

    #[command(flatten)]
    cluster: ClusterArgs,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Output {
    /// For a person
    Table,
    /// For programs
    Json,
}

pub(super) fn execute(args: &Args) -> Result<ExitCode, Fault> {
    if args.cluster.cluster {
        return in_cluster(&args.cluster.place()?, args.output);
    }
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

/// The keys of the namespace's Secrets. What a group or a version was is not written there, only the Secret's name.
fn in_cluster(place: &Place, output: Output) -> Result<ExitCode, Fault> {
    let all = place.all()?;
    let kept: Vec<Found<'_>> = all
        .iter()
        .flat_map(|object| {
            object.sizes().map(|(key, size)| Found { group: object.name(), key, size, ours: object.is_ours() })
        })
        .collect();
    match output {
        Output::Json => terminal::json(&kept)?,
        Output::Table if kept.is_empty() => {
            terminal::note(format!("namespace `{}` has no Secret that a task could ask for", place.namespace()));
        }
        Output::Table => {
            let mut rows = vec![["SECRET", "BYTES", "MADE BY"].map(str::to_owned).to_vec()];
            rows.extend(kept.iter().map(|found| {
                let secret = Secret { group: found.group.to_owned(), key: found.key.to_owned(), ..Secret::default() };
                let by = if found.ours { "keybearer" } else { "others" };
                vec![shown(&secret), found.size.to_string(), by.to_owned()]
            }));
            terminal::out(&terminal::table(&rows))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A key of a Secret in a cluster.
#[derive(Serialize)]
struct Found<'a> {
    /// The Secret's name.
    group: &'a str,
    key: &'a str,
    /// In bytes.
    size: usize,
    /// Whether `keybearer secret set` made the Secret.
    ours: bool,
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

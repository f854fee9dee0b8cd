//! `keybearer secret`: the secrets that are kept on this machine.

mod cluster;
mod delete;
mod get;
mod list;
mod prompt;
mod set;

use crate::fault::Fault;
use crate::quoted;
use clap::Subcommand;
use secret::{Secret, shorthand};
use serde::{Deserialize, Serialize};
use std::process::ExitCode;
use stores::{Content, LocalStore, Location};

/// The exit code where a secret that was named is not there.
pub(crate) const NOT_THERE: u8 = 1;

/// Keep secrets on this machine, for `keybearer run`, or in a namespace of a cluster
///
/// On this machine they are in one file that age encrypts, `keybearer/secrets.age` in `$XDG_DATA_HOME` or `~/.local/share`, and the key to it is
/// in `identity.txt` beside it: whoever can read both has the secrets.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  keybearer secret set db/password
  keybearer secret list
  keybearer run pod.yaml
  keybearer secret set db/password --cluster -n team

With --cluster, a secret is a key of the Kubernetes Secret in which the webhook's plan looks for it, reached through
your own kubectl. A Secret that this command did not make gets new keys, but loses or changes one only with --force.

Environment:
  KEYBEARER_STORE     another file for the store
  KEYBEARER_IDENTITY  another file for its identity

Exit codes:
  0  done
  1  get, delete: there is no such secret
  2  the command line, the value or the store can't be used; nothing has changed")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Set(set::Args),
    List(list::Args),
    Get(get::Args),
    Delete(delete::Args),
}

pub(crate) fn execute(args: &Args) -> Result<ExitCode, Fault> {
    match &args.command {
        Command::Set(args) => set::execute(args),
        Command::List(args) => list::execute(args),
        Command::Get(args) => get::execute(args),
        Command::Delete(args) => delete::execute(args),
    }
}

/// The store of this machine's user.
fn store() -> Result<LocalStore, Fault> {
    let location = Location::from_env(|name| std::env::var_os(name)).map_err(|error| Fault::from(&error))?;
    Ok(LocalStore::at(location))
}

/// The secret of a name on the command line, which may also be spelled as JSON, as `--secret` has it. Where it is none, any
/// part of it may be a value, so that none is repeated.
fn named(name: &str) -> Result<Secret, Fault> {
    if name.starts_with('{') {
        let Ok(Spelled { group, group_version, key }) = serde_json::from_str(name) else {
            return Err(Fault::new("the name of the secret begins with `{`, but is not JSON with `group` and `key`")
                .hint(r#"write {"group":"GROUP","key":"KEY"}; `group_version` may stand there, too"#));
        };
        return Ok(Secret { group, group_version, key, ..Secret::default() });
    }
    shorthand::parse_name(name).map_err(|error| {
        let fault = Fault::new(format!("the name of the secret: {error}"));
        match error {
            shorthand::ShorthandError::Value => fault.hint(
                "name the secret alone, and its value is asked for; a name with `=` is spelled \
                 {\"group\":\"GROUP\",\"key\":\"KEY\"}",
            ),
            error => fault.maybe_hint(error.hint()),
        }
    })
}

/// A name that `GROUP/KEY@VERSION` can't hold, as annotations spell it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spelled {
    #[serde(default)]
    group: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    group_version: String,
    key: String,
}

/// A name as it is shown and can be written.
fn written(secret: &Secret) -> String {
    let name = shorthand::print_name(secret);
    let Secret { group, group_version, key, .. } = secret;
    if !name.starts_with('{')
        && shorthand::parse_name(&name)
            .is_ok_and(|read| (&read.group, &read.group_version, &read.key) == (group, group_version, key))
    {
        return name;
    }
    let (group, group_version, key) = (group.clone(), group_version.clone(), key.clone());
    serde_json::to_string(&Spelled { group, group_version, key }).unwrap_or(name)
}

/// That a secret is not there, with the one that may have been meant.
fn not_there(secret: &Secret, content: Option<&Content>) -> Fault {
    let name = shown(secret);
    let Some(content) = content else {
        return Fault::new(format!("there is no secret `{name}`: nothing is kept on this machine yet"))
            .hint(format!("keep it with {}", command(secret)));
    };
    let fault = Fault::new(format!("there is no secret `{name}` in the local store"));
    let names: Vec<String> = content.iter().map(|(secret, _)| shown(&secret)).collect();
    match nearest(&name, &names) {
        Some(nearest) => fault.hint(format!("did you mean `{nearest}`?")),
        None => fault.hint("`keybearer secret list` has the names of all"),
    }
}

/// The name that was probably meant: one that is a few typing mistakes away.
fn nearest<'n>(name: &str, names: &'n [String]) -> Option<&'n String> {
    let distance = |other: &&String| strsim::osa_distance(&name.to_lowercase(), &other.to_lowercase());
    names.iter().min_by_key(distance).filter(|nearest| distance(nearest) <= name.chars().count() / 4 + 1)
}

/// A name as it is shown.
fn shown(secret: &Secret) -> String {
    written(secret).chars().flat_map(|c| if c.is_control() { c.escape_debug().collect() } else { vec![c] }).collect()
}

/// The command that keeps a secret.
pub(crate) fn command(secret: &Secret) -> String {
    let name = written(secret);
    // What starts with a dash would be taken for an option.
    let joint = if name.starts_with('-') { " -- " } else { " " };
    format!("keybearer secret set{joint}{}", quoted::word(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_can_be_written_and_is_read_back() {
        for (group, key, version, expected) in [
            ("db", "password", "", "keybearer secret set db/password"),
            ("db", "password", "3", "keybearer secret set db/password@3"),
            ("a b", "it's", "", r"keybearer secret set 'a b/it'\''s'"),
            ("-x", "k", "", "keybearer secret set -- -x/k"),
            ("db", "a/b", "", r#"keybearer secret set '{"group":"db","key":"a/b"}'"#),
            ("a=b", "c", "1", r#"keybearer secret set '{"group":"a=b","group_version":"1","key":"c"}'"#),
            ("{x", "c", "", r#"keybearer secret set '{"group":"{x","key":"c"}'"#),
            ("g", "c", "a@b", r#"keybearer secret set '{"group":"g","group_version":"a@b","key":"c"}'"#),
        ] {
            let secret = Secret {
                group: group.to_owned(),
                key: key.to_owned(),
                group_version: version.to_owned(),
                ..Secret::default()
            };
            assert_eq!(command(&secret), expected);
            assert_eq!(named(&written(&secret)).unwrap(), secret);
        }
    }
}

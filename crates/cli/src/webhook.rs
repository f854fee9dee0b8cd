//! `keybearer webhook`: the admission webhook's server, and the certificates that it starts with.

mod rotate;
#[cfg(feature = "webhook")]
mod serve;

use crate::fault::Fault;
use admission::config::{Reading, Source};
use admission::{Config, Dialect, dialect};
use clap::builder::PossibleValuesParser;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Serve the admission webhook, make its certificates, or replace its CA
///
/// Started under the name `flytepropeller` it does what Flyte v1's webhook does, with Flyte's own arguments and
/// configuration: the dialect is then `flyte-v1`, and names in Flyte's sections that this version does not know are only
/// noted.
#[derive(clap::Args)]
#[command(
    args_conflicts_with_subcommands = false,
    after_help = "\
Examples:
  keybearer webhook --config /etc/keybearer/webhook.yaml
  keybearer webhook init-certs --config /etc/keybearer/webhook.yaml
  keybearer webhook rotate-ca --namespace flyte
  flytepropeller webhook --config '/etc/flyte/config/*.yaml'

POD_NAME and POD_NAMESPACE say which pod this is. RUST_LOG chooses what is logged (info, debug, …)."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,

    /// The configuration (YAML); may be given many times and may hold `*`; later files are laid over earlier ones
    #[arg(long, value_name = "FILE", global = true)]
    config: Vec<String>,

    /// Whose pods are made; overrides `compat` of the configuration
    #[arg(long, value_name = "DIALECT", global = true,
        value_parser = PossibleValuesParser::new(Dialect::ALL.map(|d| d.name)))]
    compat: Option<String>,

    /// Address of the plain listener for /livez, /readyz and /metrics
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:10254")]
    admin_address: SocketAddr,

    /// Address of the TLS listener; its port is that of `webhook.listenPort` unless it is given here
    #[arg(long, value_name = "ADDRESS")]
    listen_address: Option<SocketAddr>,

    /// How log lines are written to stderr
    #[arg(long, value_enum, default_value = "json", global = true)]
    log_format: LogFormat,

    /// Seconds for which requests are still taken after the server was asked to end
    #[arg(long, value_name = "SECONDS", default_value = "0")]
    drain_delay: u64,

    /// Do not talk to the API server: certificates come from `certDir`, and somebody else registers the webhook
    #[arg(long)]
    no_cluster: bool,

    /// Take over a registration that is Flyte's
    #[arg(long)]
    adopt: bool,

    /// The cluster role of this install, which owns the registration: with it the registration goes
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Make the CA and the serving certificate, in one Secret; changes nothing where they are there
    #[command(name = "init-certs", alias = "init-cert")]
    InitCerts,
    #[command(name = "rotate-ca")]
    RotateCa(rotate::Args),
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum LogFormat {
    /// One JSON object a line
    Json,
    /// For a person
    Text,
}

#[cfg(feature = "webhook")]
pub(crate) use serve::execute;

#[cfg(not(feature = "webhook"))]
pub(crate) fn execute(_: &Args, _: bool) -> Result<std::process::ExitCode, Fault> {
    Err(not_built())
}

/// What is said where a command needs what was not built.
#[cfg(not(feature = "webhook"))]
pub(crate) fn not_built() -> Fault {
    Fault::new("this `keybearer` was built without `webhook`")
        .hint("build it with `cargo build --release --features webhook`; the image has it")
}

impl Args {
    /// The configuration, every file of every pattern in order.
    #[cfg_attr(not(feature = "webhook"), expect(dead_code, reason = "only the server reads it"))]
    fn load(&self, as_flytepropeller: bool) -> Result<Config, Fault> {
        let mut files = Vec::new();
        for pattern in &self.config {
            files.extend(expand(pattern)?);
        }
        let mut texts = Vec::new();
        for path in files {
            let origin = path.display().to_string();
            let text = std::fs::read_to_string(&path)
                .map_err(|error| Fault::new(format!("can't read configuration `{origin}`: {error}")))?;
            texts.push((text, origin));
        }
        let sources: Vec<_> = texts.iter().map(|(text, origin)| Source { text, origin }).collect();
        Ok(Config::read(&sources, &self.reading(as_flytepropeller))?)
    }

    fn reading(&self, as_flytepropeller: bool) -> Reading {
        Reading {
            on_laptop: false,
            compat: self.compat.as_deref().and_then(Dialect::from_name),
            default_compat: as_flytepropeller.then_some(&dialect::FLYTE_V1),
            lenient: as_flytepropeller,
        }
    }

    #[cfg_attr(not(feature = "webhook"), expect(dead_code, reason = "only the server drains"))]
    fn drain_delay(&self) -> Duration {
        Duration::from_secs(self.drain_delay)
    }
}

/// The files that a path with `*` in its last part names, by name; a path without one names itself.
fn expand(pattern: &str) -> Result<Vec<PathBuf>, Fault> {
    let path = PathBuf::from(pattern);
    let last = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let Some((prefix, suffix)) = last.split_once('*') else { return Ok(vec![path]) };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).map_or(".".as_ref(), |folder| folder);
    let entries = std::fs::read_dir(folder)
        .map_err(|error| Fault::new(format!("can't read the folder of `{pattern}`: {error}")))?;
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            // As a shell has it: a name that starts with a dot is not meant, nor are the kubelet's own.
            let fits = name.len() >= prefix.len() + suffix.len() && name.starts_with(prefix) && name.ends_with(suffix);
            fits && !name.starts_with('.') && path.is_file()
        })
        .collect();
    files.sort();
    if files.is_empty() {
        return Err(Fault::new(format!("no file fits `{pattern}`")).hint("quote the pattern and check the folder"));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::expand;
    use std::fs;

    #[test]
    fn a_pattern_is_expanded_by_name() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.yaml", "a.yaml", "a.yml", ".c.yaml"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        fs::create_dir(folder.path().join("d.yaml")).unwrap();
        let pattern = folder.path().join("*.yaml").display().to_string();
        let found = expand(&pattern).unwrap();
        assert_eq!(found, ["a.yaml", "b.yaml"].map(|name| folder.path().join(name)));
        let nothing = folder.path().join("*.json").display().to_string();
        assert!(expand(&nothing).unwrap_err().message.contains("*.json"));
        assert_eq!(expand("a/b.yaml").unwrap(), [std::path::PathBuf::from("a/b.yaml")]);
    }
}

//! Serving: from the command line to a running server.

use super::{Args, Command, LogFormat};
use crate::fault::Fault;
use std::env;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use webhook::certificates::{CA_LIFE, LEAF_LIFE};
use webhook::logs;
use webhook::{ClusterUse, Pace, PodIdentity, ServeError, Server, Settings};

/// How often certificates and global secrets in files are looked at.
const POLL: Duration = Duration::from_secs(10);

pub(crate) fn execute(args: &Args, as_flytepropeller: bool) -> Result<ExitCode, Fault> {
    if let Some(Command::RotateCa(rotate)) = &args.command {
        return super::rotate::execute(args, rotate, as_flytepropeller);
    }
    logs::start(match args.log_format {
        LogFormat::Json => logs::LogFormat::Json,
        LogFormat::Text => logs::LogFormat::Text,
    });
    let settings = settings(args, as_flytepropeller)?;
    for note in &settings.config.notes {
        tracing::info!("{note}");
    }
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Fault::new(format!("can't start threads: {error}")))?;
    match args.command {
        Some(Command::InitCerts) => runtime.block_on(init_certificates(&settings)),
        Some(Command::RotateCa(_)) | None => runtime.block_on(serve(settings)),
    }
}

fn settings(args: &Args, as_flytepropeller: bool) -> Result<Settings, Fault> {
    let mut config = args.load(as_flytepropeller)?;
    config.server.cert_dir = expand_variables(&config.server.cert_dir);
    let default_namespace = if as_flytepropeller { "flyte" } else { "default" };
    let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let listen = SocketAddr::from((Ipv4Addr::UNSPECIFIED, config.server.listen_port));
    let cluster = if args.no_cluster {
        ClusterUse::None
    } else {
        ClusterUse::Full {
            adopt: args.adopt || as_flytepropeller,
            owner: args.owner.clone(),
            certificate_life: if as_flytepropeller { CA_LIFE } else { LEAF_LIFE },
            pace: Pace::default(),
        }
    };
    Ok(Settings {
        listen: args.listen_address.unwrap_or(listen),
        admin: args.admin_address,
        pod: PodIdentity {
            name: set("POD_NAME"),
            namespace: set("POD_NAMESPACE").unwrap_or_else(|| default_namespace.to_owned()),
        },
        cluster,
        drain_delay: args.drain_delay(),
        poll: POLL,
        config,
    })
}

/// `$VAR` and `${VAR}`, as Flyte expands them in `certDir`; one that is not set is empty.
fn expand_variables(text: &str) -> String {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        let (name, after) = match after.strip_prefix('{').and_then(|after| after.split_once('}')) {
            Some(braced) => braced,
            None => after.split_at(after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len())),
        };
        if name.is_empty() {
            expanded.push('$');
        } else {
            expanded.push_str(&env::var(name).unwrap_or_default());
        }
        rest = after;
    }
    expanded + rest
}

async fn serve(settings: Settings) -> Result<ExitCode, Fault> {
    let mut asked = [SignalKind::terminate(), SignalKind::interrupt()].into_iter().map(signal);
    let (Some(Ok(mut terminate)), Some(Ok(mut interrupt))) = (asked.next(), asked.next()) else {
        return Err(Fault::new("can't listen to signals"));
    };
    let server = Server::bind(settings).await.map_err(|error| fault(&error))?;
    let shutdown = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    server.serve(shutdown).await.map_err(|error| fault(&error))?;
    Ok(ExitCode::SUCCESS)
}

async fn init_certificates(settings: &Settings) -> Result<ExitCode, Fault> {
    let said = webhook::init_certificates(settings).await.map_err(|error| fault(&error))?;
    tracing::info!("{said}");
    Ok(ExitCode::SUCCESS)
}

fn fault(error: &ServeError) -> Fault {
    Fault::new(error).maybe_hint(error.hint())
}

#[cfg(test)]
mod tests {
    use super::expand_variables;

    #[test]
    fn variables_in_a_path_are_expanded() {
        let home = std::env::var("PATH").unwrap();
        assert_eq!(expand_variables("$PATH/x"), format!("{home}/x"));
        assert_eq!(expand_variables("a/${PATH}b"), format!("a/{home}b"));
        assert_eq!(expand_variables("/$KEYBEARER_NOT_SET/x$"), "//x$");
        assert_eq!(expand_variables("/plain"), "/plain");
    }
}

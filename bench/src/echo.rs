//! The webhook's server with another answer: what it was sent, or always as many bytes. Router, limits, metrics and log line are
//! the server's own; what Keybearer takes more than this is what its answers cost.

use admission::review::{Answer, answer};
use admission::{Config, Globals, Plan};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use webhook::logs::{self, LogFormat};
use webhook::{ClusterUse, PodIdentity, Server, Settings};

/// Serve as the webhook does, but answer everything alike
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The folder of `tls.crt` and `tls.key`
    #[arg(long)]
    cert_dir: PathBuf,
    /// Address of the TLS listener
    #[arg(long)]
    listen_address: SocketAddr,
    /// Address of the plain listener
    #[arg(long)]
    admin_address: SocketAddr,
    /// Answer with so many bytes instead of what was sent
    #[arg(long)]
    fixed: Option<usize>,
    /// A review whose plan is what the log tells of every answer
    #[arg(long)]
    review: PathBuf,
}

static FIXED: OnceLock<Option<usize>> = OnceLock::new();
static TOLD: OnceLock<Plan> = OnceLock::new();

/// What is answered, whatever was sent.
fn echo(body: &[u8], _: &Config, _: &Globals) -> Answer {
    let body = match FIXED.get().copied().flatten() {
        Some(bytes) => vec![b' '; bytes],
        None => body.to_vec(),
    };
    Answer {
        body,
        outcome: TOLD.get().cloned().ok_or_else(|| unreachable!("set before the server starts")),
        uid: "705ab4f5-6393-11e8-b7cc-42010a800002".to_owned(),
        dry_run: false,
        namespace: "project-domain".to_owned(),
        pod: "f-abc-n0-0".to_owned(),
    }
}

/// Serves until it is ended.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    logs::start(LogFormat::Json);
    let mut config = Config::default();
    config.server.cert_dir = args.cert_dir.display().to_string();
    let plan = answer(&std::fs::read(&args.review)?, &config, &Globals::default()).outcome;
    let plan = plan.map_err(|denial| anyhow::anyhow!("{denial}"))?;
    // What the log and the metrics tell; the rest would only have to be copied.
    TOLD.get_or_init(|| Plan { env: Vec::new(), volumes: Vec::new(), mounts: Vec::new(), ..plan });
    FIXED.get_or_init(|| args.fixed);
    let settings = Settings {
        config,
        listen: args.listen_address,
        admin: args.admin_address,
        pod: PodIdentity { name: None, namespace: "default".to_owned() },
        cluster: ClusterUse::None,
        drain_delay: Duration::ZERO,
        poll: Duration::from_secs(10),
    };
    // As many threads as `keybearer webhook` has.
    Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(async {
        let mut end = signal(SignalKind::terminate())?;
        let server = Server::bind(settings).await?.answering(echo);
        let ended = async {
            let _ = end.recv().await;
        };
        server.serve(ended).await?;
        Ok(())
    })
}

//! Puts the listeners, the watchers and the cluster's part together.

use crate::admit::Answering;
use crate::in_flight::InFlight;
use crate::listener::{Stage, accept};
use crate::metrics::{Metrics, Shown};
use crate::peaks::Peaks;
use crate::ready::Readiness;
use crate::settings::{ClusterUse, Settings};
use crate::tls::{Certificates, Files, TlsError};
use crate::{admin, admit, cluster_part, tls, watchers};
use admission::config::Limits;
use admission::{Config, Globals};
use arc_swap::ArcSwap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// What every request and every watcher sees.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) limits: Limits,
    pub(crate) globals: ArcSwap<Globals>,
    pub(crate) certificates: Arc<Certificates>,
    pub(crate) readiness: Readiness,
    pub(crate) metrics: Metrics,
    pub(crate) peaks: Peaks,
    pub(crate) shown: Shown,
    pub(crate) in_flight: InFlight,
    pub(crate) answering: Answering,
}

impl Shared {
    pub(crate) fn new(settings: &Settings, globals: Globals) -> Self {
        let limits = settings.config.limits;
        let metrics = Metrics::default();
        metrics.connections_limit.set(i64::try_from(limits.connections).unwrap_or(i64::MAX));
        metrics.bytes_in_flight_limit.set(i64::try_from(limits.in_flight).unwrap_or(i64::MAX));
        Self {
            config: settings.config.clone(),
            limits,
            globals: ArcSwap::from_pointee(globals),
            certificates: Arc::default(),
            readiness: Readiness::default(),
            shown: Shown::new(&metrics, &limits),
            in_flight: InFlight::new(limits.in_flight, metrics.bytes_in_flight.clone()),
            metrics,
            peaks: Peaks::default(),
            answering: admission::review::answer,
        }
    }
}

/// Why the server can't start.
#[derive(Debug, Error)]
pub enum ServeError {
    /// A port that can't be had.
    #[error("can't listen on {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
    /// Global secrets that can't be read.
    #[error(transparent)]
    Globals(#[from] stores::GlobalsError),
    /// No certificate to serve with.
    #[error(transparent)]
    Certificate(#[from] TlsError),
    /// The cluster's part can't be done.
    #[error("{message}")]
    Cluster {
        /// What is wrong.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
}

impl ServeError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Listen { .. } => Some("choose another port, or end what listens there".to_owned()),
            Self::Certificate(TlsError::Read { .. }) => Some(
                "`keybearer webhook init-certs` makes certificates; `certDir` says where they are mounted".to_owned(),
            ),
            Self::Certificate(_) => Some("write the certificate and its own key to `certDir`".to_owned()),
            Self::Globals(_) => Some("`secrets.secrets-prefix` names the folder of global secrets".to_owned()),
            Self::Cluster { hint, .. } => hint.clone(),
        }
    }
}

/// A server whose ports are open.
pub struct Server {
    settings: Settings,
    shared: Arc<Shared>,
    webhook: TcpListener,
    admin: TcpListener,
    files: Files,
}

impl Server {
    /// Opens the ports, reads global secrets, and certificates where there are files.
    ///
    /// # Errors
    /// [`ServeError`] for what can't be had; nothing is served then.
    pub async fn bind(settings: Settings) -> Result<Self, ServeError> {
        tls::install_provider();
        let globals = if settings.config.asks_global {
            stores::load_globals(&settings.config.global)?
        } else {
            Globals::default()
        };
        let shared = Arc::new(Shared::new(&settings, globals));
        let mut files = Files::new(&settings.config.server.cert_dir);
        let needed = settings.cluster == ClusterUse::None;
        if needed || files.are_there() {
            match files.look(&shared.certificates) {
                Ok(Some(end)) => drop(shared.metrics.certificate_not_after.set(end)),
                Ok(None) => {}
                Err(error) if needed => return Err(error.into()),
                // The cluster may have better ones, and they are made good there.
                Err(error) => {
                    shared.metrics.certificate_failures.inc();
                    tracing::error!(%error, "the certificate in files can't be used; the cluster is asked");
                }
            }
        }
        let webhook = listen(settings.listen).await?;
        let admin = listen(settings.admin).await?;
        Ok(Self { settings, shared, webhook, admin, files })
    }

    /// Answers reviews with something else: everything around an answer can be measured by itself then.
    ///
    /// # Panics
    /// Never: nothing else has a part in a server that does not serve yet.
    #[cfg(feature = "echo")]
    #[must_use]
    pub fn answering(mut self, answer: fn(&[u8], &admission::Config, &Globals) -> admission::review::Answer) -> Self {
        match Arc::get_mut(&mut self.shared) {
            Some(shared) => shared.answering = answer,
            None => unreachable!("it does not serve yet"),
        }
        self
    }

    /// Where the webhook listens.
    ///
    /// # Errors
    /// What the system says.
    pub fn webhook_address(&self) -> io::Result<SocketAddr> {
        self.webhook.local_addr()
    }

    /// Where probes and metrics are answered.
    ///
    /// # Errors
    /// What the system says.
    pub fn admin_address(&self) -> io::Result<SocketAddr> {
        self.admin.local_addr()
    }

    /// Serves until `shutdown` completes, then drains: requests in hand are answered, none fails.
    ///
    /// # Errors
    /// [`ServeError`] where the cluster's part can't be done at all.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) -> Result<(), ServeError> {
        let addresses = (self.webhook_address(), self.admin_address());
        let Self { settings, shared, webhook, admin, files } = self;
        let (stages, stage) = watch::channel(Stage::Serving);
        let tls = Arc::new(shared.certificates.server_config());
        let router = admit::router(Arc::clone(&shared));
        let accepting = tokio::spawn(accept(webhook, tls, router, Arc::clone(&shared), stage));
        shared.readiness.set_listening();
        let probes = tokio::spawn(admin::serve(admin, admin::router(Arc::clone(&shared))));
        let watching = watchers::start(&shared, files, &settings);
        tracing::info!(
            listen = %addresses.0.unwrap_or(settings.listen),
            admin = %addresses.1.unwrap_or(settings.admin),
            dialect = settings.config.dialect.name,
            version = env!("CARGO_PKG_VERSION"),
            "serving"
        );
        let in_cluster = tokio::spawn(cluster_part::run(settings.clone(), Arc::clone(&shared)));
        let ended = until_asked(shutdown, in_cluster).await;

        shared.readiness.set_draining();
        let _ = stages.send(Stage::Draining);
        if ended.is_ok() {
            tracing::info!(seconds = settings.drain_delay.as_secs_f64(), "draining");
            sleep(settings.drain_delay).await;
        }
        let _ = stages.send(Stage::Ending);
        if timeout(settings.config.limits.body_time * 2, accepting).await.is_err() {
            tracing::warn!("connections were still open at the end");
        }
        watching.abort_all();
        probes.abort();
        tracing::info!("ended");
        ended
    }
}

/// Waits for the end. A cluster's part that fails ends the server; one that is done does not.
async fn until_asked(
    shutdown: impl Future<Output = ()>,
    in_cluster: tokio::task::JoinHandle<Result<(), ServeError>>,
) -> Result<(), ServeError> {
    let abort = in_cluster.abort_handle();
    let failed = async {
        match in_cluster.await {
            Ok(Err(error)) => error,
            Ok(Ok(())) | Err(_) => std::future::pending().await,
        }
    };
    let ended = tokio::select! {
        () = shutdown => Ok(()),
        error = failed => Err(error),
    };
    abort.abort();
    ended
}

async fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|error| ServeError::Listen { address, error })
}

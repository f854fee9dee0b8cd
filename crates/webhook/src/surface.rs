//! What a connection is answered with once its handshake is done, over any stream: for the fuzzer, which has no sockets.

use crate::listener::{Connection, Stage};
use crate::server::Shared;
use crate::settings::{ClusterUse, PodIdentity, Settings};
use crate::{admit, tls};
use admission::{Config, Globals};
use axum::Router;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

/// A server without listeners.
pub struct Surface {
    shared: Arc<Shared>,
    router: Router,
    stage: watch::Sender<Stage>,
}

impl Surface {
    /// One with a configuration and no global secrets.
    pub fn new(config: Config) -> Self {
        tls::install_provider();
        let nowhere = ([127, 0, 0, 1], 0).into();
        let settings = Settings {
            config,
            listen: nowhere,
            admin: nowhere,
            pod: PodIdentity { name: None, namespace: "default".to_owned() },
            cluster: ClusterUse::None,
            drain_delay: Duration::ZERO,
            poll: Duration::from_secs(1),
        };
        let shared = Arc::new(Shared::new(&settings, Globals::default()));
        Self { router: admit::router(Arc::clone(&shared)), shared, stage: watch::channel(Stage::Serving).0 }
    }

    /// Answers what comes in on a stream until it ends, as HTTP/2 or as HTTP/1.1.
    pub async fn answer(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, is_h2: bool) {
        let (shared, stage) = (Arc::clone(&self.shared), self.stage.subscribe());
        Connection { shared, stage, taking: Arc::default() }.answer(stream, is_h2, self.router.clone()).await;
    }

    /// Bytes that are counted as in hand.
    pub fn bytes_in_flight(&self) -> i64 {
        self.shared.metrics.bytes_in_flight.get()
    }
}

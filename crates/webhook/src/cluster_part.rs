//! What the server does at the API server: certificates, their renewal, and the registration.

mod look;
mod published;
mod renew;
#[cfg(test)]
mod sample;
mod take;

use crate::certificates::{self, CA_LIFE, CertificateError, LEAF_LIFE, Pair};
use crate::cluster::{self, ClusterError};
use crate::registration;
use crate::server::{ServeError, Shared};
use crate::settings::{ClusterUse, Pace, Settings};
use crate::tls;
use arc_swap::ArcSwapOption;
use kube::Client;
use renew::describe;
use std::sync::Arc;
use std::time::SystemTime;
use take::write_files;
use tokio::sync::Notify;

/// Makes the certificates, and says what was done.
///
/// # Errors
/// [`ServeError`] where they can't be made.
pub async fn init_certificates(settings: &Settings) -> Result<String, ServeError> {
    tls::install_provider();
    let client = cluster::connect().await?;
    let spec = certificate_spec(settings);
    let done = certificates::init(&client, &spec, SystemTime::now()).await?;
    write_files(settings, &done.pair).await?;
    Ok(format!("{}: {}", spec.place(), describe(done.outcome)))
}

/// What certificates are made for these settings.
fn certificate_spec(settings: &Settings) -> certificates::Spec {
    let server = &settings.config.server;
    let leaf_life = match settings.cluster {
        ClusterUse::Full { certificate_life, .. } => certificate_life,
        ClusterUse::None => LEAF_LIFE,
    };
    certificates::Spec {
        secret: server.secret_name.clone(),
        namespace: settings.pod.namespace.clone(),
        service: server.service_name.clone(),
        ca_life: CA_LIFE,
        leaf_life,
    }
}

/// Runs until it is dropped, or fails where nothing can be served without it.
pub(crate) async fn run(settings: Settings, shared: Arc<Shared>) -> Result<(), ServeError> {
    let ClusterUse::Full { adopt, owner, pace, .. } = settings.cluster.clone() else {
        shared.readiness.set_registered();
        return Ok(());
    };
    let client = cluster::connect().await?;
    let server = &settings.config.server;
    let registration = registration::Spec {
        service: server.service_name.clone(),
        namespace: settings.pod.namespace.clone(),
        port: server.service_port,
        label: settings.config.label.clone(),
        namespace_selector: server.namespace_selector.clone(),
        owner,
        adopt,
    };
    let part = Part { client, spec: certificate_spec(&settings), pace, settings, shared, taken: Arc::default() };
    if let Some(done) = part.first(&registration).await? {
        part.take(&done.pair, describe(done.outcome));
        part.try_to_write_files(&done.pair).await;
    }
    let (wake, taken) = (Arc::new(Notify::new()), Notify::new());
    tokio::join!(part.look(registration, &wake, &taken), part.renew(&wake), part.write_what_is_taken(&taken));
    Ok(())
}

/// What all of it needs.
struct Part {
    client: Client,
    spec: certificates::Spec,
    pace: Pace,
    settings: Settings,
    shared: Arc<Shared>,
    /// What is served of the Secret; none where another's files are.
    taken: Arc<ArcSwapOption<Pair>>,
}

impl From<ClusterError> for ServeError {
    fn from(error: ClusterError) -> Self {
        Self::Cluster { message: error.to_string(), hint: error.hint() }
    }
}

impl From<CertificateError> for ServeError {
    fn from(error: CertificateError) -> Self {
        Self::Cluster { message: error.to_string(), hint: error.hint() }
    }
}

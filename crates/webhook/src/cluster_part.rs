//! What the server does at the API server: certificates, their renewal, and the registration.

use crate::certificates::{self, CA_LIFE, Initialized, LEAF_LIFE, Outcome, Pair};
use crate::cluster::{self, ClusterError};
use crate::registration;
use crate::server::{ServeError, Shared};
use crate::settings::{ClusterUse, Settings};
use crate::tls;
use arc_swap::ArcSwapOption;
use kube::Client;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// How often the certificate's end is looked at.
const RENEWAL: Duration = Duration::from_secs(12 * 3600);
/// How often a certificate is looked for where there was none.
const RETRY: Duration = Duration::from_secs(10);
/// How often the registration is applied again. Applying what is there changes nothing, and no verb is needed that
/// Flyte's own RBAC lacks, as a watch would.
const REGISTRATION: Duration = Duration::from_secs(30);

/// Makes the certificates, and says what was done.
///
/// # Errors
/// [`ServeError`] where they can't be made.
pub async fn init_certificates(settings: &Settings) -> Result<String, ServeError> {
    tls::install_provider();
    let client = cluster::connect().await?;
    let spec = certificate_spec(settings);
    let done = certificates::init(&client, &spec, SystemTime::now()).await?;
    Ok(format!("{}: {}", spec.place(), describe(done.outcome)))
}

fn describe(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Created => "made with a new CA and certificate",
        Outcome::Completed => "was there, and got a new CA and certificate",
        Outcome::Renewed => "got a new certificate",
        Outcome::Unchanged => "has its certificate; nothing was changed",
    }
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
    let ClusterUse::Full { adopt, owner, .. } = settings.cluster.clone() else {
        shared.readiness.set_registered();
        return Ok(());
    };
    let client = cluster::connect().await?;
    let spec = certificate_spec(&settings);
    let ca: Arc<ArcSwapOption<String>> = Arc::default();
    // With certificates in files the server serves, whatever the API server says; without, it needs this to start.
    match certificates::init(&client, &spec, SystemTime::now()).await {
        Ok(done) => take(&shared, &ca, &done),
        Err(error) if shared.certificates.is_valid() => {
            tracing::warn!(%error, "the certificate of the files is served");
        }
        Err(error) => return Err(error.into()),
    }
    let server = &settings.config.server;
    let registering = async {
        if server.disable_registration {
            shared.readiness.set_registered();
            return std::future::pending().await;
        }
        let spec = registration::Spec {
            service: server.service_name.clone(),
            namespace: settings.pod.namespace.clone(),
            port: server.service_port,
            label: settings.config.label.clone(),
            namespace_selector: server.namespace_selector.clone(),
            owner,
            adopt,
        };
        let cert_dir = server.cert_dir.clone();
        let bundle = || {
            let of_cluster = ca.load().as_ref().map(|ca| ca.as_str().to_owned());
            of_cluster.or_else(|| std::fs::read_to_string(format!("{cert_dir}/ca.crt")).ok())
        };
        let ready = || shared.readiness.set_registered();
        registration::keep(client.clone(), spec, bundle, ready, REGISTRATION).await;
    };
    let renewing = renew(&client, &spec, &shared, &ca);
    tokio::join!(registering, renewing);
    Ok(())
}

/// Looks at the certificate's end from time to time, for as long as the server runs.
async fn renew(client: &Client, spec: &certificates::Spec, shared: &Shared, ca: &ArcSwapOption<String>) {
    loop {
        let pause = if ca.load().is_some() { RENEWAL.min(spec.leaf_life / 6) } else { RETRY };
        tokio::time::sleep(pause).await;
        match certificates::renew(client, spec, SystemTime::now()).await {
            Ok(done) => take(shared, ca, &done),
            Err(error) => tracing::error!(%error, hint = error.hint(), "the certificate can't be looked at"),
        }
    }
}

/// Serves what there is in the cluster.
fn take(shared: &Shared, ca: &ArcSwapOption<String>, done: &Initialized) {
    let Pair { ca: bundle, certificate, key } = &done.pair;
    match shared.certificates.set(certificate.as_bytes(), key.as_bytes(), ("tls.crt", "tls.key")) {
        Ok(end) => {
            shared.metrics.certificate_not_after.set(end);
            ca.store(Some(Arc::new(bundle.clone())));
            tracing::info!(not_after = end, "certificate: {}", describe(done.outcome));
        }
        Err(error) => tracing::error!(%error, "the certificate of the cluster can't be served"),
    }
}

impl From<ClusterError> for ServeError {
    fn from(error: ClusterError) -> Self {
        Self::Cluster { message: error.to_string(), hint: error.hint() }
    }
}

impl From<certificates::CertificateError> for ServeError {
    fn from(error: certificates::CertificateError) -> Self {
        Self::Cluster { message: error.to_string(), hint: error.hint() }
    }
}

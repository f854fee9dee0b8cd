//! What the server does at the API server: certificates, their renewal, and the registration.

use crate::certificates::{self, CA_LIFE, CertificateError, Initialized, LEAF_LIFE, Outcome, Pair};
use crate::cluster::{self, ClusterError};
use crate::metrics::Mended;
use crate::registration::{self, Applied, Pass, RegistrationError};
use crate::server::{ServeError, Shared};
use crate::settings::{ClusterUse, Settings};
use crate::tls;
use arc_swap::ArcSwapOption;
use kube::Client;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::Notify;

/// How often the certificate's end is looked at.
const RENEWAL: Duration = Duration::from_secs(12 * 3600);
/// How often a certificate is looked for where there was none.
const RETRY: Duration = Duration::from_secs(10);
/// How long a new CA is published before its certificate is served: twice what the slowest replica needs to apply it.
const PUBLISHING: Duration = Duration::from_secs(60);
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
    write_files(settings, &done.pair).await?;
    Ok(format!("{}: {}", spec.place(), describe(done.outcome)))
}

fn describe(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Created => "made with a new CA and certificate",
        Outcome::Completed => "was there, and got a new CA and certificate",
        Outcome::Renewed => "got a new certificate of the same CA",
        Outcome::Replaced => "got a new CA and certificate; the old CA is trusted until it ends",
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
        Ok(done) => {
            take(&shared, &ca, &done);
            try_to_write_files(&settings, &done.pair).await;
        }
        Err(error) if shared.certificates.is_valid() => {
            tracing::warn!(%error, "the certificate of the files is served");
        }
        Err(error) => return Err(error.into()),
    }
    let replaced = Arc::new(Notify::new());
    let server = &settings.config.server;
    let registering = async {
        if server.disable_registration {
            shared.readiness.set_registered();
            return std::future::pending().await;
        }
        let registration = registration::Spec {
            service: server.service_name.clone(),
            namespace: settings.pod.namespace.clone(),
            port: server.service_port,
            label: settings.config.label.clone(),
            namespace_selector: server.namespace_selector.clone(),
            owner,
            adopt,
        };
        let bundle = || bundle(&client, &spec, &ca, &server.cert_dir);
        registration::keep(
            client.clone(),
            registration,
            bundle,
            |pass| see(&shared, pass),
            REGISTRATION,
            Arc::clone(&replaced),
        )
        .await;
    };
    let renewing = renew(&client, &spec, &settings, &shared, &ca, &replaced);
    tokio::join!(registering, renewing);
    Ok(())
}

/// What the API server is to trust: the Secret's CAs, which another replica may just have changed. What this one serves where
/// the Secret is gone or may not be read, and `ca.crt` in files where it is not ours. One that could be read at another time
/// is waited for: what this replica serves may be older than what the others do.
async fn bundle(
    client: &Client,
    spec: &certificates::Spec,
    ca: &ArcSwapOption<String>,
    cert_dir: &str,
) -> Result<String, RegistrationError> {
    let Some(served) = ca.load_full() else {
        let path = format!("{cert_dir}/ca.crt");
        let read = tokio::fs::read_to_string(&path).await;
        return read.map_err(|error| RegistrationError::NoCa { reason: format!("can't read `{path}`: {error}") });
    };
    match certificates::bundle(client, spec).await {
        Ok(Some(there)) => Ok(there),
        Ok(None) | Err(ClusterError::Forbidden { .. }) => Ok(served.as_str().to_owned()),
        Err(error) => Err(error.into()),
    }
}

/// Takes note of how a look at the registration ended.
fn see(shared: &Shared, pass: Pass) {
    match pass {
        Pass::Done(_) | Pass::Forbidden => shared.readiness.set_registered(),
        Pass::Failed => {}
    }
    let what = match pass {
        Pass::Done(Applied::BundleMended) => "bundle",
        Pass::Done(Applied::Mended) => "other",
        Pass::Done(Applied::Made) => "made",
        Pass::Done(Applied::Adopted | Applied::Unchanged) | Pass::Forbidden | Pass::Failed => return,
    };
    shared.metrics.registration_mended.get_or_create(&Mended { what }).inc();
}

/// Looks at the certificate's end from time to time, for as long as the server runs.
async fn renew(
    client: &Client,
    spec: &certificates::Spec,
    settings: &Settings,
    shared: &Shared,
    ca: &ArcSwapOption<String>,
    replaced: &Notify,
) {
    let mut said = String::new();
    loop {
        let pause = if ca.load().is_some() { earlier(RENEWAL.min(spec.leaf_life / 6)) } else { RETRY };
        tokio::time::sleep(pause).await;
        match certificates::renew(client, spec, SystemTime::now()).await {
            Ok(done) => {
                said.clear();
                // Whoever changed the CA: it may have been another replica, a moment ago.
                let is_known =
                    ca.load().as_ref().is_none_or(|served| certificates::is_trusted(&done.pair, served, spec));
                if !is_known {
                    // Until the API server has it, nobody can be served with it.
                    replaced.notify_one();
                }
                if !is_known && shared.certificates.is_valid() {
                    tokio::time::sleep(PUBLISHING).await;
                }
                take(shared, ca, &done);
                try_to_write_files(settings, &done.pair).await;
            }
            Err(error) => {
                let text = error.to_string();
                if text != said {
                    tracing::error!(%error, hint = error.hint(), "the certificate can't be looked at");
                    said = text;
                }
            }
        }
    }
}

/// Up to a tenth earlier, so that replicas that started together do not all ask together.
fn earlier(pause: Duration) -> Duration {
    let random = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), SystemTime::now());
    pause * u32::try_from(900 + random % 101).unwrap_or(1000) / 1000
}

/// Flyte's `localCert`: the certificate also in `certDir`.
async fn write_files(settings: &Settings, pair: &Pair) -> Result<(), CertificateError> {
    let server = &settings.config.server;
    if !server.local_cert {
        return Ok(());
    }
    let (folder, pair) = (PathBuf::from(&server.cert_dir), pair.clone());
    match tokio::task::spawn_blocking(move || certificates::write(&folder, &pair)).await {
        Ok(written) => written,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// The server needs no file to serve, so it goes on without.
async fn try_to_write_files(settings: &Settings, pair: &Pair) {
    if let Err(error) = write_files(settings, pair).await {
        tracing::error!(%error, hint = error.hint(), "the certificate is served, but not in files");
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

impl From<CertificateError> for ServeError {
    fn from(error: CertificateError) -> Self {
        Self::Cluster { message: error.to_string(), hint: error.hint() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn away() -> (Client, certificates::Spec) {
        tls::install_provider();
        let spec = certificates::Spec {
            secret: "s".into(),
            namespace: "flyte".into(),
            service: "flyte-pod-webhook".into(),
            ca_life: CA_LIFE,
            leaf_life: LEAF_LIFE,
        };
        (Client::try_from(kube::Config::new("http://127.0.0.1:1".parse().unwrap())).unwrap(), spec)
    }

    #[tokio::test]
    async fn an_older_ca_is_not_published_because_the_secret_can_not_be_read_just_now() {
        let (client, spec) = away();
        let served = ArcSwapOption::from_pointee("served".to_owned());
        let found = bundle(&client, &spec, &served, "/nowhere").await;
        assert!(matches!(found, Err(RegistrationError::Cluster(ClusterError::Away { .. }))), "{found:?}");
    }

    #[tokio::test]
    async fn without_a_secret_of_ours_the_ca_is_that_of_the_files_and_is_said_where_it_is_missing() {
        let (client, spec) = away();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        let error = bundle(&client, &spec, &ArcSwapOption::empty(), path).await.unwrap_err();
        assert!(error.to_string().contains(&format!("{path}/ca.crt")), "{error}");
        assert!(error.hint().unwrap().contains("disableCreateMutatingWebhookConfig"));
        std::fs::write(folder.path().join("ca.crt"), "theirs").unwrap();
        assert_eq!(bundle(&client, &spec, &ArcSwapOption::empty(), path).await.unwrap(), "theirs");
    }
}

//! What the server does at the API server: certificates, their renewal, and the registration.

mod published;

use crate::certificates::{self, CA_LIFE, CertificateError, Initialized, Known, LEAF_LIFE, Outcome, Pair};
use crate::cluster::{self, ClusterError};
use crate::metrics::Mended;
use crate::registration::{self, Applied, Pass, RegistrationError};
use crate::server::{ServeError, Shared};
use crate::settings::{ClusterUse, Pace, Settings};
use crate::tls;
use arc_swap::ArcSwapOption;
use kube::Client;
use published::Published;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::Notify;

/// How long is waited for an API server that does not answer while there is nothing to serve, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));
/// How often a certificate is looked for where there was none.
const RETRY: Duration = Duration::from_secs(10);
/// How often it is looked whether the Secret is still somebody else's.
const OF_OTHERS: Duration = Duration::from_secs(600);

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
        Outcome::Restored => "has what is served again",
        Outcome::Remade => "could not be used, and got a new CA and certificate",
        Outcome::Joined => {
            "has a certificate of another CA; the one before is trusted, too, until `rotate-ca` drops it"
        }
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

impl Part {
    /// The certificates at the start. An API server that does not answer is waited for where there are none in files: a process
    /// that ended would be started again later and later. None where those in files are served.
    async fn first(&self, registration: &registration::Spec) -> Result<Option<Initialized>, CertificateError> {
        let mut pause = PAUSES.0;
        let mut said = String::new();
        loop {
            let published = registration::published(&self.client, registration).await.unwrap_or_default();
            let known = Known { served: None, published: &published };
            match certificates::renew(&self.client, &self.spec, known, SystemTime::now()).await {
                Ok(done) => {
                    self.note(&done);
                    return Ok(Some(done));
                }
                // With certificates in files the server serves, whatever the API server says.
                Err(error) if self.shared.certificates.is_valid() && error.is_of_others() => {
                    tracing::info!(reason = %error, "the certificate in files is served, and renewed by whoever writes it");
                    return Ok(None);
                }
                Err(error) if self.shared.certificates.is_valid() => {
                    tracing::warn!(%error, "the certificate of the files is served");
                    return Ok(None);
                }
                Err(error) if error.may_pass() => {
                    let text = error.to_string();
                    if text != said {
                        tracing::error!(%error, hint = error.hint(), "there is no certificate yet");
                        said = text;
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSES.1);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Says and counts what was wrong with the Secret, if something was.
    fn note(&self, done: &Initialized) {
        let mended = match done.outcome {
            Outcome::Restored => "restored",
            Outcome::Remade => "remade",
            Outcome::Joined => "joined",
            Outcome::Created | Outcome::Completed | Outcome::Renewed | Outcome::Replaced | Outcome::Unchanged => return,
        };
        let (place, what) = (self.spec.place(), describe(done.outcome));
        tracing::warn!(wrong = done.wrong.as_deref(), "certificates mended: {place} {what}");
        self.shared.metrics.certificates_mended.get_or_create(&Mended { what: mended }).inc();
    }

    /// Looks at the Secret and keeps the registration, one after the other and from one place: so the certificate that is served
    /// is never older than one that was served before.
    async fn look(&self, registration: registration::Spec, wake: &Arc<Notify>, taken: &Notify) {
        let found = Mutex::new(None);
        let published = Mutex::new(Published::default());
        let bundle = async || {
            let (bundle, pair) = self.bundle().await?;
            *found.lock().unwrap_or_else(PoisonError::into_inner) = pair;
            Ok(bundle)
        };
        let taking = |before: Option<&str>| {
            let Some(pair) = found.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
            let mut published = published.lock().unwrap_or_else(PoisonError::into_inner);
            // Where nobody can be asked what the API server was told, it is taken to be told what the Secret says.
            published.see(before.unwrap_or(&pair.ca), Instant::now());
            if self.take_in_time(&pair, &published) {
                taken.notify_one();
            }
        };
        if self.settings.config.server.disable_registration {
            self.shared.readiness.set_registered();
            loop {
                // What can't be read now is read the next time.
                let _: Result<String, RegistrationError> = bundle().await;
                taking(None);
                tokio::select! {
                    () = tokio::time::sleep(self.pace.look) => {}
                    () = wake.notified() => {}
                }
            }
        }
        let seen = |pass, before: Option<&str>| {
            taking(before);
            see(&self.shared, pass);
        };
        registration::keep(self.client.clone(), registration, bundle, seen, self.pace.look, Arc::clone(wake)).await;
    }

    /// What the API server is to trust, and the certificate that is to be served: the Secret's, which another replica or a
    /// rotation may just have changed; the CA of what this one serves is always among them. What this one serves where the Secret
    /// is gone, holds nonsense or may not be read, and `ca.crt` in files where it is not ours. One that could be read at another
    /// time is waited for: what this replica serves may be older than what the others do.
    async fn bundle(&self) -> Result<(String, Option<Pair>), RegistrationError> {
        let Some(served) = self.taken.load_full() else {
            let path = format!("{}/ca.crt", self.settings.config.server.cert_dir);
            let read = tokio::fs::read_to_string(&path).await;
            let read = read.map(|ca| (ca, None));
            return read.map_err(|error| RegistrationError::NoCa { reason: format!("can't read `{path}`: {error}") });
        };
        match certificates::read(&self.client, &self.spec).await {
            Ok(Some(pair)) => {
                let trusted = certificates::with_that_of(&pair.ca, &served, &self.spec, SystemTime::now());
                Ok((trusted, Some(pair)))
            }
            Ok(None) | Err(ClusterError::Forbidden { .. }) => Ok((served.ca.clone(), None)),
            Err(error) => Err(error.into()),
        }
    }

    /// Serves a certificate that was found, unless it is to wait. Says whether it is another one.
    fn take_in_time(&self, pair: &Pair, published: &Published) -> bool {
        if self.shared.certificates.serves(&pair.certificate) {
            self.keep_in_mind(pair);
            return false;
        }
        let is_trusted = |bundle: &str| certificates::is_trusted(pair, bundle, &self.spec);
        let is_in_time = published.has_been_for(self.pace.publishing, Instant::now(), is_trusted);
        if !is_in_time && self.shared.certificates.is_valid() {
            return false;
        }
        self.take(pair, "a new one was found in the Secret");
        true
    }

    /// Serves what there is in the cluster.
    fn take(&self, pair: &Pair, what: &str) {
        let Pair { certificate, key, .. } = pair;
        match self.shared.certificates.set(certificate.as_bytes(), key.as_bytes(), ("tls.crt", "tls.key")) {
            Ok(end) => {
                self.shared.metrics.certificate_not_after.set(end);
                self.keep_in_mind(pair);
                tracing::info!(not_after = end, "certificate: {what}");
            }
            Err(error) => tracing::error!(%error, "the certificate of the cluster can't be served"),
        }
    }

    fn keep_in_mind(&self, pair: &Pair) {
        self.taken.store(Some(Arc::new(pair.clone())));
        if let Ok(ca) = certificates::lifetime(&pair.ca) {
            self.shared.metrics.ca_not_after.set(ca.not_after_1970());
        }
        self.shared.certificates.set_kept_in_cluster();
    }

    /// Looks from time to time at the certificate's end, and at what others have done to the Secret, for as long as the server
    /// runs. What is written is served as soon as [`Part::look`] finds that it may be.
    async fn renew(&self, wake: &Notify) {
        let (mut said, mut retry) = (String::new(), RETRY);
        loop {
            let is_ours = self.taken.load().is_some();
            let pause = if is_ours { earlier(self.pace.look.min(self.spec.leaf_life / 6)) } else { retry };
            tokio::time::sleep(pause).await;
            let served = self.taken.load_full();
            let known = Known { served: served.as_deref(), published: "" };
            match certificates::renew(&self.client, &self.spec, known, SystemTime::now()).await {
                Ok(done) => {
                    said.clear();
                    self.note(&done);
                    if matches!(done.outcome, Outcome::Renewed | Outcome::Replaced) {
                        tracing::info!("{}: {}", self.spec.place(), describe(done.outcome));
                    }
                    if !is_ours {
                        self.take(&done.pair, describe(done.outcome));
                        self.try_to_write_files(&done.pair).await;
                    }
                    if !is_ours || done.outcome != Outcome::Unchanged {
                        wake.notify_one();
                    }
                }
                // That was said at the start, and is no fault.
                Err(error) if !is_ours && error.is_of_others() && self.shared.certificates.is_valid() => {
                    retry = OF_OTHERS;
                }
                Err(error) => {
                    retry = RETRY;
                    let text = error.to_string();
                    if text != said {
                        tracing::error!(%error, hint = error.hint(), "the certificate can't be looked at");
                        said = text;
                    }
                }
            }
        }
    }

    /// Flyte's `localCert`: what is served also in files.
    async fn write_what_is_taken(&self, taken: &Notify) {
        loop {
            taken.notified().await;
            if let Ok(Some(pair)) = certificates::read(&self.client, &self.spec).await {
                self.try_to_write_files(&pair).await;
            }
        }
    }

    /// The server needs no file to serve, so it goes on without.
    async fn try_to_write_files(&self, pair: &Pair) {
        if let Err(error) = write_files(&self.settings, pair).await {
            tracing::error!(%error, hint = error.hint(), "the certificate is served, but not in files");
        }
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
    use crate::certificates::{make_authority, make_leaf};
    use crate::settings::PodIdentity;
    use admission::Globals;

    /// The part of a server that serves a CA or none, at an API server that is away.
    fn part(served: Option<&str>, cert_dir: &str) -> Part {
        tls::install_provider();
        let mut config = admission::Config::default();
        cert_dir.clone_into(&mut config.server.cert_dir);
        let pace = Pace::default();
        let settings = Settings {
            config,
            listen: ([127, 0, 0, 1], 0).into(),
            admin: ([127, 0, 0, 1], 0).into(),
            pod: PodIdentity { name: None, namespace: "flyte".to_owned() },
            cluster: ClusterUse::Full { adopt: false, owner: None, certificate_life: LEAF_LIFE, pace },
            drain_delay: Duration::ZERO,
            poll: Duration::ZERO,
        };
        Part {
            client: Client::try_from(kube::Config::new("http://127.0.0.1:1".parse().unwrap())).unwrap(),
            spec: certificate_spec(&settings),
            pace,
            shared: Arc::new(Shared::new(&settings, Globals::default())),
            settings,
            taken: Arc::new(ArcSwapOption::from_pointee(served.map(|ca| Pair {
                ca: ca.to_owned(),
                certificate: String::new(),
                key: String::new().into(),
            }))),
        }
    }

    fn made(part: &Part) -> Pair {
        let now = SystemTime::now();
        make_leaf(&part.spec, &make_authority(&part.spec, now).unwrap(), now + CA_LIFE, now).unwrap()
    }

    #[tokio::test]
    async fn without_certificates_an_api_server_that_is_away_is_waited_for() {
        let part = part(None, "/nowhere");
        let registration = registration::Spec {
            service: part.spec.service.clone(),
            namespace: part.spec.namespace.clone(),
            port: 443,
            label: "ask".into(),
            namespace_selector: None,
            owner: None,
            adopt: false,
        };
        let waited = tokio::time::timeout(PAUSES.0 * 3 / 2, part.first(&registration)).await;
        assert!(waited.is_err(), "{waited:?}");
        assert!(part.shared.readiness.missing(&part.shared.certificates).contains(&"no certificate that is valid now"));
        // With some it serves them at once.
        let pair = made(&part);
        part.shared.certificates.set(pair.certificate.as_bytes(), pair.key.as_bytes(), ("tls.crt", "tls.key")).unwrap();
        assert!(part.first(&registration).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn an_older_ca_is_not_published_because_the_secret_can_not_be_read_just_now() {
        let found = part(Some("served"), "/nowhere").bundle().await;
        assert!(matches!(found, Err(RegistrationError::Cluster(ClusterError::Away { .. }))), "{found:?}");
    }

    #[tokio::test]
    async fn without_a_secret_of_ours_the_ca_is_that_of_the_files_and_is_said_where_it_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        let part = part(None, path);
        let error = part.bundle().await.unwrap_err();
        assert!(error.to_string().contains(&format!("{path}/ca.crt")), "{error}");
        assert!(error.hint().unwrap().contains("disableCreateMutatingWebhookConfig"));
        std::fs::write(folder.path().join("ca.crt"), "theirs").unwrap();
        assert_eq!(part.bundle().await.unwrap().0, "theirs");
    }

    #[tokio::test]
    async fn a_certificate_of_another_ca_waits_until_that_was_published_for_long_enough() {
        let part = part(None, "/nowhere");
        let (first, second) = (made(&part), made(&part));
        let (mut published, start) =
            (Published::default(), Instant::now().checked_sub(Duration::from_secs(300)).unwrap());
        published.see(&first.ca, start);
        // Without any it does not wait: nothing could be refused that is not refused already.
        assert!(part.take_in_time(&first, &Published::default()));
        assert!(part.shared.certificates.serves(&first.certificate));
        assert!(!part.take_in_time(&second, &published) && part.shared.certificates.serves(&first.certificate));
        published.see(&format!("{}{}", first.ca, second.ca), Instant::now());
        assert!(!part.take_in_time(&second, &published) && part.shared.certificates.serves(&first.certificate));
        let mut published = Published::default();
        published.see(&format!("{}{}", first.ca, second.ca), start);
        assert!(part.take_in_time(&second, &published) && part.shared.certificates.serves(&second.certificate));
    }
}

//! Looks at the Secret and keeps the registration, one after the other.

use super::Part;
use super::published::Published;
use crate::certificates::{self, Pair};
use crate::cluster::ClusterError;
use crate::metrics::Mended;
use crate::registration::{self, Applied, Pass, RegistrationError};
use crate::server::Shared;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};
use tokio::sync::Notify;

impl Part {
    /// Looks at the Secret and keeps the registration, one after the other and from one place: so the certificate that is served
    /// is never older than one that was served before.
    pub(super) async fn look(&self, registration: registration::Spec, wake: &Arc<Notify>, taken: &Notify) {
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

#[cfg(test)]
mod tests {
    use super::super::sample::part;
    use super::*;

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
}

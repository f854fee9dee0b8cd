//! The certificates of the Secret: had at the start, then looked at from time to time, and what is said of it.

use super::Part;
use crate::certificates::{self, CertificateError, Initialized, Known, Outcome};
use crate::metrics::Mended;
use crate::registration;
use std::time::{Duration, SystemTime};
use tokio::sync::Notify;

/// How long is waited for an API server that does not answer while there is nothing to serve, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));
/// How often a certificate is looked for where there was none.
const RETRY: Duration = Duration::from_secs(10);
/// How often it is looked whether the Secret is still somebody else's.
const OF_OTHERS: Duration = Duration::from_secs(600);

impl Part {
    /// The certificates at the start. An API server that does not answer is waited for where there are none in files: a process
    /// that ended would be started again later and later. None where those in files are served.
    pub(super) async fn first(
        &self,
        registration: &registration::Spec,
    ) -> Result<Option<Initialized>, CertificateError> {
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

    /// Looks from time to time at the certificate's end, and at what others have done to the Secret, for as long as the server
    /// runs. What is written is served as soon as [`Part::look`] finds that it may be.
    pub(super) async fn renew(&self, wake: &Notify) {
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
}

/// What became of the Secret, as it is said behind its name.
pub(super) fn describe(outcome: Outcome) -> &'static str {
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

/// Up to a tenth earlier, so that replicas that started together do not all ask together.
fn earlier(pause: Duration) -> Duration {
    let random = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), SystemTime::now());
    pause * u32::try_from(900 + random % 101).unwrap_or(1000) / 1000
}

#[cfg(test)]
mod tests {
    use super::super::sample::{made, part};
    use super::*;

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
}

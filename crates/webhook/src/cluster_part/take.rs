//! A certificate that was found is served, at once or when it may be, and with Flyte's `localCert` is in files, too.

use super::Part;
use super::published::Published;
use crate::certificates::{self, CertificateError, Pair};
use crate::settings::Settings;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Notify;

impl Part {
    /// Serves a certificate that was found, unless it is to wait. Says whether it is another one.
    pub(super) fn take_in_time(&self, pair: &Pair, published: &Published) -> bool {
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
    pub(super) fn take(&self, pair: &Pair, what: &str) {
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

    /// Flyte's `localCert`: what is served also in files.
    pub(super) async fn write_what_is_taken(&self, taken: &Notify) {
        loop {
            taken.notified().await;
            if let Ok(Some(pair)) = certificates::read(&self.client, &self.spec).await {
                self.try_to_write_files(&pair).await;
            }
        }
    }

    /// The server needs no file to serve, so it goes on without.
    pub(super) async fn try_to_write_files(&self, pair: &Pair) {
        if let Err(error) = write_files(&self.settings, pair).await {
            tracing::error!(%error, hint = error.hint(), "the certificate is served, but not in files");
        }
    }
}

/// Flyte's `localCert`: the certificate also in `certDir`.
pub(super) async fn write_files(settings: &Settings, pair: &Pair) -> Result<(), CertificateError> {
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

#[cfg(test)]
mod tests {
    use super::super::sample::{made, part};
    use super::*;
    use std::time::Duration;

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

//! What a certificate says of itself.

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// From when to when a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// Its begin.
    pub not_before: SystemTime,
    /// Its end.
    pub not_after: SystemTime,
}

impl Lifetime {
    /// Whether less than a third of the whole life is left, or it is over.
    pub fn is_near_its_end(&self, now: SystemTime) -> bool {
        let whole = self.not_after.duration_since(self.not_before).unwrap_or_default();
        self.not_after.duration_since(now).map_or(true, |left| left < whole / 3)
    }
}

/// The lifetime of the first certificate in a PEM text.
///
/// # Errors
/// Why the text is no certificate.
pub fn lifetime(pem: &str) -> Result<Lifetime, String> {
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| "it is no certificate in PEM".to_owned())?;
    let (_, parsed) =
        x509_parser::parse_x509_certificate(&der).map_err(|error| format!("it is no certificate: {error}"))?;
    let time = |seconds: i64| UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    let validity = parsed.validity();
    Ok(Lifetime { not_before: time(validity.not_before.timestamp()), not_after: time(validity.not_after.timestamp()) })
}

//! What certificates say of themselves, and whether an API server would trust them.

use super::{Pair, Spec};
use rcgen::{KeyPair, PublicKeyData};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::{CertificateError, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use std::sync::Arc;
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
        self.left(now) < self.third()
    }

    /// Its end as Unix time, in seconds.
    pub fn not_after_1970(&self) -> i64 {
        let seconds = self.not_after.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        i64::try_from(seconds).unwrap_or(i64::MAX)
    }

    /// What is left of it.
    pub fn left(&self, now: SystemTime) -> Duration {
        self.not_after.duration_since(now).unwrap_or_default()
    }

    /// A third of the whole.
    pub fn third(&self) -> Duration {
        self.not_after.duration_since(self.not_before).unwrap_or_default() / 3
    }
}

/// The lifetime of the first certificate in a PEM text.
///
/// # Errors
/// Why the text is no certificate.
pub fn lifetime(pem: &str) -> Result<Lifetime, String> {
    let der = first(pem)?;
    let (_, parsed) =
        x509_parser::parse_x509_certificate(&der).map_err(|error| format!("it is no certificate: {error}"))?;
    let time = |seconds: i64| UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    let validity = parsed.validity();
    Ok(Lifetime { not_before: time(validity.not_before.timestamp()), not_after: time(validity.not_after.timestamp()) })
}

/// Each certificate of a PEM text, as PEM of its own.
pub(crate) fn each(bundle: &str) -> impl Iterator<Item = &str> {
    const END: &str = "-----END CERTIFICATE-----";
    bundle
        .split_inclusive(END)
        .filter(|part| part.ends_with(END))
        .map(|part| part.find("-----BEGIN CERTIFICATE-----").map_or("", |begin| &part[begin..]))
}

/// The first CA, then those after it that are still valid.
pub(super) fn bundle(first: &str, others: &str, now: SystemTime) -> String {
    let mut all: Vec<&str> = Vec::new();
    for (index, pem) in each(first).chain(each(others)).enumerate() {
        let is_over = lifetime(pem).map_or(true, |life| life.left(now).is_zero());
        if index == 0 || (!is_over && !all.contains(&pem)) {
            all.push(pem);
        }
    }
    all.iter().flat_map(|pem| [pem, "\n"]).collect()
}

/// SHA-256 of the first certificate in a PEM text, in hexadecimal, as `openssl x509 -fingerprint -sha256` has it but for colons.
///
/// # Errors
/// Why the text is no certificate.
pub fn fingerprint(pem: &str) -> Result<String, String> {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &first(pem)?);
    Ok(data_encoding::HEXLOWER.encode(hash.as_ref()))
}

/// Whether a key is the one of the first certificate in a PEM text.
///
/// # Errors
/// Why one of them is none.
pub(super) fn is_key_of(key: &str, certificate: &str) -> Result<bool, String> {
    let der = first(certificate)?;
    let (_, parsed) =
        x509_parser::parse_x509_certificate(&der).map_err(|error| format!("it is no certificate: {error}"))?;
    let key = KeyPair::from_pem(key).map_err(|_| "it is no private key in PEM".to_owned())?;
    Ok(key.subject_public_key_info() == parsed.public_key().raw)
}

fn first(pem: &str) -> Result<CertificateDer<'static>, String> {
    CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| "it is no certificate in PEM".to_owned())
}

/// Why an API server would not trust a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Distrust {
    /// No CA of `ca.crt` has signed it.
    OtherCa,
    /// It is for other names.
    OtherName,
    /// Something else.
    Other(String),
}

/// Whether an API server that was told to trust `bundle` trusts the pair's certificate.
pub fn is_trusted(pair: &Pair, bundle: &str, spec: &Spec) -> bool {
    let told = Pair { ca: bundle.to_owned(), ..pair.clone() };
    trusts(&told, &spec.names()[2], SystemTime::now()).is_ok()
}

/// Whether an API server that has the bundle trusts the pair for a name, while the certificate is valid: what its time is up
/// for is another question.
///
/// # Errors
/// [`Distrust`].
pub(crate) fn trusts(pair: &Pair, name: &str, now: SystemTime) -> Result<(), Distrust> {
    let other = |text: &str| Distrust::Other(text.to_owned());
    let mut roots = RootCertStore::empty();
    for der in CertificateDer::pem_slice_iter(pair.ca.as_bytes()) {
        let der = der.map_err(|_| other("`ca.crt` is no PEM"))?;
        roots.add(der).map_err(|error| Distrust::Other(format!("`ca.crt` is no CA: {error}")))?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| Distrust::Other(error.to_string()))?;
    let chain = CertificateDer::pem_slice_iter(pair.certificate.as_bytes()).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|_| other("it is no certificate in PEM"))?;
    let (leaf, intermediates) = chain.split_first().ok_or_else(|| other("it is no certificate in PEM"))?;
    let life = lifetime(&pair.certificate).map_err(Distrust::Other)?;
    let then = now.clamp(life.not_before, life.not_after.max(life.not_before));
    let then = UnixTime::since_unix_epoch(then.duration_since(UNIX_EPOCH).unwrap_or_default());
    let name = ServerName::try_from(name.to_owned()).map_err(|error| Distrust::Other(error.to_string()))?;
    match verifier.verify_server_cert(leaf, intermediates, &name, &[], then) {
        Ok(_) => Ok(()),
        Err(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature)) => {
            Err(Distrust::OtherCa)
        }
        Err(rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => Err(Distrust::OtherName),
        Err(error) => Err(Distrust::Other(error.to_string())),
    }
}

#[cfg(test)]
mod tests;

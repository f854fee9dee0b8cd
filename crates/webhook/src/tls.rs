//! The serving certificate: read from files or from the cluster, and swapped without touching a connection.

use arc_swap::ArcSwapOption;
use data_encoding::BASE64;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, version};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use thiserror::Error;
use zeroize::Zeroizing;

/// Why a certificate can't be served.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file that can't be read.
    #[error("can't read `{path}`: {error}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// What is read is no certificate.
    #[error("`{what}` holds no certificate chain in PEM")]
    NoCertificate {
        /// The file, or the Secret's key.
        what: String,
    },
    /// What is read is no private key.
    #[error("`{what}` holds no private key in PEM")]
    NoKey {
        /// The file, or the Secret's key.
        what: String,
    },
    /// The key is not the certificate's.
    #[error("the certificate in `{certificate}` does not match the key in `{key}`")]
    Mismatch {
        /// The certificate's file.
        certificate: String,
        /// The key's file.
        key: String,
    },
    /// The certificate can't be parsed.
    #[error("the certificate in `{what}` can't be parsed: {reason}")]
    Malformed {
        /// The file, or the Secret's key.
        what: String,
        /// Why.
        reason: String,
    },
}

/// Makes aws-lc-rs what every TLS connection of this process uses, to the API server too. A second time changes nothing.
pub(crate) fn install_provider() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// A certificate and when it ends.
#[derive(Debug)]
struct Serving {
    key: Arc<CertifiedKey>,
    not_before: i64,
    not_after: i64,
}

/// The certificate that handshakes are answered with.
#[derive(Debug, Default)]
pub struct Certificates {
    serving: ArcSwapOption<Serving>,
    /// Whether what is served comes from the Secret itself.
    is_kept_in_cluster: AtomicBool,
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.serving.load().as_ref().map(|serving| Arc::clone(&serving.key))
    }
}

impl Certificates {
    /// Serves a pair from now on; connections that are open keep theirs. Says when it ends (Unix time).
    ///
    /// # Errors
    /// [`TlsError`] for a pair that can't be served; what was served before still is.
    pub fn set(&self, chain: &[u8], key: &[u8], names: (&str, &str)) -> Result<i64, TlsError> {
        let serving = read(chain, key, names)?;
        let not_after = serving.not_after;
        self.serving.store(Some(Arc::new(serving)));
        Ok(not_after)
    }

    /// When the certificate that is served ends (Unix time); none where there is none.
    pub fn not_after(&self) -> Option<i64> {
        self.serving.load().as_ref().map(|serving| serving.not_after)
    }

    /// Whether there is a certificate that has not ended.
    pub fn is_valid(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs());
        self.not_after().is_some_and(|end| i64::try_from(now).is_ok_and(|now| now < end))
    }

    /// The certificates that handshakes are answered with, as PEM; none where there is none.
    pub fn shown(&self) -> Option<String> {
        let serving = self.serving.load();
        let chain = serving.as_ref()?.key.cert.iter();
        Some(chain.map(|der| pem(der)).collect())
    }

    /// Whether a certificate, as PEM, is the one that is served.
    pub(crate) fn serves(&self, certificate: &str) -> bool {
        let serving = self.serving.load();
        let first = CertificateDer::from_pem_slice(certificate.as_bytes());
        serving.as_ref().is_some_and(|serving| first.is_ok_and(|first| serving.key.cert.first() == Some(&first)))
    }

    /// From now on what is served comes from the Secret itself, of which files are a late copy.
    pub(crate) fn set_kept_in_cluster(&self) {
        self.is_kept_in_cluster.store(true, Ordering::Release);
    }

    /// Whether files are to be looked at. They may bring a certificate too early, before its CA is published everywhere, or too
    /// late, over one of a newer CA; so where the Secret itself is read, they only count if that has brought nothing for long.
    pub(crate) fn may_come_from_files(&self) -> bool {
        if !self.is_kept_in_cluster.load(Ordering::Acquire) {
            return true;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs());
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        let serving = self.serving.load();
        serving
            .as_ref()
            .is_none_or(|it| it.not_after.saturating_sub(now) < it.not_after.saturating_sub(it.not_before) / 4)
    }

    /// TLS as it is served: 1.2 and 1.3, HTTP/2 and HTTP/1.1.
    ///
    /// # Panics
    /// Never: the provider has both versions.
    pub fn server_config(self: &Arc<Self>) -> ServerConfig {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = match ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])
        {
            Ok(builder) => builder,
            Err(error) => unreachable!("aws-lc-rs has TLS 1.2 and 1.3: {error}"),
        };
        let resolver: Arc<dyn ResolvesServerCert> = Arc::clone(self) as _;
        let mut config = builder.with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config
    }
}

fn read(chain: &[u8], key: &[u8], (chain_name, key_name): (&str, &str)) -> Result<Serving, TlsError> {
    let what = || chain_name.to_owned();
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<_, _>>()
        .map_err(|_| TlsError::NoCertificate { what: what() })?;
    let leaf = chain.first().ok_or_else(|| TlsError::NoCertificate { what: what() })?;
    let (_, parsed) = x509_parser::parse_x509_certificate(leaf)
        .map_err(|error| TlsError::Malformed { what: what(), reason: error.to_string() })?;
    let (not_before, not_after) = (parsed.validity().not_before.timestamp(), parsed.validity().not_after.timestamp());
    let no_key = || TlsError::NoKey { what: key_name.to_owned() };
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| no_key())?;
    let key = any_supported_type(&key).map_err(|_| no_key())?;
    let certified = CertifiedKey::new(chain, key);
    certified.keys_match().map_err(|_| TlsError::Mismatch { certificate: what(), key: key_name.to_owned() })?;
    Ok(Serving { key: Arc::new(certified), not_before, not_after })
}

/// A certificate as PEM (RFC 7468).
fn pem(der: &[u8]) -> String {
    let encoded = BASE64.encode(der);
    let lines = encoded.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned() + "\n");
    format!("-----BEGIN CERTIFICATE-----\n{}-----END CERTIFICATE-----\n", lines.collect::<String>())
}

/// `tls.crt` and `tls.key` of a folder.
pub struct Files {
    folder: PathBuf,
    seen: Option<(Vec<u8>, Zeroizing<Vec<u8>>)>,
}

impl Files {
    /// The pair in a folder, not looked at yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), seen: None }
    }

    /// Whether the folder has a certificate at all.
    pub fn are_there(&self) -> bool {
        self.folder.join("tls.crt").exists()
    }

    /// When the first CA of `ca.crt` ends (Unix time), if there is one: that file is for the registration, not for serving.
    pub(crate) fn ca_not_after(&self) -> Option<i64> {
        let ca = fs::read_to_string(self.folder.join("ca.crt")).ok()?;
        crate::certificates::lifetime(&ca).ok().map(|life| life.not_after_1970())
    }

    /// Looks at the files and serves what is in them if that is new. Says when the new certificate ends.
    ///
    /// # Errors
    /// [`TlsError`] for files that can't be read or served.
    pub fn look(&mut self, certificates: &Certificates) -> Result<Option<i64>, TlsError> {
        let (chain_path, key_path) = (self.folder.join("tls.crt"), self.folder.join("tls.key"));
        let chain = read_file(&chain_path)?;
        let key = Zeroizing::new(read_file(&key_path)?);
        if self.seen.as_ref().is_some_and(|(seen_chain, seen_key)| *seen_chain == chain && *seen_key == key) {
            return Ok(None);
        }
        let names = (chain_path.display().to_string(), key_path.display().to_string());
        let not_after = certificates.set(&chain, &key, (&names.0, &names.1))?;
        self.seen = Some((chain, key));
        Ok(Some(not_after))
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|error| TlsError::Read { path: path.to_owned(), error })
}

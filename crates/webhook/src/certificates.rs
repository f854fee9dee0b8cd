//! The webhook's own CA and serving certificate, in one Secret that many may make at once.
//!
//! ```text
//! [ Secret ca.crt ca.key tls.crt tls.key ] --init--> [ Pair ] --renew (a third of its life left)--> [ Pair ]
//! ```
//!
//! Everything is compare-and-swap on the Secret: ten Jobs that start together agree on what the first of them wrote, and
//! what others keep in the Secret is never touched. A renewal is a new leaf of the same CA, so nothing has to be published.
//! Where the CA has to change, too, `ca.crt` holds both for as long as the old one is valid: replicas that still serve its
//! leaf stay trusted.

mod cluster;
mod due;
mod error;
mod files;
mod make;
mod read;
mod rotate;
#[cfg(test)]
mod sample;
mod secret;

pub use cluster::{Initialized, Known, Outcome, init, read, renew};
pub(crate) use cluster::{Written, find, write_back};
pub(crate) use due::with_that_of;
pub use error::CertificateError;
pub use files::write;
pub use make::{Authority, make_authority, make_leaf};
pub(crate) use read::{Distrust, each, trusts};
pub use read::{Lifetime, fingerprint, is_trusted, lifetime};
pub(crate) use rotate::{dropped, published, switched};
pub(crate) use secret::{Found, Kept, found};

use std::fmt;
use std::time::Duration;
use zeroize::Zeroizing;

/// The CA's certificate.
pub const CA_CERTIFICATE: &str = "ca.crt";
/// The CA's key.
pub const CA_KEY: &str = "ca.key";
/// The serving certificate.
pub const CERTIFICATE: &str = "tls.crt";
/// The serving certificate's key.
pub const KEY: &str = "tls.key";

/// What certificates are made, and where they are kept.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The Secret.
    pub secret: String,
    /// Its namespace, which is also the Service's.
    pub namespace: String,
    /// The Service that the API server calls.
    pub service: String,
    /// How long the CA lasts.
    pub ca_life: Duration,
    /// How long a serving certificate lasts; never longer than its CA.
    pub leaf_life: Duration,
}

/// Ten years.
pub const CA_LIFE: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
/// Thirty days.
pub const LEAF_LIFE: Duration = Duration::from_secs(30 * 24 * 3600);

impl Spec {
    /// The names that the serving certificate is for.
    pub fn names(&self) -> [String; 4] {
        let (service, namespace) = (&self.service, &self.namespace);
        [
            service.clone(),
            format!("{service}.{namespace}"),
            format!("{service}.{namespace}.svc"),
            format!("{service}.{namespace}.svc.cluster.local"),
        ]
    }

    /// What messages call the Secret.
    pub fn place(&self) -> String {
        format!("Secret `{}` in namespace `{}`", self.secret, self.namespace)
    }
}

/// A serving certificate with its key and its CA's certificate, as PEM. The key is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Pair {
    /// The CA's certificate; after a change of CA, that of the one before behind it.
    pub ca: String,
    /// The serving certificate.
    pub certificate: String,
    /// Its key.
    pub key: Zeroizing<String>,
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pair").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

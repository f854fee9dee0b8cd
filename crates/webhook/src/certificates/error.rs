//! What can go wrong with certificates, and what to do about it.

use crate::cluster::ClusterError;
use thiserror::Error;

/// Why there is no certificate.
#[derive(Debug, Error)]
pub enum CertificateError {
    /// The API server did not do what was asked.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The Secret holds something else.
    #[error("{place} holds something else under `{key}`: {reason}; nothing was changed")]
    Foreign {
        /// The Secret.
        place: String,
        /// The key in it.
        key: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The Secret can't be changed in place.
    #[error("{place} is immutable and its certificate ends soon, but it holds keys that are not ours")]
    Immutable {
        /// The Secret.
        place: String,
    },
    /// Too many others changed the Secret at the same time.
    #[error("{place} was changed by others again and again; gave up")]
    Contended {
        /// The Secret.
        place: String,
    },
    /// A certificate that can't be made.
    #[error("a certificate can't be made: {0}")]
    Make(#[from] rcgen::Error),
}

impl CertificateError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Cluster(error) => error.hint(),
            Self::Foreign { .. } => {
                Some("choose another `webhook.secretName`, or delete that Secret if nothing needs it".to_owned())
            }
            Self::Immutable { .. } => Some("delete the Secret: a new one is made".to_owned()),
            Self::Contended { .. } => Some("try again".to_owned()),
            Self::Make(_) => None,
        }
    }
}

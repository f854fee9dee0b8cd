//! What can go wrong with certificates, and what to do about it.

use crate::cluster::ClusterError;
use std::path::PathBuf;
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
    /// The Secret is for something else.
    #[error("{place} is of type `{type_}`, so somebody else takes care of it; nothing was changed")]
    Type {
        /// The Secret.
        place: String,
        /// Its type.
        type_: String,
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
    /// A certificate that was made, and that no API server would trust.
    #[error("the new certificate would not be trusted: {reason}; nothing was changed")]
    Untrusted {
        /// Why.
        reason: String,
    },
    /// A file that can't be written.
    #[error("can't write `{path}`: {error}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
}

impl CertificateError {
    /// Whether somebody else takes care of the certificates: cert-manager, or whoever made the Secret that we may not read.
    pub(crate) fn is_of_others(&self) -> bool {
        matches!(self, Self::Type { .. } | Self::Cluster(ClusterError::Forbidden { .. }))
    }

    /// Whether it may be another time.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Self::Cluster(ClusterError::Away { .. } | ClusterError::Failed { .. }) | Self::Contended { .. })
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Cluster(error) => return error.hint(),
            Self::Foreign { .. } => "choose another `webhook.secretName`, or delete that Secret if nothing needs it",
            Self::Type { .. } => {
                "choose another `webhook.secretName`, or mount that Secret at `webhook.certDir`: what is there is served"
            }
            Self::Immutable { .. } => "delete the Secret: a new one is made",
            Self::Contended { .. } => "try again",
            Self::Write { .. } => {
                "`webhook.localCert` needs a `webhook.certDir` that can be written, such as an emptyDir"
            }
            Self::Untrusted { .. } => "choose another `webhook.secretName`: its CA can't be used",
            Self::Make(_) => return None,
        };
        Some(text.to_owned())
    }
}

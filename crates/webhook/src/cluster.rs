//! The API server, and what it says when it does not do what is asked.

use kube::{Client, Config};
use thiserror::Error;

/// Why the API server did not do what was asked.
#[derive(Debug, Error)]
pub enum ClusterError {
    /// There is no way to it.
    #[error("there is no way to an API server: {0}")]
    NoWay(String),
    /// It refuses.
    #[error("the API server does not let us {verb} {resource} `{name}`{scope}: {message}")]
    Forbidden {
        /// The verb.
        verb: &'static str,
        /// The resource.
        resource: &'static str,
        /// The object.
        name: String,
        /// ` in namespace …`, or nothing.
        scope: String,
        /// What it says.
        message: String,
    },
    /// It failed, or it can't be reached.
    #[error("can't {verb} {resource} `{name}`{scope}: {source}")]
    Failed {
        /// The verb.
        verb: &'static str,
        /// The resource.
        resource: &'static str,
        /// The object.
        name: String,
        /// ` in namespace …`, or nothing.
        scope: String,
        /// What kube says.
        source: Box<kube::Error>,
    },
}

impl ClusterError {
    /// The error of a call.
    pub(crate) fn asked(
        verb: &'static str,
        resource: &'static str,
        name: &str,
        namespace: Option<&str>,
        error: kube::Error,
    ) -> Self {
        let name = name.to_owned();
        let scope = namespace.map_or_else(String::new, |namespace| format!(" in namespace `{namespace}`"));
        match error {
            kube::Error::Api(status) if status.code == 403 => {
                Self::Forbidden { verb, resource, name, scope, message: status.message.clone() }
            }
            error => Self::Failed { verb, resource, name, scope, source: Box::new(error) },
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoWay(_) => Some(
                "run it in a pod with a service account, or set KUBECONFIG; `--no-cluster` does without an API server"
                    .to_owned(),
            ),
            Self::Forbidden { verb, resource, .. } => {
                Some(format!("the service account needs a role with verb `{verb}` on `{resource}`"))
            }
            Self::Failed { .. } => None,
        }
    }
}

/// A client of the cluster that this process is in, or that `KUBECONFIG` names.
///
/// # Errors
/// [`ClusterError::NoWay`] where there is neither.
pub async fn connect() -> Result<Client, ClusterError> {
    let config = Config::infer().await.map_err(|error| ClusterError::NoWay(error.to_string()))?;
    Client::try_from(config).map_err(|error| ClusterError::NoWay(error.to_string()))
}

/// Whether somebody else was faster.
pub(crate) fn is_conflict(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 409)
}

/// Whether the object is not there.
pub(crate) fn is_missing(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

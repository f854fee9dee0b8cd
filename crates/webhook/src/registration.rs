//! The registration: the `MutatingWebhookConfiguration` that has the API server call us.
//!
//! It is written by server-side apply (KEP-555), owned by the install's own cluster role so that every kind of uninstall
//! removes it, and made again when it is lost or changed. Somebody else's of the same name is never touched.

mod apply;
mod keep;
mod object;
mod standing;

pub(crate) use apply::published;
pub use apply::{Applied, apply};
pub use keep::{Pass, keep};
pub use object::ENTRY;
pub(crate) use object::described;
pub(crate) use standing::{bundle, standing as whose};

use crate::cluster::ClusterError;
use serde_json::Value;
use thiserror::Error;

/// What is registered.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The configuration's name, which is also the Service's.
    pub service: String,
    /// The Service's namespace.
    pub namespace: String,
    /// The Service's port.
    pub port: u16,
    /// The label of pods that ask.
    pub label: String,
    /// Which namespaces are meant; all where there is none.
    pub namespace_selector: Option<Value>,
    /// The cluster role that owns it.
    pub owner: Option<String>,
    /// Whether one that is Flyte's is taken over.
    pub adopt: bool,
}

/// Why there is no registration.
#[derive(Debug, Error)]
pub enum RegistrationError {
    /// The API server did not do what was asked.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// Others wrote it at the same time.
    #[error("MutatingWebhookConfiguration `{name}` was changed by others again and again; nothing was changed")]
    Contended {
        /// Its name.
        name: String,
    },
    /// There is no CA that the API server could be told to trust.
    #[error("there is no CA for the API server to trust: {reason}")]
    NoCa {
        /// Why.
        reason: String,
    },
    /// There is one of that name that is somebody else's.
    #[error("MutatingWebhookConfiguration `{name}` is somebody else's (its entry `{entry}`); nothing was changed")]
    Foreign {
        /// Its name.
        name: String,
        /// The entry that is not ours.
        entry: String,
    },
    /// There is one of that name that is Flyte's.
    #[error("MutatingWebhookConfiguration `{name}` is Flyte's; nothing was changed")]
    Flytes {
        /// Its name.
        name: String,
    },
    /// There is one of that name that another install of Keybearer keeps.
    #[error(
        "MutatingWebhookConfiguration `{name}` is that of the install in namespace `{namespace}`; nothing was changed"
    )]
    Elsewhere {
        /// Its name.
        name: String,
        /// Where the other install is.
        namespace: String,
    },
}

impl RegistrationError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Cluster(error) => error.hint(),
            Self::Contended { .. } => None,
            Self::NoCa { .. } => Some(
                "put the CA of the serving certificate beside it, as `ca.crt`; or register the webhook yourself, and set \
                 `webhook.disableCreateMutatingWebhookConfig`"
                    .to_owned(),
            ),
            Self::Foreign { .. } => Some("choose another `webhook.serviceName`".to_owned()),
            Self::Flytes { .. } => Some("stop Flyte's webhook and give `--adopt` to take its place".to_owned()),
            Self::Elsewhere { name, .. } => Some(format!(
                "choose another `webhook.serviceName`; or, if that install is gone, `kubectl delete \
                 mutatingwebhookconfiguration {name}`"
            )),
        }
    }
}

//! Where a pod names a Secret: what the caller has to answer, and what an error has to name.

use std::fmt;

/// The place in a pod that a value is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Place {
    /// One env var of a container.
    Env {
        /// The container.
        container: String,
        /// The env var.
        variable: String,
    },
    /// A container's `envFrom`: every key becomes an env var.
    EnvFrom {
        /// The container.
        container: String,
    },
    /// A volume of the pod.
    Volume {
        /// The volume.
        volume: String,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Env { container, variable } => write!(f, "env var `{variable}` of container `{container}`"),
            Place::EnvFrom { container } => write!(f, "`envFrom` of container `{container}`"),
            Place::Volume { volume } => write!(f, "volume `{volume}`"),
        }
    }
}

/// One reference of a pod to a Secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretReference {
    /// The Secret's name.
    pub secret: String,
    /// The key asked for; `None` where the pod takes all of them.
    pub key: Option<String>,
    /// Whether the pod goes on without it.
    pub optional: bool,
    /// What it is for.
    pub place: Place,
}

impl fmt::Display for SecretReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Some(key) => write!(f, "key `{key}` of Secret `{}` for {}", self.secret, self.place),
            None => write!(f, "Secret `{}` for {}", self.secret, self.place),
        }
    }
}

//! The managers by name: where the platform keeps values.

use std::fmt;

/// Where a secret's value is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Manager {
    /// Files and environment variables of the webhook's own pod.
    Global,
    /// Kubernetes Secrets in the pod's namespace.
    K8s,
    /// AWS Secrets Manager.
    Aws,
    /// `HashiCorp` Vault or `OpenBao`.
    Vault,
    /// Google Cloud Secret Manager.
    Gcp,
    /// Azure Key Vault.
    Azure,
    /// Lyft's Confidant.
    Confidant,
    /// The webhook reads a store itself, scope by scope; Flyte v2's default.
    Embedded,
    /// Any other system, through an executable.
    Exec,
    /// A laptop: `--secret`, then the local store.
    Local,
}

impl Manager {
    /// Those that a configuration may name. [`Manager::Local`] is the laptop's own.
    pub const CONFIGURABLE: [Self; 9] = [
        Self::Global,
        Self::K8s,
        Self::Aws,
        Self::Vault,
        Self::Gcp,
        Self::Azure,
        Self::Confidant,
        Self::Embedded,
        Self::Exec,
    ];

    /// Its name in configuration and messages, as Flyte spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Global => "Global",
            Self::K8s => "K8s",
            Self::Aws => "AWS",
            Self::Vault => "Vault",
            Self::Gcp => "GCP",
            Self::Azure => "Azure",
            Self::Confidant => "Confidant",
            Self::Embedded => "Embedded",
            Self::Exec => "Exec",
            Self::Local => "Local",
        }
    }

    /// The manager of a name, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::CONFIGURABLE.into_iter().find(|manager| manager.name().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

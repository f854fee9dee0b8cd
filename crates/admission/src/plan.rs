//! What a pod gets, as data: for every secret the manager and the delivery, and everything that is added to the pod.
//!
//! One plan stands behind the webhook's answer, `explain`, the laptop's runner and every refusal.

mod brought;

pub use brought::{Annotated, Pull, PullContainer};

use crate::dialect::Dialect;
use crate::manager::Manager;
use crate::view::ContainerList;
use secret::{EnvName, Mount, Secret};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// Name of our init container.
pub const FETCHER: &str = "keybearer-fetch";
/// Name of the projected volume of Secrets, and of its mount.
pub const REFERENCE_VOLUME: &str = "keybearer-secrets";
/// Name of the memory volume of sealed files, and of its mount.
pub const FILES_VOLUME: &str = "keybearer-files";
/// Name of the memory volume with the env file, which no container mounts.
pub const ENV_VOLUME: &str = "keybearer-env";
/// The env file in [`ENV_VOLUME`].
pub const ENV_FILE: &str = "env";
/// The annotation of pods that got secrets; written for auditors and guards, never read by admission.
pub const INJECTED_ANNOTATION: &str = "keybearer.dev/injected";

/// What a pod gets.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Whose pod it is.
    pub dialect: &'static Dialect,
    /// The secrets, in the order of the annotations.
    pub requests: Vec<Request>,
    /// The containers that get them, in the pod's order.
    pub targets: Vec<(ContainerList, usize)>,
    /// The variables, in the order in which they are handed to the dialect's env rule.
    pub env: Vec<EnvAddition>,
    /// The volumes.
    pub volumes: Vec<VolumeAddition>,
    /// The mounts of every target.
    pub mounts: Vec<MountAddition>,
    /// The init container that fetches what is sealed.
    pub fetcher: Option<Fetcher>,
    /// The vendors' init containers, after all others.
    pub pulls: Vec<PullContainer>,
    /// Annotations for another injector that the pod does not have.
    pub annotations: Vec<(String, String)>,
    /// The value of [`INJECTED_ANNOTATION`], in dialects that have it.
    pub digest: Option<String>,
    /// What is odd but not refused.
    pub warnings: Vec<String>,
}

/// One secret of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What was asked for; the first request, where several were laid together.
    pub secret: Secret,
    /// How it was asked for, each way once.
    pub mounts: Vec<Mount>,
    /// What every manager of the chain said.
    pub chain: Vec<Step>,
    /// The manager that gives the value; for sealed deliveries the first that will be asked.
    pub manager: Manager,
    /// How the value gets to the container.
    pub source: Source,
    /// Variables that hold the value.
    pub env: Vec<EnvName>,
    /// Whether the task insists on the variables: a value that doesn't fit is then a failure.
    pub env_required: bool,
    /// Variables that hold the path of the file.
    pub path_env: Vec<EnvName>,
    /// Paths of the files below the secrets' root.
    pub files: Vec<String>,
}

/// How a value gets to the container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The kubelet reads a key of a Secret in the pod's namespace.
    Reference {
        /// The Secret.
        name: String,
        /// Its key.
        key: String,
    },
    /// The init container fetches it.
    Sealed,
    /// It stands in the pod's spec.
    Inline,
    /// A vendor's init container fetches it, with the pod's own identity.
    Pulled(Arc<Pull>),
    /// Another injector brings it, told by annotations, with the pod's own identity.
    Annotated(Arc<Annotated>),
}

impl Source {
    /// The delivery's name.
    pub fn delivery(&self) -> &'static str {
        match self {
            Self::Reference { .. } => "reference",
            Self::Sealed => "sealed",
            Self::Inline => "inline",
            Self::Pulled(_) => "sidecar",
            Self::Annotated(_) => "annotate",
        }
    }

    /// Whether another program brings the value, as a file.
    pub(crate) fn is_brought(&self) -> bool {
        match self {
            Self::Pulled(_) | Self::Annotated(_) => true,
            Self::Reference { .. } | Self::Sealed | Self::Inline => false,
        }
    }

    /// Whether `other` is the same secret, if both are asked for by `secrets`.
    pub(crate) fn is_same(&self, other: &Self, [one, two]: [&Secret; 2]) -> bool {
        match (self, other) {
            (Self::Pulled(a), Self::Pulled(b)) => a.what == b.what,
            (Self::Annotated(a), Self::Annotated(b)) => a.what == b.what,
            (Self::Pulled(_) | Self::Annotated(_), _) | (_, Self::Pulled(_) | Self::Annotated(_)) => false,
            (Self::Reference { .. } | Self::Sealed | Self::Inline, _) => {
                (&one.group, &one.key) == (&two.group, &two.key)
            }
        }
    }
}

/// What one manager of the chain said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The manager.
    pub manager: Manager,
    /// What it said.
    pub outcome: Outcome,
}

/// What a manager said to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Policy does not let it be asked.
    Skipped {
        /// The rule that decided.
        rule: Cow<'static, str>,
    },
    /// It can't give this secret.
    Passed {
        /// Why.
        reason: Reason,
    },
    /// It gives the secret.
    Chosen {
        /// The rule that let it be asked.
        rule: Cow<'static, str>,
    },
    /// It is never reached, since one before it answers.
    Shadowed,
}

/// Why a manager can't give a secret. It is put into words where somebody reads it, since most plans are read by nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// In these words.
    Words(Cow<'static, str>),
    /// The webhook's own pod has neither.
    NotFound {
        /// The environment variable.
        env: String,
        /// The file's whole path.
        file: String,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words(words) => f.write_str(words),
            Self::NotFound { env, file } => {
                write!(f, "not found: env `{}`, file `{}`", env.escape_debug(), file.escape_debug())
            }
        }
    }
}

impl<T: Into<Cow<'static, str>>> From<T> for Reason {
    fn from(words: T) -> Self {
        Self::Words(words.into())
    }
}

/// A variable that every target gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvAddition {
    /// Its name.
    pub name: EnvName,
    /// What it holds.
    pub value: EnvValue,
    /// The request it belongs to; none for the `FLYTE_SECRETS_*` variables.
    pub request: Option<usize>,
}

/// What a variable holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvValue {
    /// Literal text that is not secret.
    Literal(Cow<'static, str>),
    /// `secretKeyRef`
    SecretKey {
        /// The Secret.
        name: String,
        /// Its key.
        key: String,
        /// Whether the container starts without it.
        optional: bool,
    },
    /// `fileKeyRef` on the env file.
    FileKey {
        /// The key in the env file.
        key: String,
        /// Whether the container starts without it.
        optional: bool,
    },
    /// The value of a request, written into the pod.
    Inline {
        /// The request.
        request: usize,
    },
}

/// A volume that is added, or one of the pod's that is added to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VolumeAddition {
    /// A Secret as a volume of its own.
    Secret {
        /// The volume's name.
        volume: String,
        /// The Secret.
        secret: String,
        /// Key and path of every file.
        items: Vec<(String, String)>,
    },
    /// A file more in a Secret volume that is there.
    Item {
        /// The volume's place in the pod's list.
        index: usize,
        /// Its key.
        key: String,
        /// Its path.
        path: String,
    },
    /// [`REFERENCE_VOLUME`].
    Projected {
        /// Secrets, with key and path of every file.
        sources: Vec<(String, Vec<(String, String)>)>,
    },
    /// The memory volume of a vendor's init containers, without a limit, as Flyte has it.
    Pulled {
        /// Its name.
        volume: &'static str,
    },
    /// A memory volume.
    Memory {
        /// Its name.
        volume: &'static str,
        /// Its size limit in MiB.
        mebibytes: u64,
    },
}

/// A mount that every target gets; read-only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountAddition {
    /// The volume.
    pub volume: String,
    /// Where it is mounted.
    pub path: String,
}

/// The init container that fetches what is sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetcher {
    /// Its image.
    pub image: String,
    /// The user that its files are for, where all targets have the same.
    pub run_as_user: Option<i64>,
    /// Mode of the files.
    pub file_mode: u32,
    /// Its resources as JSON, if the pod is not `BestEffort`.
    pub resources: Option<String>,
    /// Before which init container it stands; at the end where none.
    pub before: Option<usize>,
}

impl Request {
    /// Whether the secret's `group_version` plays a part, in Flyte's dialects.
    pub(crate) fn reads_version(&self) -> bool {
        matches!(self.manager, Manager::Gcp | Manager::Azure | Manager::Vault)
    }
}

impl Plan {
    /// Whether a container of the pod gets the secrets.
    pub fn gets(&self, list: ContainerList, index: usize) -> bool {
        self.targets.binary_search(&(list, index)).is_ok()
    }

    /// The key of a request in the env file.
    pub fn env_key(request: usize) -> String {
        format!("s{request}")
    }

    /// Whether the pod asked for anything.
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }
}

//! What a task asks for, how a pod carries the request, and where the value is found.
//!
//! ```text
//! [ Secret ] --write--> [ pod annotations ] --read--> [ Secret ] --places--> [ EnvName, FilePath ]
//! ```
//!
//! ```
//! # #[cfg(feature = "annotations")] {
//! use secret::{Mount, Secret, Spelling};
//!
//! let wanted = Secret { group: "user-info".into(), key: "user_secret".into(), mount: Mount::File, ..Secret::default() };
//! let annotations = secret::write(&[wanted.clone()], Spelling::Readable)?;
//! assert_eq!(annotations[0].1, r#"[{"group":"user-info","key":"user_secret","mount":"file"}]"#);
//! let read = secret::read(annotations.iter().map(|(name, value)| (name.as_str(), value.as_str())))?;
//! assert_eq!(read, [wanted]);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`Secret`] is one thing that a task asks for. [`places`] decides, once for the whole product, under which
//! environment variable and in which file it is found: admission writes to those places and the runtime looks there.
//!
//! Annotations have two spellings, which a pod may mix. Flyte's is exact to the byte on writing; on reading it takes
//! and refuses what golang/protobuf does, and besides refuses values that aren't UTF-8. The readable one is a list in
//! YAML or JSON. On a command line, [`shorthand`] has a third for one secret. Reading and writing annotations is the
//! feature `annotations`, which is on by default; a task's runtime does without.

#[cfg(feature = "annotations")]
mod annotations;
#[cfg(feature = "annotations")]
mod base32;
mod case;
#[cfg(feature = "annotations")]
mod error;
mod names;
mod places;
#[cfg(feature = "annotations")]
mod readable;
pub mod shorthand;
#[cfg(feature = "annotations")]
mod text;

#[cfg(feature = "annotations")]
pub use annotations::{
    ANNOTATION_PREFIX, LABEL, MAX_ENCODED, MAX_READABLE, READABLE_ANNOTATION, Spelling, decode, encode, read, write,
};
#[cfg(feature = "annotations")]
pub use base32::base32;
pub use case::{to_lower, to_upper};
#[cfg(feature = "annotations")]
pub use error::{DecodeError, ReadError, WriteError};
pub use names::{EnvName, FilePath, NameError};
pub use places::{Naming, Places, VersionPart, places};
#[cfg(feature = "annotations")]
pub use text::{from_text, to_text};

use std::fmt;

/// Directory of secret files in a container (`FLYTE_SECRETS_DEFAULT_DIR`).
pub const FILE_ROOT: &str = "/etc/flyte/secrets";
/// Tells flytekit the directory of secret files.
pub const DEFAULT_DIR_ENV: &str = "FLYTE_SECRETS_DEFAULT_DIR";
/// Tells flytekit the prefix of the last part of a secret file's path.
pub const FILE_PREFIX_ENV: &str = "FLYTE_SECRETS_FILE_PREFIX";
/// Tells flytekit the prefix of secret env vars.
pub const ENV_PREFIX_ENV: &str = "FLYTE_SECRETS_ENV_PREFIX";

/// One secret that a task asks for: Flyte's message `flyteidl.core.Secret`.
///
/// Empty strings mean "not given", as in protobuf.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Secret {
    /// What the manager calls it: a Secret's name, an ARN, a path, a URI.
    pub group: String,
    /// The version asked for, where the manager has versions.
    pub group_version: String,
    /// The key within the group.
    pub key: String,
    /// How the task wants to see it.
    pub mount: Mount,
    /// An environment variable of the task's own choice: for the value with [`Mount::EnvVar`], else for the file's path.
    pub env_var: String,
}

/// How a task wants to see a secret: Flyte's enum `Secret.MountType`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mount {
    /// Whatever the platform gives.
    #[default]
    Any,
    /// As an environment variable.
    EnvVar,
    /// As a file.
    File,
    /// A number outside Flyte's enum: readable, but no manager serves it.
    Other(i32),
}

impl Mount {
    /// The mount of a number on the wire.
    pub fn from_number(number: i32) -> Self {
        match number {
            0 => Self::Any,
            1 => Self::EnvVar,
            2 => Self::File,
            other => Self::Other(other),
        }
    }

    /// Its name in Flyte's enum; none for a number outside of it.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Any => Some("ANY"),
            Self::EnvVar => Some("ENV_VAR"),
            Self::File => Some("FILE"),
            Self::Other(_) => None,
        }
    }

    /// Its number on the wire.
    pub fn number(self) -> i32 {
        match self {
            Self::Any => 0,
            Self::EnvVar => 1,
            Self::File => 2,
            Self::Other(number) => number,
        }
    }
}

impl fmt::Display for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => self.number().fmt(f),
        }
    }
}

/// `GROUP/KEY@VERSION`, the way messages and the command line name a secret; control characters are escaped.
impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.group.escape_debug(), self.key.escape_debug())?;
        if !self.group_version.is_empty() {
            write!(f, "@{}", self.group_version.escape_debug())?;
        }
        Ok(())
    }
}

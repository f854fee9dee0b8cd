//! Why a pod is not run: all that is found before anything starts.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::reference::{Place, SecretReference};

/// The longest string that the kernel gives to a process, with its NUL (`MAX_ARG_STRLEN`, 32 pages of 4 KiB).
pub const MAX_STRING: usize = 131_072;

/// Why a value can't become an env var or a word of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// Strings of processes end at a NUL.
    #[error("holds a NUL byte, which no process can be given there")]
    Nul,
    /// The kernel has a limit for each string.
    #[error("is too long: it takes {length} bytes, name included, and the kernel's limit is {}", MAX_STRING - 1)]
    TooLong {
        /// The length: of `NAME=value`, or of the word.
        length: usize,
    },
    /// The kubelet talks to the container runtime in UTF-8.
    #[error("is not UTF-8: kubelets from 1.34 to 1.36 can't start the container, so ask for it as a file")]
    NotUtf8,
    /// A name is empty or has a `=` in it.
    #[error("has no name that an env var can have")]
    Name,
}

/// One reason not to run a pod.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A Secret or a key of it that the pod can't go without.
    #[error("{0} is not there")]
    MissingSecret(SecretReference),
    /// A `ConfigMap` that the pod can't go without.
    #[error("ConfigMap `{name}` for {place} can't be given: there is no cluster to read it from")]
    ConfigMap {
        /// What it is for.
        place: Place,
        /// Its name.
        name: String,
    },
    /// A kind of volume that needs a cluster or a node.
    #[error("volume `{volume}` is a `{kind}`, which can't be had here")]
    VolumeKind {
        /// The volume.
        volume: String,
        /// Its kind, as the field is called.
        kind: String,
    },
    /// A source of a projected volume that needs a cluster.
    #[error("volume `{volume}` has a source `{kind}`, which can't be had here")]
    VolumeSource {
        /// The volume.
        volume: String,
        /// The source, as the field is called.
        kind: String,
    },
    /// A file of a volume has a path that leaves the volume, or that is also a folder.
    #[error("volume `{volume}` can't have a file `{path}`")]
    VolumePath {
        /// The volume.
        volume: String,
        /// The path.
        path: String,
    },
    /// A mount or a `fileKeyRef` names a volume that the pod does not have, or that can't serve for it.
    #[error("container `{container}` names volume `{volume}`, {reason}")]
    VolumeName {
        /// The container.
        container: String,
        /// The volume.
        volume: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A mount that is not at or under the secrets' directory.
    #[error(
        "container `{container}` mounts volume `{volume}` at `{path}`: only mounts at or under `{root}` can be had without a mount namespace"
    )]
    MountElsewhere {
        /// The container.
        container: String,
        /// The volume.
        volume: String,
        /// Where it is mounted.
        path: String,
        /// Where it could be.
        root: String,
    },
    /// A mount at a place where nothing can be mounted.
    #[error("container `{container}` mounts volume `{volume}` at `{path}`, {reason}")]
    MountPoint {
        /// The container.
        container: String,
        /// The volume.
        volume: String,
        /// Where it is mounted.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A mount within another one, or at the same path.
    #[error("container `{container}` mounts volume `{volume}` at `{path}`, which lies in another mount")]
    MountNested {
        /// The container.
        container: String,
        /// The volume.
        volume: String,
        /// Where it is mounted.
        path: String,
    },
    /// A mount of a part of a volume that can't be made.
    #[error("container `{container}` mounts a part of volume `{volume}` by `{field}`, {reason}")]
    SubPath {
        /// The container.
        container: String,
        /// The volume.
        volume: String,
        /// `subPath` or `subPathExpr`.
        field: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A raw block device.
    #[error("container `{container}` has volume `{volume}` as a device")]
    Device {
        /// The container.
        container: String,
        /// The volume.
        volume: String,
    },
    /// Neither `command` nor `args`.
    #[error("container `{container}` has neither command nor args: its program is in the image")]
    NoProgram {
        /// The container.
        container: String,
    },
    /// The program is not on this machine.
    #[error("program `{program}` of container `{container}` is not on this machine")]
    ProgramNotFound {
        /// The container.
        container: String,
        /// The program.
        program: String,
    },
    /// An env var or a word of the command can't be given to a process.
    #[error("{what} of container `{container}` {unfit}")]
    Unfit {
        /// The container.
        container: String,
        /// What can't be given.
        what: String,
        /// Why not.
        unfit: Unfit,
    },
    /// A `valueFrom` that names no source, or one that the runner does not know.
    #[error("{place} names no source that is known")]
    Source {
        /// What it is for.
        place: Place,
    },
    /// A `fieldRef` or `resourceFieldRef` that Kubernetes has not, or whose value is broken.
    #[error("{place} refers to `{field}`, {reason}")]
    Field {
        /// What it is for.
        place: Place,
        /// The path of the field.
        field: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The name of a container or a volume is no name, or two have it.
    #[error("{kind} name `{name}` {reason}")]
    Name {
        /// `container` or `volume`.
        kind: &'static str,
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Namespaces were asked for, and can't be had.
    #[error("a mount namespace can't be had: {reason}")]
    NoNamespace {
        /// The reason.
        reason: String,
    },
    /// No containers.
    #[error("pod has no containers")]
    NoContainers,
    /// The caller's built-in init container is not in the pod.
    #[error("pod has no init container `{container}`")]
    NoBuiltin {
        /// The name asked for.
        container: String,
    },
}

/// Everything that speaks against running a pod; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// In the pod's order.
    pub problems: Vec<Problem>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("pod can't be run here: ")?;
        for (index, problem) in self.problems.iter().enumerate() {
            write!(f, "{}{problem}", if index == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}

/// Why a run did not happen, or broke off. What a container does is not an error but an [`Outcome`](crate::Outcome).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// Refused before anything started.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The private directory can't be made or filled.
    #[error("private directory {} can't be made", .dir.display())]
    PrivateDir {
        /// The directory, or the one that it would be in.
        dir: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The caller's files can't be put into a volume.
    #[error("files can't be put into a volume")]
    Exchange(#[source] io::Error),
    /// Signals can't be listened for, or processes not be waited for.
    #[error("processes can't be watched")]
    Watch(#[source] io::Error),
}

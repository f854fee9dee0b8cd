//! How a run ended.

use std::error::Error;
use std::fmt;
use std::io;

use crate::envfile::EnvFileError;
use crate::problem::Unfit;

/// The end of a run.
#[derive(Debug)]
pub struct Outcome {
    /// The code to exit with: 0, that of the container that decides, or 128 and the number of the signal that ended it or this process.
    pub exit_code: u8,
    /// Who decided.
    pub decided_by: Decider,
    /// What became of each container, in the pod's order, init containers first.
    pub containers: Vec<ContainerResult>,
}

/// What an [`Outcome`]'s exit code comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decider {
    /// Every container that counts ended with 0.
    AllSucceeded,
    /// A container: the primary one, an init container that failed, or the first in the pod's order that did not end with 0.
    Container(String),
    /// A signal to this process, by its number.
    Signal(i32),
}

/// What became of one container.
#[derive(Debug)]
pub struct ContainerResult {
    /// Its name.
    pub name: String,
    /// What it is to the pod.
    pub role: Role,
    /// How it ended.
    pub end: End,
    /// Why it did not start, where `end` says so.
    pub error: Option<StartError>,
}

/// What a container is to its pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// An init container: it ends before the next one starts.
    Init,
    /// A native sidecar: an init container that keeps running.
    Sidecar,
    /// One of the containers that run side by side.
    Regular,
}

/// How a container ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With an exit code.
    Exited(u8),
    /// By a signal.
    Signalled(i32),
    /// It could not be started; the code is the one a shell would give.
    NotStarted(u8),
    /// Its turn never came.
    NotReached,
}

impl End {
    /// The exit code, as a shell counts; `None` for a container whose turn never came.
    pub fn code(self) -> Option<u8> {
        match self {
            End::Exited(code) | End::NotStarted(code) => Some(code),
            End::Signalled(signal) => Some(signal_code(signal)),
            End::NotReached => None,
        }
    }

    /// Whether the container ended with 0.
    pub fn is_success(self) -> bool {
        self == End::Exited(0)
    }
}

/// `SIGINT`, or `signal 64` for one without a name.
pub(crate) fn signal_name(signal: i32) -> String {
    signal_hook::low_level::signal_name(signal).map_or_else(|| format!("signal {signal}"), str::to_owned)
}

/// What a shell returns for a process that a signal ended.
pub(crate) fn signal_code(signal: i32) -> u8 {
    u8::try_from(signal).map_or(u8::MAX, |signal| signal.saturating_add(128))
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Exited(code) => write!(f, "ended with exit code {code}"),
            End::Signalled(signal) => write!(f, "was ended by {}", signal_name(*signal)),
            End::NotStarted(_) => f.write_str("did not start"),
            End::NotReached => f.write_str("was not reached"),
        }
    }
}

/// Why a container could not be started when its turn came. What can be known before is a [`Problem`](crate::Problem) instead, and refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The env file of a `fileKeyRef` can't be read.
    #[error("env var `{variable}`: file `{path}` of volume `{volume}` can't be read")]
    EnvFile {
        /// The env var.
        variable: String,
        /// The volume.
        volume: String,
        /// The file in it.
        path: String,
        /// The reason.
        source: io::Error,
    },
    /// The env file of a `fileKeyRef` is not what the kubelet takes.
    #[error("env var `{variable}`: file `{path}` of volume `{volume}` is not an env file")]
    EnvFileFormat {
        /// The env var.
        variable: String,
        /// The volume.
        volume: String,
        /// The file in it.
        path: String,
        /// The reason.
        source: EnvFileError,
    },
    /// The env file has no such key, or an empty value for it.
    #[error("env var `{variable}`: file `{path}` of volume `{volume}` has no value for key `{key}`")]
    NoEnvFileKey {
        /// The env var.
        variable: String,
        /// The volume.
        volume: String,
        /// The file in it.
        path: String,
        /// The key.
        key: String,
    },
    /// An env var or a word of the command can't be given to a process.
    #[error("{what} {unfit}")]
    Unfit {
        /// What can't be given.
        what: String,
        /// Why not.
        unfit: Unfit,
    },
    /// A mount can't be made.
    #[error("volume `{volume}` can't be mounted")]
    Mount {
        /// The volume.
        volume: String,
        /// The reason.
        source: io::Error,
    },
    /// The container's mount namespace can't be made.
    #[error("its mount namespace can't be made")]
    Namespace {
        /// The reason.
        source: io::Error,
    },
    /// The system does not start the program.
    #[error("program `{program}` can't be started")]
    Program {
        /// The program.
        program: String,
        /// The reason.
        source: io::Error,
    },
    /// The caller's function for a built-in init container failed.
    #[error("its work failed")]
    Builtin(#[source] Box<dyn Error + Send + Sync>),
}

impl StartError {
    /// The exit code: what a shell gives for a program that is not there (127) or not to be run (126), 125 where a built-in init container's work failed, and
    /// 128 for the rest, as container engines do.
    pub fn code(&self) -> u8 {
        match self {
            StartError::Program { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => 127,
                io::ErrorKind::PermissionDenied => 126,
                _ => 128,
            },
            StartError::Builtin(_) => 125,
            _ => 128,
        }
    }

    /// The message with those of its causes.
    pub(crate) fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

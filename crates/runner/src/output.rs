//! What a run has to say, and to whom: the runner itself prints nothing.

use std::fmt;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

use crate::mask::SHORTEST_MASKED;
use crate::outcome::{End, Role, signal_name};
use crate::reference::{Place, SecretReference};

/// Which of a container's two streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// How a container's output is cut into pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Framing {
    /// By lines: for output that is mixed with that of other containers.
    #[default]
    Lines,
    /// As it comes: for progress bars, when nothing else is mixed in.
    Raw,
}

/// Takes what the containers write and what the runner notes. It is called on the thread that called [`run`](fn@crate::run), which does nothing else meanwhile.
pub trait Output {
    /// A piece of a container's output, byte for byte. With [`Framing::Lines`] it is one line with its line feed; it has none if the stream ended without, or if
    /// the line is longer than [`LONGEST_PIECE`](crate::LONGEST_PIECE) and goes on in the next piece of the same stream.
    ///
    /// [`ControlFlow::Break`] says that nobody reads it any more: the container's end of that stream is closed, so that it gets `SIGPIPE` or `EPIPE` when it
    /// writes again, as in a shell's pipeline.
    fn piece(&mut self, container: &str, stream: Stream, bytes: &[u8]) -> ControlFlow<()>;
    /// Something that a user may want to know.
    fn note(&mut self, note: &Note);
    /// How `container`'s output is to be cut; asked whenever the container starts.
    fn framing(&mut self, container: &str) -> Framing {
        let _ = container;
        Framing::Lines
    }
}

/// Something that a user may want to know; `Display` gives one line without a full stop.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// What the pod says that has no effect here.
    Ignored(Vec<String>),
    /// The pod wants its containers restarted.
    RunsOnce {
        /// The `restartPolicy`.
        policy: String,
    },
    /// A mount of the service account's token, which is not there.
    NoToken {
        /// The container.
        container: String,
    },
    /// The directory in `workingDir` does not exist here.
    NoWorkingDir {
        /// The container.
        container: String,
        /// The directory.
        dir: String,
    },
    /// A word of the command, or an env var, names the secrets' directory somewhere after its start, where it is not replaced.
    NotReplaced {
        /// The container.
        container: String,
        /// What holds it: `argument 2`, "env var `X`".
        what: String,
        /// The directory.
        root: String,
    },
    /// The annotation `primary_container_name` names no container.
    NoSuchPrimary {
        /// The name.
        name: String,
    },
    /// A resource that the pod does not state.
    ResourceGuessed {
        /// What it is for.
        place: Place,
        /// The resource, as `limits.cpu`.
        resource: String,
        /// What the container gets.
        value: String,
    },
    /// An optional `ConfigMap`: it is left out.
    NoConfigMap {
        /// What it is for.
        place: Place,
        /// Its name.
        name: String,
    },
    /// An optional Secret or key that is not there: it is left out.
    NoSecret(SecretReference),
    /// There is no mount namespace, so the secrets' directory is another one than in a cluster.
    NoNamespace {
        /// Why not.
        reason: String,
    },
    /// A mount point had to be made in a directory where people keep files, which is therefore another one for the container.
    Shadowed {
        /// The container.
        container: String,
        /// The directory.
        dir: PathBuf,
    },
    /// Secret values that are too short to be masked in the containers' output, by their number.
    NotMasked(usize),
    /// A container could not be started, or a built-in one failed.
    Failed {
        /// The container.
        container: String,
        /// The reason.
        reason: String,
    },
    /// A container ended with something else than success, and no signal to this process was the reason.
    Ended {
        /// The container.
        container: String,
        /// What it is in the pod.
        role: Role,
        /// How it ended.
        end: End,
    },
    /// A sidecar ended and will be started again.
    SidecarEnded {
        /// The container.
        container: String,
        /// How it ended.
        end: End,
        /// When it is started again.
        delay: Duration,
    },
    /// The primary container ended and others go on.
    PrimaryEnded {
        /// The container.
        container: String,
        /// Those that still run.
        running: Vec<String>,
    },
    /// A signal came: the containers are asked to end.
    Stopping {
        /// Its number.
        signal: i32,
        /// How long they have.
        grace: Duration,
    },
    /// The time is over, or a second signal came: what still runs is killed.
    Killing {
        /// The containers.
        containers: Vec<String>,
    },
    /// Processes that had left their container were ended.
    StraysKilled(usize),
    /// Private directories of earlier runs that were killed have been removed.
    Swept(usize),
    /// The private directory could not be removed.
    NotRemoved {
        /// The directory.
        dir: PathBuf,
        /// The reason.
        reason: String,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::Ignored(what) => write!(f, "ignored: {}", what.join(", ")),
            Note::RunsOnce { policy } => write!(f, "restartPolicy is `{policy}`, but containers run once here"),
            Note::NoToken { container } => {
                write!(f, "container `{container}` gets no service account token: there is no cluster")
            }
            Note::NoWorkingDir { container, dir } => {
                write!(f, "container `{container}` runs in the current directory: its workingDir `{dir}` is not here")
            }
            Note::NotReplaced { container, what, root } => {
                write!(
                    f,
                    "container `{container}`: {what} names `{root}` within it, which is not where the files are on this machine"
                )
            }
            Note::NoSuchPrimary { name } => {
                write!(f, "annotation primary_container_name names `{name}`, which is not a container of the pod")
            }
            Note::ResourceGuessed { place, resource, value } => {
                write!(f, "{place} gets `{value}`: the container states no {resource}")
            }
            Note::NoConfigMap { place, name } => write!(f, "optional ConfigMap `{name}` for {place} is left out"),
            Note::NoSecret(reference) => write!(f, "optional {reference} is left out: it is not there"),
            Note::NoNamespace { reason } => {
                write!(f, "files are in a private directory of this machine, for there is no mount namespace: {reason}")
            }
            Note::Shadowed { container, dir } => write!(
                f,
                "container `{container}`: what it adds to `{0}` itself is gone after the run, for a mount point had to be made there",
                dir.display()
            ),
            Note::NotMasked(count) => {
                let (values, verb) = if *count == 1 { ("value", "is") } else { ("values", "are") };
                write!(
                    f,
                    "{count} secret {values} of less than {SHORTEST_MASKED} bytes {verb} not masked in the output"
                )
            }
            Note::Failed { container, reason } => write!(f, "container `{container}` failed: {reason}"),
            Note::Ended { container, role: Role::Init, end } => {
                write!(f, "init container `{container}` {end}; what comes after it does not start")
            }
            Note::Ended { container, end, .. } => write!(f, "container `{container}` {end}"),
            Note::SidecarEnded { container, end, delay } => {
                write!(f, "sidecar `{container}` {end}; it starts again in {delay:?}")
            }
            Note::PrimaryEnded { container, running } => {
                write!(f, "primary container `{container}` ended; still running: {}", running.join(", "))
            }
            Note::Stopping { signal, grace } => {
                let signal = signal_name(*signal);
                write!(f, "{signal}: the containers have {grace:?} to end; a second signal kills them")
            }
            Note::Killing { containers } => write!(f, "killed: {}", containers.join(", ")),
            Note::StraysKilled(1) => f.write_str("killed: 1 process that had left its container"),
            Note::StraysKilled(count) => write!(f, "killed: {count} processes that had left their container"),
            Note::Swept(1) => f.write_str("removed the private directory of an earlier run that was killed"),
            Note::Swept(count) => write!(f, "removed the private directories of {count} earlier runs that were killed"),
            Note::NotRemoved { dir, reason } => {
                write!(f, "private directory {} could not be removed: {reason}", dir.display())
            }
        }
    }
}

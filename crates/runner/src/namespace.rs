//! A run whose files nobody else sees: mount and PID namespaces of its own.
//!
//! ```text
//! this process ──socket── init (PID 1, in the namespaces) ── containers, each with its own view of the mounts
//!      └─ launcher: makes the namespaces, waits for init
//! ```
//!
//! The program starts itself again ([`init_if_asked`]): namespaces can only be made by a process with one thread, and between `fork` and `exec` nothing safe can be
//! done. The launcher makes the namespaces, and in them init, which mounts memory for the volumes, starts the containers that it is told to, and tells how they
//! end. Nothing but init and the containers holds that memory. Init ends when its socket does, and the kernel ends with it all that is in its PID namespace: so a
//! run that is killed leaves neither a process nor a file, and there is no moment at which it could.
//!
//! A root user needs no user namespace; anyone else gets one in which they are still themselves, if the system allows it.
//!
//! What a container can notice: its process numbers are its own; mounts of secrets are read-only; and in a user namespace the files of other users belong to
//! `nobody`, so that programs which insist on root's (`sudo`, `ssh` with its configuration) do not work. Where only root may keep a tmpfs from being swapped out,
//! secrets lie in a ramfs, which never is; what containers write into an emptyDir may be.

#[cfg(target_os = "linux")]
mod entry;
#[cfg(target_os = "linux")]
mod init;
#[cfg(not(target_os = "linux"))]
mod none;
#[cfg(target_os = "linux")]
mod sandbox;
#[cfg(target_os = "linux")]
mod shadow;
#[cfg(target_os = "linux")]
mod view;
#[cfg(target_os = "linux")]
mod wire;

#[cfg(target_os = "linux")]
pub use entry::init_if_asked;
#[cfg(target_os = "linux")]
pub(crate) use entry::was_called;
#[cfg(not(target_os = "linux"))]
pub use none::init_if_asked;
#[cfg(not(target_os = "linux"))]
pub(crate) use none::{Sandbox, was_called};
#[cfg(target_os = "linux")]
pub(crate) use sandbox::Sandbox;

use crate::order::Bind;

/// Where volumes lie in a sandbox: those that hold secrets from the start are never swapped out.
pub(crate) const KEPT: &str = "kept";
/// Those that start empty, which are no more than the system's memory can hold.
pub(crate) const SCRATCH: &str = "scratch";

/// Whether runs have namespaces ([`Isolation::Namespace`](crate::Isolation::Namespace)); makes them to find out.
///
/// # Errors
/// Why they have none.
pub fn namespaces() -> Result<(), String> {
    if !was_called() {
        return Err("this program or system is not made for it".into());
    }
    Sandbox::start(&[]).map(drop)
}

/// Why a sandbox starts no container.
pub(crate) enum Failed {
    /// The mount of this number can't be made.
    Mount(usize, std::io::Error),
    /// The namespace can't.
    Namespace(std::io::Error),
    /// The program can't be started.
    Program(std::io::Error),
}

impl Failed {
    /// The error of a container with these mounts.
    pub(crate) fn of(self, program: &str, binds: &[Bind]) -> crate::StartError {
        match self {
            Failed::Mount(index, source) => {
                let volume = binds.get(index).map_or_else(String::new, |bind| bind.volume.clone());
                crate::StartError::Mount { volume, source }
            }
            Failed::Namespace(source) => crate::StartError::Namespace { source },
            Failed::Program(source) => crate::StartError::Program { program: program.into(), source },
        }
    }
}

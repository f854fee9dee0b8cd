//! What can be wrong with a local store, and what to do about it.

use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// A local store that can't be used. No message holds anything of a value or of a key.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Nothing says where it is.
    #[error("there is no place for the local store: neither HOME nor XDG_DATA_HOME is set")]
    NoHome,
    /// One path for the store and its identity.
    #[error("`{path}` can't be both the local store and its identity")]
    SameFile {
        /// The path.
        path: PathBuf,
    },
    /// Too many links.
    #[error("`{path}` is a link that leads to no file, but to links for ever")]
    Links {
        /// The path.
        path: PathBuf,
    },
    /// A folder on the way that is a link to nowhere.
    #[error("`{path}` can't be had: `{link}` is a link to what is not there")]
    Dangling {
        /// The path.
        path: PathBuf,
        /// The link.
        link: PathBuf,
    },
    /// The folder can't be made.
    #[error("the folder `{path}` of the local store can't be made: {error}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A store that can't be read.
    #[error("the local store `{path}` can't be read: {error}")]
    Read {
        /// The store.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A folder, a pipe or a device.
    #[error("`{path}` is no file, so that it can't be the local store")]
    NotAFile {
        /// What is there.
        path: PathBuf,
    },
    /// More than a store may hold.
    #[error("the local store `{path}` would have more than {} MiB", limit >> 20)]
    TooLarge {
        /// The store.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// Something else than a store.
    #[error("`{path}` is no local store: it is not encrypted by age")]
    NotAge {
        /// The file.
        path: PathBuf,
    },
    /// A store of a later age.
    #[error("the local store `{path}` is of a version of age that is not known here")]
    AgeVersion {
        /// The store.
        path: PathBuf,
    },
    /// A store of another version of the format.
    #[error("the local store `{path}` is of version {found}; this program reads version {read}")]
    Version {
        /// The store.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The version that is read.
        read: u32,
    },
    /// A store that was cut short or changed.
    #[error("the local store `{path}` is damaged: it was cut short, or changed by something else")]
    Damaged {
        /// The store.
        path: PathBuf,
    },
    /// The identity is not there.
    #[error("the local store `{store}` is there, but its identity `{path}` is not")]
    NoIdentity {
        /// The store.
        store: PathBuf,
        /// The identity.
        path: PathBuf,
    },
    /// The identity can't be read.
    #[error("the identity `{path}` of the local store can't be read: {error}")]
    ReadIdentity {
        /// The identity.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The identity is open to others.
    #[error("others can read or change the identity `{path}` of the local store (mode {mode:04o}); it is not used")]
    Exposed {
        /// The identity.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// A line of the identity that is no key.
    #[error("line {line} of the identity `{path}` is no X25519 key of age")]
    NotAKey {
        /// The identity.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// An identity without a key.
    #[error("the identity `{path}` holds no key")]
    NoKey {
        /// The identity.
        path: PathBuf,
    },
    /// An identity of another store.
    #[error("the local store `{path}` was not made for the identity `{identity}`, which can't open it")]
    WrongIdentity {
        /// The store.
        path: PathBuf,
        /// The identity.
        identity: PathBuf,
    },
    /// Another process has the store, and keeps it.
    #[error("another process is changing the local store, and does not end: it holds the lock `{path}`")]
    Locked {
        /// The lock.
        path: PathBuf,
    },
    /// What can't be written. The store is as it was.
    #[error("`{path}` can't be written, so that nothing of the local store has changed: {error}")]
    Write {
        /// The store, its identity or its lock.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

impl StoreError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoHome => "set HOME, or name a file with KEYBEARER_STORE".to_owned(),
            Self::SameFile { .. } => "let KEYBEARER_STORE and KEYBEARER_IDENTITY name two files".to_owned(),
            Self::NotAFile { .. } => "name a file with KEYBEARER_STORE".to_owned(),
            Self::Links { path } | Self::Dangling { link: path, .. } => {
                format!("mend the link `{}`, or name another place with KEYBEARER_STORE", path.display())
            }
            Self::Folder { error, .. } | Self::Write { error, .. } => match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room on that disk".to_owned(),
                _ => "name a place that you may write to with KEYBEARER_STORE".to_owned(),
            },
            Self::TooLarge { .. } => "delete what is not needed with `keybearer secret delete`".to_owned(),
            Self::NotAge { .. } => {
                "is KEYBEARER_STORE the right file? armored files (`age -a`) are not read".to_owned()
            }
            Self::AgeVersion { .. } | Self::Version { .. } => {
                "use the keybearer that wrote it, or a newer one".to_owned()
            }
            Self::Damaged { path } => {
                format!(
                    "put a copy from a backup in its place, or move `{}` away and set its secrets again",
                    path.display()
                )
            }
            Self::NoIdentity { store, path } => format!(
                "put the identity back at `{}`, or name it with KEYBEARER_IDENTITY; without it nobody can open the \
                 store, and all that is left is to move `{}` away",
                path.display(),
                store.display()
            ),
            Self::WrongIdentity { path, .. } => format!(
                "name its own identity with KEYBEARER_IDENTITY, or move `{}` away and set its secrets again",
                path.display()
            ),
            Self::Exposed { path, .. } => format!("chmod 600 '{}'", path.display()),
            Self::NotAKey { .. } => "each line is a key (`AGE-SECRET-KEY-1…`), empty, or begins with `#`".to_owned(),
            Self::NoKey { path } => {
                format!("put the key back, or remove `{}` if there is no store yet: a new one is made", path.display())
            }
            Self::Locked { .. } => "end it: `fuser` with the lock's path says which one it is".to_owned(),
            Self::Read { .. } | Self::ReadIdentity { .. } => return None,
        };
        Some(hint)
    }
}

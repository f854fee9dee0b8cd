//! A gzipped tar as its files, within limits and in memory: nothing is ever written to disk under a name from it.

use std::io::Read;

use flate2::read::GzDecoder;
use tar::EntryType;
use thiserror::Error;

/// Most bytes of a package, as it is on disk.
pub const MAX_PACKAGE: usize = 256 << 20;
/// Most bytes of a package, unpacked.
pub const MAX_UNPACKED: u64 = 512 << 20;
/// Most bytes of one task, workflow or launch plan.
pub const MAX_ENTRY: u64 = 16 << 20;
/// Most entries of a package, folders and the like included.
pub const MAX_ENTRIES: usize = 10_000;

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Why bytes aren't a package's archive. An entry is named where there is one to name.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// More than [`MAX_PACKAGE`] bytes.
    #[error("it has {size} bytes, more than the {MAX_PACKAGE} that a package may have")]
    TooBig {
        /// How many.
        size: usize,
    },
    /// It ends before it is complete, or was changed.
    #[error("it is damaged or cut off{}: {}", following(.after.as_deref()), said(.cause))]
    Damaged {
        /// The last entry that was read.
        after: Option<String>,
        /// What the decoder says.
        cause: std::io::Error,
    },
    /// It is gzip, and what is in it is no tar.
    #[error("it is gzip, but no tar is in it")]
    NotTar,
    /// Unpacked, it is more than [`MAX_UNPACKED`] bytes.
    #[error("unpacked, it has more than {MAX_UNPACKED} bytes{}", following(.after.as_deref()))]
    Unpacked {
        /// The last entry that was read.
        after: Option<String>,
    },
    /// More than [`MAX_ENTRIES`] entries.
    #[error("it has more than {MAX_ENTRIES} entries")]
    Entries,
    /// A task, workflow or launch plan of more than [`MAX_ENTRY`] bytes.
    #[error("its entry `{entry}` has {size} bytes, more than the {MAX_ENTRY} that one may have")]
    Entry {
        /// Which.
        entry: String,
        /// How many.
        size: u64,
    },
    /// Something else than a file or a folder.
    #[error("its entry `{entry}` is {what}, not a file")]
    NotFile {
        /// Which.
        entry: String,
        /// What it is.
        what: &'static str,
    },
    /// A name that leads out of the archive, or none at all.
    #[error("its entry `{entry}` has a name that {why}")]
    Name {
        /// Which, escaped.
        entry: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

fn following(entry: Option<&str>) -> String {
    entry.map(|entry| format!(" (after its entry `{entry}`)")).unwrap_or_default()
}

impl ArchiveError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Damaged { .. } => {
                "copy it again, or make it again with `pyflyte --pkgs MODULE package --image IMAGE`"
            }
            Self::NotTar | Self::NotFile { .. } | Self::Name { .. } => {
                "give what `pyflyte --pkgs MODULE package --image IMAGE` wrote"
            }
            Self::TooBig { .. } | Self::Unpacked { .. } | Self::Entries | Self::Entry { .. } => {
                "package fewer modules, or leave data out of the code that is packaged"
            }
        }
    }
}

/// One file of an archive.
#[derive(Debug)]
pub(crate) struct File {
    /// As the archive has it, without a leading `./`.
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// Whether it begins as a gzipped file does.
pub(crate) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&GZIP)
}

/// The files of a gzipped tar, in its order. Those that are `bounded` have a limit of their own, besides that of all.
pub(crate) fn files(bytes: &[u8], bounded: impl Fn(&str) -> bool) -> Result<Vec<File>, ArchiveError> {
    if bytes.len() > MAX_PACKAGE {
        return Err(ArchiveError::TooBig { size: bytes.len() });
    }
    let mut archive = tar::Archive::new(GzDecoder::new(bytes).take(MAX_UNPACKED + 1));
    let mut files: Vec<File> = Vec::new();
    let mut last = None;
    let entries = archive.entries().map_err(|cause| ArchiveError::Damaged { after: None, cause })?;
    let mut unpacked: u64 = 0;
    for (count, entry) in entries.enumerate() {
        if count == MAX_ENTRIES {
            return Err(ArchiveError::Entries);
        }
        let mut entry = entry.map_err(|cause| unreadable(last.as_ref(), cause))?;
        let name = name(&entry.path_bytes())?;
        let size = entry.size();
        last = Some(name.clone());
        match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous => {}
            EntryType::Directory => continue,
            other => return Err(ArchiveError::NotFile { entry: name, what: what(other) }),
        }
        if bounded(&name) && size > MAX_ENTRY {
            return Err(ArchiveError::Entry { entry: name, size });
        }
        unpacked = unpacked.saturating_add(size);
        if unpacked > MAX_UNPACKED {
            return Err(ArchiveError::Unpacked { after: last });
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(|cause| unreadable(last.as_ref(), cause))?;
        if bytes.len() as u64 != size {
            let cause = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
            return Err(ArchiveError::Damaged { after: last, cause });
        }
        files.push(File { name, bytes });
    }
    // To the end of gzip, where its checksum stands.
    let mut rest = archive.into_inner();
    std::io::copy(&mut rest, &mut std::io::sink())
        .map_err(|cause| ArchiveError::Damaged { after: last.clone(), cause })?;
    if rest.limit() == 0 {
        return Err(ArchiveError::Unpacked { after: last });
    }
    Ok(files)
}

/// What a failed read of the tar means: gzip's own complaints come with kinds of their own.
fn unreadable(last: Option<&String>, cause: std::io::Error) -> ArchiveError {
    use std::io::ErrorKind::{InvalidInput, UnexpectedEof};
    match cause.kind() {
        InvalidInput | UnexpectedEof => ArchiveError::Damaged { after: last.cloned(), cause },
        _ if last.is_none() => ArchiveError::NotTar,
        _ => ArchiveError::Damaged { after: last.cloned(), cause },
    }
}

/// What a decoder says, without its own words: those of the tar's hold bytes of the file, which may be anything.
fn said(cause: &std::io::Error) -> String {
    match cause.kind() {
        std::io::ErrorKind::Other | std::io::ErrorKind::InvalidData => {
            "what should be a header of tar is none".to_owned()
        }
        kind => kind.to_string(),
    }
}

fn name(bytes: &[u8]) -> Result<String, ArchiveError> {
    let shown = || String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).escape_debug().to_string();
    let wrong = |why| Err(ArchiveError::Name { entry: shown(), why });
    let Ok(name) = std::str::from_utf8(bytes) else { return wrong("isn't UTF-8") };
    let name = name.strip_prefix("./").unwrap_or(name);
    if name.starts_with('/') {
        return wrong("starts with `/`");
    }
    if name.split('/').any(|part| part == "..") {
        return wrong("has a part `..`");
    }
    if name.chars().any(char::is_control) {
        return wrong("holds a control character");
    }
    Ok(name.to_owned())
}

fn what(kind: EntryType) -> &'static str {
    match kind {
        EntryType::Symlink => "a symbolic link",
        EntryType::Link => "a hard link",
        EntryType::Char | EntryType::Block => "a device",
        EntryType::Fifo => "a pipe",
        EntryType::GNUSparse => "a sparse file",
        _ => "of a kind that tasks don't have",
    }
}

//! The identity: the age keys that open the store, in a file that nobody else may read.

use super::replace::sync_folder;
use super::{Location, StoreError};
use age::secrecy::ExposeSecret;
use age::x25519::Identity;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

/// More than any file of keys.
const MAX_SIZE: u64 = 64 * 1024;

/// The keys of an identity file. Each opens the store, and the store is written for all of them.
pub(super) struct Identities(Vec<Identity>);

impl Identities {
    pub(super) fn keys(&self) -> impl Iterator<Item = &Identity> {
        self.0.iter()
    }
}

/// The identity of a store that is there.
pub(super) fn read(location: &Location) -> Result<Identities, StoreError> {
    let path = &location.identity;
    match File::open(path) {
        Ok(file) => parse(path, file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(StoreError::NoIdentity { store: location.file.clone(), path: path.clone() })
        }
        Err(error) => Err(StoreError::ReadIdentity { path: path.clone(), error }),
    }
}

/// The identity for a new store: the one that is there, else a new one.
pub(super) fn read_or_make(path: &Path) -> Result<Identities, StoreError> {
    match File::open(path) {
        Ok(file) => parse(path, file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let made = make(path).map_err(|error| StoreError::Write { path: path.to_owned(), error })?;
            // Made by somebody else in between, for another store.
            let Some(made) = made else { return read_or_make(path) };
            Ok(Identities(vec![made]))
        }
        Err(error) => Err(StoreError::ReadIdentity { path: path.to_owned(), error }),
    }
}

fn parse(path: &Path, file: File) -> Result<Identities, StoreError> {
    let failed = |error| StoreError::ReadIdentity { path: path.to_owned(), error };
    let metadata = file.metadata().map_err(failed)?;
    let mode = metadata.mode() & 0o777;
    if metadata.is_file() && mode & 0o077 != 0 {
        return Err(StoreError::Exposed { path: path.to_owned(), mode });
    }
    // Once, at its full size: a buffer that grew would leave copies behind.
    let mut text =
        Zeroizing::new(String::with_capacity(usize::try_from(metadata.len().min(MAX_SIZE)).unwrap_or(0) + 1));
    file.take(MAX_SIZE).read_to_string(&mut text).map_err(failed)?;
    let mut identities = Vec::new();
    for (index, line) in text.lines().map(str::trim).enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let identity = line.parse::<Identity>();
        // The line is not repeated: it is a key, or may be one.
        identities.push(identity.map_err(|_| StoreError::NotAKey { path: path.to_owned(), line: index + 1 })?);
    }
    if identities.is_empty() {
        return Err(StoreError::NoKey { path: path.to_owned() });
    }
    Ok(Identities(identities))
}

/// Makes a new identity, in the form of `age-keygen`; none where a file is there by now.
fn make(path: &Path) -> io::Result<Option<Identity>> {
    let identity = Identity::generate();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Mode 0600, as all of tempfile's.
    let mut file = NamedTempFile::new_in(folder)?;
    let text = Zeroizing::new(format!(
        "# Opens keybearer's local store. Whoever has this file and the store has the secrets.\n# public key: {}\n{}\n",
        identity.to_public(),
        identity.to_string().expose_secret()
    ));
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => sync_folder(path).map(|()| Some(identity)),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
        Err(error) => Err(error.error),
    }
}

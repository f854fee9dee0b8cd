//! A file that is replaced as a whole, or not at all.

use super::StoreError;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The path of a file with something behind its name.
pub(super) fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    file.with_file_name(name)
}

/// Puts a new file, mode 0600, in the place of the old one, which stays if anything fails. Only whoever holds the store's
/// lock may: the new file has one name, so that what a crash left behind is replaced, too.
pub(super) fn replace(file: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let new = beside(file, ".new");
    let replaced = write(&new, bytes).and_then(|()| fs::rename(&new, file)).and_then(|()| sync_folder(file));
    replaced.map_err(|error| {
        // What went wrong is said already.
        let _ = fs::remove_file(&new);
        StoreError::Write { path: file.to_owned(), error }
    })
}

fn write(new: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::remove_file(new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(new)?;
    file.write_all(bytes)?;
    // Before the rename, or a power cut could leave the new name with nothing in it.
    file.sync_all()
}

/// So that the rename itself outlives a power cut.
pub(super) fn sync_folder(file: &Path) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

//! Where the store and its identity are.

use super::StoreError;
use std::ffi::OsString;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The environment variable that names another store.
pub const STORE_ENV: &str = "KEYBEARER_STORE";
/// The environment variable that names another identity.
pub const IDENTITY_ENV: &str = "KEYBEARER_IDENTITY";

const FOLDER: &str = "keybearer";
const STORE: &str = "secrets.age";
const IDENTITY: &str = "identity.txt";
/// How many links are followed to a store, as Linux does.
const MAX_LINKS: usize = 40;

/// The two files of a local store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The encrypted store.
    pub file: PathBuf,
    /// The identity that opens it: a file of age keys.
    pub identity: PathBuf,
}

impl Location {
    /// As the environment has it: [`STORE_ENV`], else `secrets.age` in the folder `keybearer` of `XDG_DATA_HOME`, else of
    /// `~/.local/share`; [`IDENTITY_ENV`], else `identity.txt` beside the store. An empty variable is none, and so is a
    /// relative `XDG_DATA_HOME`, as its specification wants.
    ///
    /// # Errors
    /// [`StoreError::NoHome`] where neither of these says where the store is.
    pub fn from_env(env: impl Fn(&str) -> Option<OsString>) -> Result<Self, StoreError> {
        let path = |name: &str| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let file = path(STORE_ENV).or_else(|| {
            let data = path("XDG_DATA_HOME").filter(|path| path.is_absolute());
            let data = data.or_else(|| Some(path("HOME")?.join(".local/share")))?;
            Some(data.join(FOLDER).join(STORE))
        });
        let file = file.ok_or(StoreError::NoHome)?;
        let identity = path(IDENTITY_ENV).unwrap_or_else(|| file.with_file_name(IDENTITY));
        Ok(Self { file, identity })
    }

    /// A store that is its own identity would overwrite it.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let same = match (fs::canonicalize(&self.file), fs::canonicalize(&self.identity)) {
            (Ok(file), Ok(identity)) => file == identity,
            _ => self.file == self.identity,
        };
        if same { Err(StoreError::SameFile { path: self.file.clone() }) } else { Ok(()) }
    }
}

/// The path behind links, so that what replaces a file replaces that one and not a link to it. The file itself may be
/// absent; where a link leads to a folder that is not there, the link is what is wrong.
pub(super) fn resolved(path: &Path) -> Result<PathBuf, StoreError> {
    let mut resolved = path.to_owned();
    for _ in 0..MAX_LINKS {
        dangling_folder(&resolved)?;
        match fs::read_link(&resolved) {
            Ok(target) => resolved = resolved.parent().unwrap_or(Path::new("")).join(target),
            // No link, or nothing at all.
            Err(_) => return Ok(resolved),
        }
    }
    Err(StoreError::Links { path: path.to_owned() })
}

/// Refuses a folder that is a link to nowhere: making it would fail with words that help nobody.
fn dangling_folder(path: &Path) -> Result<(), StoreError> {
    for folder in path.ancestors().skip(1) {
        let is_link = fs::symlink_metadata(folder).is_ok_and(|metadata| metadata.is_symlink());
        if is_link && matches!(fs::metadata(folder), Err(error) if error.kind() == io::ErrorKind::NotFound) {
            return Err(StoreError::Dangling { path: path.to_owned(), link: folder.to_owned() });
        }
    }
    Ok(())
}

/// Makes the folder of a file, open to nobody else; one that is there is left as it is.
pub(super) fn make_folder_of(file: &Path) -> Result<(), StoreError> {
    let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| StoreError::Folder { path: folder.to_owned(), error })
}

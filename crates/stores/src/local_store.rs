//! The local store: secrets that are kept on a laptop, in one file that `age` encrypts.
//!
//! ```text
//! [ identity.txt ]  opens  [ secrets.age ]  =  age( JSON: { keybearer_store: 1, secrets: [ ... ] } )
//! ```
//!
//! A change takes a lock, reads the file, and puts a new one in its place by renaming, so that whoever reads sees the old
//! store or the new one, and two who write at once lose nothing.

mod content;
mod error;
mod identity;
mod location;
mod lock;
mod replace;
mod sealed;

pub use content::{Content, Kept};
pub use error::StoreError;
pub use location::{IDENTITY_ENV, Location, STORE_ENV};

use lock::Lock;
use std::path::{Path, PathBuf};

/// The local store at its place; nothing is read or made before it is asked for.
#[derive(Clone, Debug)]
pub struct LocalStore {
    location: Location,
}

impl LocalStore {
    /// The store at a place.
    pub fn at(location: Location) -> Self {
        Self { location }
    }

    /// Where it is.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// All that it holds; none where there is no store.
    ///
    /// # Errors
    /// [`StoreError`] for a store or an identity that is there and can't be used.
    pub fn read(&self) -> Result<Option<Content>, StoreError> {
        self.read_file(&location::resolved(&self.location.file)?)
    }

    /// Changes what it holds, while no other process does. A store that is not there is made, with its identity; a change
    /// that changes nothing writes nothing.
    ///
    /// # Errors
    /// [`StoreError`] for a store that can't be read or written: the old one is then still in place.
    pub fn change<T>(&self, change: impl FnOnce(&mut Content) -> T) -> Result<T, StoreError> {
        self.location.check()?;
        let file = location::resolved(&self.location.file)?;
        location::make_folder_of(&file)?;
        let _lock = Lock::take(&file)?;
        let found = self.read_file(&file)?;
        let is_new = found.is_none();
        let mut content = found.unwrap_or_default();
        let result = change(&mut content);
        if content.is_changed() {
            let identities = if is_new { self.identity_for_a_new_store()? } else { identity::read(&self.location)? };
            replace::replace(&file, &sealed::seal(&file, &content, &identities)?)?;
        }
        Ok(result)
    }

    fn read_file(&self, file: &Path) -> Result<Option<Content>, StoreError> {
        let Some(bytes) = sealed::load(file)? else { return Ok(None) };
        let identities = identity::read(&self.location)?;
        sealed::open(file, &self.location.identity, &bytes, &identities).map(Some)
    }

    fn identity_for_a_new_store(&self) -> Result<identity::Identities, StoreError> {
        let path: PathBuf = location::resolved(&self.location.identity)?;
        location::make_folder_of(&path)?;
        identity::read_or_make(&path)
    }
}

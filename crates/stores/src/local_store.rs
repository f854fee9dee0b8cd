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

use identity::Identities;
use lock::Lock;
use std::path::Path;

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

    /// Whether there is a store, whatever is in it.
    pub fn exists(&self) -> bool {
        self.location.file.symlink_metadata().is_ok()
    }

    /// All that it holds; none where there is no store.
    ///
    /// # Errors
    /// [`StoreError`] for a store or an identity that is there and can't be used.
    pub fn read(&self) -> Result<Option<Content>, StoreError> {
        let found = self.opened(&location::resolved(&self.location.file)?)?;
        Ok(found.map(|(content, _)| content))
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
        let (mut content, identities) = self.opened(&file)?.unzip();
        let content = content.get_or_insert_default();
        let result = change(content);
        if content.is_changed() {
            let identities = identities.map_or_else(|| self.identity_for_a_new_store(), Ok)?;
            replace::replace(&file, &sealed::seal(&file, content, &identities)?)?;
        }
        Ok(result)
    }

    /// The identity is read once: it may be a pipe.
    fn opened(&self, file: &Path) -> Result<Option<(Content, Identities)>, StoreError> {
        let Some(bytes) = sealed::load(file)? else { return Ok(None) };
        let identities = identity::read(&self.location)?;
        let content = sealed::open(file, &self.location.identity, &bytes, &identities)?;
        Ok(Some((content, identities)))
    }

    fn identity_for_a_new_store(&self) -> Result<Identities, StoreError> {
        let path = location::resolved(&self.location.identity)?;
        location::make_folder_of(&path)?;
        identity::read_or_make(&path)
    }
}

//! Local: what the user of a laptop gives by hand, then what is kept in the local store, then what was got from managers.

use crate::{Content, LocalStore, StoreError};
use admission::{Manager, Value};
use secret::Secret;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// Values by group and key. A given value answers every version that is asked for. The store is opened for the first
/// secret that was not given, and not before.
#[derive(Default)]
pub struct Local {
    given: BTreeMap<(String, String), Value>,
    store: Option<LocalStore>,
    content: OnceLock<Result<Option<Content>, StoreError>>,
    managed: OnceLock<Managed>,
}

/// What managers answered for secrets that nothing else had.
#[derive(Default)]
pub struct Managed(BTreeMap<(String, String, String), (Manager, Option<Value>)>);

impl Managed {
    /// Keeps what a manager has of a secret: nothing, maybe.
    pub fn answered(&mut self, secret: &Secret, manager: Manager, value: Option<Vec<u8>>) {
        let Secret { group, key, group_version, .. } = secret.clone();
        self.0.insert((group, key, group_version), (manager, value.map(Value::from)));
    }
}

/// Who answered for Local.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    Given,
    /// The local store.
    Store,
    /// A manager.
    Manager(Manager),
}

impl Local {
    /// With a store behind what is given.
    pub fn with_store(store: Option<LocalStore>) -> Self {
        Self { store, ..Self::default() }
    }

    /// Keeps a value; says whether there was none before.
    pub fn insert(&mut self, group: &str, key: &str, value: Vec<u8>) -> bool {
        self.given.insert((group.to_owned(), key.to_owned()), value.into()).is_none()
    }

    /// The value of a key in a version, which may be empty, and who has it.
    pub fn get(&self, group: &str, key: &str, version: &str) -> Option<(&Value, Origin)> {
        if let Some(value) = self.given.get(&(group.to_owned(), key.to_owned())) {
            return Some((value, Origin::Given));
        }
        if let Some(value) = self.content().and_then(|content| content.answer(group, key, version)) {
            return Some((value, Origin::Store));
        }
        let (manager, value) = self.managed(group, key, version)?;
        Some((value.as_ref()?, Origin::Manager(*manager)))
    }

    /// Keeps what managers answered; only the first time.
    pub fn answer(&self, managed: Managed) {
        let _ = self.managed.set(managed);
    }

    /// The managers that were asked for a secret: Local itself, and the one behind it that was.
    pub fn asked(&self, secret: &Secret) -> Vec<Manager> {
        let behind = self.managed(&secret.group, &secret.key, &secret.group_version);
        std::iter::once(Manager::Local).chain(behind.map(|(manager, _)| *manager)).collect()
    }

    fn managed(&self, group: &str, key: &str, version: &str) -> Option<&(Manager, Option<Value>)> {
        self.managed.get()?.0.get(&(group.to_owned(), key.to_owned(), version.to_owned()))
    }

    /// The keys of a group, for whoever asks for all of it: what is given, and what the store has for every version.
    pub fn keys_of(&self, group: &str) -> BTreeSet<String> {
        let given = self.given.keys().filter(|(other, _)| other == group).map(|(_, key)| key.clone());
        let kept = self.content().into_iter().flat_map(Content::iter);
        let kept = kept.filter(|(secret, _)| secret.group == group && secret.group_version.is_empty());
        given.chain(kept.map(|(secret, _)| secret.key)).collect()
    }

    /// The groups and keys that were given.
    pub fn given(&self) -> impl Iterator<Item = (&str, &str)> {
        self.given.keys().map(|(group, key)| (group.as_str(), key.as_str()))
    }

    /// Why the store could not be read, where something was looked for in it in vain.
    pub fn failure(&self) -> Option<&StoreError> {
        self.content.get()?.as_ref().err()
    }

    fn content(&self) -> Option<&Content> {
        let store = self.store.as_ref()?;
        self.content.get_or_init(|| store.read()).as_ref().ok()?.as_ref()
    }
}

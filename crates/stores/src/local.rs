//! Local: what the user of a laptop gives by hand.

use admission::Value;
use std::collections::BTreeMap;

/// Values by group and key. A value answers every version that is asked for.
#[derive(Default)]
pub struct Local {
    values: BTreeMap<(String, String), Value>,
}

impl Local {
    /// Keeps a value; says whether there was none before.
    pub fn insert(&mut self, group: &str, key: &str, value: Vec<u8>) -> bool {
        self.values.insert((group.to_owned(), key.to_owned()), value.into()).is_none()
    }

    /// The value of a key.
    pub fn get(&self, group: &str, key: &str) -> Option<&Value> {
        self.values.get(&(group.to_owned(), key.to_owned()))
    }

    /// The groups and keys that it has.
    pub fn keys(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.keys().map(|(group, key)| (group.as_str(), key.as_str()))
    }
}

//! Secret values, and the values that Global finds in memory.

use crate::config::GlobalLookup;
use crate::managers::join;
use crate::plan::{Plan, Source};
use secrecy::{ExposeSecret, SecretSlice};
use std::collections::{BTreeMap, HashMap};

/// Bytes that are never printed and are wiped when dropped.
pub type Value = SecretSlice<u8>;

/// The values of a plan's requests, by the request's place in the plan.
#[derive(Default)]
pub struct Values {
    values: BTreeMap<usize, Value>,
}

impl Values {
    /// No values: all that is needed where nothing is inline.
    pub fn none() -> Self {
        Self::default()
    }

    /// Keeps the value of a request.
    pub fn insert(&mut self, request: usize, value: Value) {
        self.values.insert(request, value);
    }

    /// The value of a request.
    pub fn get(&self, request: usize) -> Option<&[u8]> {
        self.values.get(&request).map(ExposeSecret::expose_secret)
    }

    /// The values that a plan writes into the pod itself.
    pub fn inline(plan: &Plan, globals: &Globals, lookup: &GlobalLookup) -> Self {
        let mut values = Self::default();
        for (index, request) in plan.requests.iter().enumerate() {
            if request.source == Source::Inline
                && let Some(value) = globals.get(lookup, &request.secret.group, &request.secret.key)
            {
                values.insert(index, value.to_vec().into());
            }
        }
        values
    }

    /// What is shown in place of the values that a plan writes into the pod itself.
    pub fn redacted(plan: &Plan) -> Self {
        let mut values = Self::default();
        for (index, request) in plan.requests.iter().enumerate() {
            if request.source == Source::Inline {
                values.insert(index, b"<redacted>".to_vec().into());
            }
        }
        values
    }
}

/// The webhook's own secrets: its environment and the files below `secrets-prefix`, held in memory so that
/// planning makes no outbound call.
#[derive(Default)]
pub struct Globals {
    env: HashMap<String, Value>,
    files: HashMap<String, Value>,
}

impl Globals {
    /// From an environment and from files by their path below `secrets-prefix`.
    pub fn new(
        env: impl IntoIterator<Item = (String, Vec<u8>)>,
        files: impl IntoIterator<Item = (String, Vec<u8>)>,
    ) -> Self {
        Self {
            env: env.into_iter().map(|(name, value)| (name, value.into())).collect(),
            files: files.into_iter().map(|(path, value)| (path, value.into())).collect(),
        }
    }

    /// The value of a group's key: the environment variable `<env-prefix><GROUP>_<KEY>` first, then the file
    /// `<group>/<key>`, empty parts and `.` left out. A group that would leave the folder finds nothing.
    pub(crate) fn get(&self, lookup: &GlobalLookup, group: &str, key: &str) -> Option<&[u8]> {
        let in_env = || self.env.get(&Self::env_name(lookup, group, key));
        let in_files = || {
            let (group, key) = (join(&[group]), join(&[key]));
            let stays = ![&group, &key].iter().any(|part| part.is_empty() || part.split('/').any(|part| part == ".."));
            self.files.get(&format!("{group}/{key}")).filter(|_| stays)
        };
        // Most webhooks have none at all.
        let value = if self.env.is_empty() { None } else { in_env() };
        let value = if self.files.is_empty() { value } else { value.or_else(in_files) };
        value.map(ExposeSecret::expose_secret)
    }

    /// The environment variable of the webhook in which a value is looked for.
    pub fn env_name(lookup: &GlobalLookup, group: &str, key: &str) -> String {
        [lookup.env_prefix.as_str(), &secret::to_upper(group), "_", &secret::to_upper(key)].concat()
    }
}

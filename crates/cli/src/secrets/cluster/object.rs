//! A Kubernetes Secret, as far as it matters here. Its values are overwritten when it goes.

use crate::fault::Fault;
use admission::Value;
use data_encoding::BASE64;
use serde::Deserialize;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Says that this program made a Secret.
pub(super) const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
pub(super) const US: &str = "keybearer";

#[derive(Deserialize)]
pub(crate) struct Object {
    pub(super) metadata: Metadata,
    #[serde(default)]
    data: Option<BTreeMap<String, Encoded>>,
    #[serde(default)]
    immutable: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata {
    pub(super) name: String,
    #[serde(default)]
    pub(super) resource_version: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    owner_references: Vec<Owner>,
}

#[derive(Deserialize)]
struct Owner {
    kind: String,
    name: String,
}

#[derive(Deserialize)]
struct Objects {
    items: Vec<Object>,
}

/// A value in base64.
#[derive(Deserialize)]
#[serde(from = "String")]
struct Encoded(Zeroizing<String>);

impl From<String> for Encoded {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

/// What the parser says could repeat a value.
fn no_secret() -> Fault {
    Fault::new("`kubectl` gave something else than a Secret")
}

impl Object {
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        serde_json::from_str(text).map_err(|_| no_secret())
    }

    pub(super) fn parse_list(text: &str) -> Result<Vec<Self>, Fault> {
        serde_json::from_str(text).map(|list: Objects| list.items).map_err(|_| no_secret())
    }

    pub(crate) fn name(&self) -> &str {
        &self.metadata.name
    }

    /// Its keys, and how many bytes each has.
    pub(crate) fn sizes(&self) -> impl Iterator<Item = (&str, usize)> {
        self.data.iter().flatten().map(|(key, Encoded(value))| {
            let padding = value.bytes().rev().take_while(|byte| *byte == b'=').count();
            (key.as_str(), (value.len() / 4 * 3).saturating_sub(padding))
        })
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.data.as_ref().is_some_and(|data| data.contains_key(key))
    }

    /// Whether a key is its only one.
    pub(super) fn has_only(&self, key: &str) -> bool {
        self.has(key) && self.data.as_ref().is_some_and(|data| data.len() == 1)
    }

    pub(super) fn value(&self, key: &str) -> Result<Option<Value>, Fault> {
        let Some(Encoded(value)) = self.data.as_ref().and_then(|data| data.get(key)) else { return Ok(None) };
        BASE64.decode(value.as_bytes()).map(|bytes| Some(Value::from(bytes))).map_err(|_| no_secret())
    }

    pub(super) fn is_immutable(&self) -> bool {
        self.immutable == Some(true)
    }

    /// Whether this program made it.
    pub(crate) fn is_ours(&self) -> bool {
        self.metadata.labels.get(MANAGED_BY).is_some_and(|by| by == US)
    }

    /// Who else keeps it as it is, and would undo a change.
    pub(super) fn keeper(&self) -> Option<String> {
        if let Some(owner) = self.metadata.owner_references.first() {
            return Some(format!("{} `{}` owns it", owner.kind, owner.name));
        }
        let by = self.metadata.labels.get(MANAGED_BY).filter(|by| *by != US)?;
        Some(format!("`{by}` manages it (label `{MANAGED_BY}`)"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_values() {
        let object = r#"{"metadata": {"name": "s"}, "data": {"a": "", "b": "YQ==", "c": "YWI=", "d": "YWJj"}}"#;
        let object = Object::parse(object).unwrap_or_else(|fault| panic!("{fault:?}"));
        assert_eq!(object.sizes().collect::<Vec<_>>(), [("a", 0), ("b", 1), ("c", 2), ("d", 3)]);
    }
}

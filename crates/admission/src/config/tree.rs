//! A YAML document as a tree that knows where each thing stands, for messages with file and line.
//!
//! Scalars are kept as text: Flyte's sections are weakly typed (`"9443"` is a port and `1` a name), as viper reads them.

use super::error::ConfigError;
use super::place::Place;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;
use std::fmt;
use std::sync::Arc;

/// A node and where it stands.
pub(super) struct Node {
    pub(super) at: Place,
    pub(super) kind: Kind,
}

pub(super) enum Kind {
    Null,
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A member of a map.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) at: Place,
    pub(super) node: Node,
}

impl Node {
    /// Reads one document.
    pub(super) fn parse(text: &str, origin: &str) -> Result<Self, ConfigError> {
        let origin: Arc<str> = origin.into();
        if text.trim().is_empty() {
            return Ok(Self { at: Place::file(&origin), kind: Kind::Null });
        }
        let mut options = serde_saphyr::Options::default();
        options.strict_booleans = true;
        options.with_snippet = false;
        let tree: Spanned<Raw> =
            serde_saphyr::from_str_with_options(text, options).map_err(|error| ConfigError::yaml(&origin, &error))?;
        Ok(Self::new(tree, &origin))
    }

    fn new(spanned: Spanned<Raw>, origin: &Arc<str>) -> Self {
        let kind = match spanned.value {
            Raw::Null => Kind::Null,
            Raw::Scalar(text) => Kind::Scalar(text),
            Raw::List(items) => Kind::List(items.into_iter().map(|item| Self::new(item, origin)).collect()),
            Raw::Map(entries) => {
                let entry = |(name, node): (Spanned<Name>, Spanned<Raw>)| Entry {
                    at: Place::new(origin, name.referenced),
                    name: name.value.0,
                    node: Self::new(node, origin),
                };
                Kind::Map(entries.into_iter().map(entry).collect())
            }
        };
        Self { at: Place::new(origin, spanned.referenced), kind }
    }

    /// Lays a later file over this one: maps member by member, anything else whole. Names match in any case.
    pub(super) fn overlaid(self, later: Self) -> Self {
        match (self.kind, later.kind) {
            (kind, Kind::Null) => Self { at: self.at, kind },
            (Kind::Map(mut entries), Kind::Map(more)) => {
                for entry in more {
                    match entries.iter().position(|known| known.name.eq_ignore_ascii_case(&entry.name)) {
                        Some(index) => {
                            let known = entries.remove(index);
                            let node = known.node.overlaid(entry.node);
                            entries.insert(index, Entry { name: entry.name, at: entry.at, node });
                        }
                        None => entries.push(entry),
                    }
                }
                Self { at: later.at, kind: Kind::Map(entries) }
            }
            (_, kind) => Self { at: later.at, kind },
        }
    }

    /// The node as JSON, every scalar as text: what a label selector is made of.
    pub(super) fn into_json(self) -> serde_json::Value {
        match self.kind {
            Kind::Null => serde_json::Value::Null,
            Kind::Scalar(text) => text.into(),
            Kind::List(nodes) => nodes.into_iter().map(Self::into_json).collect(),
            Kind::Map(entries) => entries.into_iter().map(|entry| (entry.name, entry.node.into_json())).collect(),
        }
    }

    /// What kind of thing it is, for messages.
    pub(super) fn kind_name(&self) -> &'static str {
        match self.kind {
            Kind::Null => "null",
            Kind::Scalar(_) => "a scalar",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }
}

enum Raw {
    Null,
    Scalar(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<Name>, Spanned<Raw>)>),
}

/// A map's key, whatever scalar it is written as.
struct Name(String);

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML")
    }
    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }
    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_any(self)
    }
    fn visit_bool<E>(self, v: bool) -> Result<Raw, E> {
        Ok(Raw::Scalar(v.to_string()))
    }
    fn visit_i64<E>(self, v: i64) -> Result<Raw, E> {
        Ok(Raw::Scalar(v.to_string()))
    }
    fn visit_u64<E>(self, v: u64) -> Result<Raw, E> {
        Ok(Raw::Scalar(v.to_string()))
    }
    fn visit_f64<E>(self, v: f64) -> Result<Raw, E> {
        Ok(Raw::Scalar(v.to_string()))
    }
    fn visit_str<E>(self, v: &str) -> Result<Raw, E> {
        Ok(Raw::Scalar(v.to_owned()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(RawVisitor)? {
            Raw::Scalar(name) => Ok(Self(name)),
            Raw::Null | Raw::List(_) | Raw::Map(_) => Err(serde::de::Error::custom("a key of a map has to be a name")),
        }
    }
}

//! A JSON patch (RFC 6902), written operation by operation; never a difference of two documents.

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// Operations in the order in which they apply.
#[derive(Debug, Default)]
pub struct Patch {
    ops: Vec<Op>,
}

/// One operation.
#[derive(Debug, Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum Op {
    /// Adds a member or an entry; a member that is there is replaced.
    Add {
        /// Where (RFC 6901).
        path: String,
        /// What.
        value: Json,
    },
    /// Replaces what is there.
    Replace {
        /// Where.
        path: String,
        /// What.
        value: Json,
    },
    /// Removes what is there.
    Remove {
        /// Where.
        path: String,
    },
    /// Moves an entry.
    Move {
        /// From where.
        from: String,
        /// Where to.
        path: String,
    },
}

/// A value that is JSON already.
#[derive(Debug)]
pub struct Json(Box<RawValue>);

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl Json {
    /// Writes a value.
    pub(crate) fn of(value: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::value::to_raw_value(value) {
            Ok(raw) => Self(raw),
            Err(error) => unreachable!("maps with string keys and strings are JSON: {error}"),
        }
    }
}

impl Serialize for Patch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.ops.serialize(serializer)
    }
}

impl Patch {
    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    /// Its operations.
    pub fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// The patch as JSON.
    pub fn to_json(&self) -> String {
        match serde_json::to_string(self) {
            Ok(json) => json,
            Err(error) => unreachable!("maps with string keys and strings are JSON: {error}"),
        }
    }

    pub(crate) fn add(&mut self, path: impl Into<String>, value: &(impl Serialize + ?Sized)) {
        self.ops.push(Op::Add { path: path.into(), value: Json::of(value) });
    }

    pub(crate) fn replace(&mut self, path: impl Into<String>, value: &(impl Serialize + ?Sized)) {
        self.ops.push(Op::Replace { path: path.into(), value: Json::of(value) });
    }

    pub(crate) fn remove(&mut self, path: impl Into<String>) {
        self.ops.push(Op::Remove { path: path.into() });
    }

    pub(crate) fn relocate(&mut self, from: impl Into<String>, path: impl Into<String>) {
        self.ops.push(Op::Move { from: from.into(), path: path.into() });
    }

    /// Adds entries to a list, making the list where there is none.
    pub(crate) fn append<T: Serialize>(&mut self, list: &str, is_there: bool, entries: &[T]) {
        if entries.is_empty() {
            return;
        }
        if is_there {
            for entry in entries {
                self.add(format!("{list}/-"), entry);
            }
        } else {
            self.add(list, entries);
        }
    }
}

/// A part of a JSON pointer (RFC 6901).
pub(crate) fn pointer_part(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

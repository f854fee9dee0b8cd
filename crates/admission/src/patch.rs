//! A JSON patch (RFC 6902), written operation by operation; never a difference of two documents.

use crate::config::Config;
use crate::denial::Denial;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// What the patch of a usual pod needs, so that it is not moved while it grows.
const USUAL: usize = 2048;

/// Bytes of the largest patch that is sent: far more than any pod needs, and more than API servers store of one. Each container
/// gets each variable, so that a small pod can ask for far more.
pub(crate) const MAX_PATCH: usize = 4 << 20;

/// Operations in the order in which they apply. It is kept as the text that is sent, since all that is ever done with it is
/// to send or show it.
#[derive(Debug, Default)]
pub struct Patch {
    /// Nothing, or a whole list.
    json: Vec<u8>,
}

/// One operation, as it is shown.
#[derive(Serialize, Deserialize)]
struct Op<'a> {
    #[serde(borrow)]
    op: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    from: Option<Cow<'a, str>>,
    #[serde(borrow)]
    path: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    value: Option<&'a RawValue>,
}

impl Serialize for Patch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let json = self.to_json();
        let ops: Vec<Op<'_>> = serde_json::from_str(&json).map_err(serde::ser::Error::custom)?;
        ops.serialize(serializer)
    }
}

impl Patch {
    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.json.is_empty()
    }

    /// The patch, where it is one that can be sent.
    ///
    /// # Errors
    /// A [`Denial`] where the pod would become too large: operations are missing then.
    pub fn sendable(self, config: &Config) -> Result<Self, Denial> {
        if !self.is_too_large() {
            return Ok(self);
        }
        let message = format!(
            "the pod's secrets would take more than {} MiB in it: each container gets each variable and each mount",
            MAX_PATCH >> 20
        );
        let hint = "ask for fewer secrets, for files instead of variables, or in fewer containers";
        Err(Denial::pod(config, message).with_hint(hint))
    }

    /// Whether it has become larger than is sent. It is left as it is then.
    pub(crate) fn is_too_large(&self) -> bool {
        self.json.len() > MAX_PATCH
    }

    /// The patch as JSON.
    pub fn to_json(&self) -> String {
        match String::from_utf8(self.as_bytes().to_vec()) {
            Ok(json) => json,
            Err(error) => unreachable!("JSON is written as UTF-8: {error}"),
        }
    }

    /// The patch as JSON, in UTF-8.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        if self.is_empty() { b"[]" } else { &self.json }
    }

    /// Adds a member or an entry; a member that is there is replaced.
    pub(crate) fn add(&mut self, path: impl Pointer, value: &(impl Json + ?Sized)) {
        if !self.is_too_large() {
            self.begin(br#"{"op":"add","path":""#, path);
            self.value(value);
        }
    }

    /// Replaces what is there.
    pub(crate) fn replace(&mut self, path: impl Pointer, value: &(impl Json + ?Sized)) {
        if !self.is_too_large() {
            self.begin(br#"{"op":"replace","path":""#, path);
            self.value(value);
        }
    }

    /// Removes what is there.
    pub(crate) fn remove(&mut self, path: impl Pointer) {
        self.begin(br#"{"op":"remove","path":""#, path);
        self.json.extend_from_slice(b"}]");
    }

    /// Moves an entry.
    pub(crate) fn relocate(&mut self, from: impl Pointer, path: impl Pointer) {
        self.begin(br#"{"op":"move","from":""#, from);
        self.json.extend_from_slice(br#","path":""#);
        path.write(&mut self.json);
        self.json.extend_from_slice(br#""}]"#);
    }

    /// Adds entries to a list, making the list where there is none.
    pub(crate) fn append<T: Serialize>(&mut self, list: impl Pointer, is_there: bool, entries: &[T]) {
        if entries.is_empty() {
            return;
        }
        if is_there {
            for entry in entries {
                self.add(At(list, "-"), entry);
            }
        } else {
            self.add(list, entries);
        }
    }

    /// Writes an operation up to its first pointer.
    fn begin(&mut self, operation: &[u8], pointer: impl Pointer) {
        match self.json.last_mut() {
            // The list's end.
            Some(last) => *last = b',',
            None => {
                self.json.reserve(USUAL);
                self.json.push(b'[');
            }
        }
        self.json.extend_from_slice(operation);
        pointer.write(&mut self.json);
        self.json.push(b'"');
    }

    fn value(&mut self, value: &(impl Json + ?Sized)) {
        self.json.extend_from_slice(br#","value":"#);
        value.write(&mut self.json);
        self.json.extend_from_slice(b"}]");
    }
}

/// What an operation can add.
pub(crate) trait Json {
    /// Writes it.
    fn write(&self, json: &mut Vec<u8>);
}

impl<T: Serialize + ?Sized> Json for T {
    fn write(&self, json: &mut Vec<u8>) {
        if let Err(error) = serde_json::to_writer(json, self) {
            unreachable!("maps with string keys and strings are JSON, and memory takes them: {error}");
        }
    }
}

/// A JSON pointer (RFC 6901), written without a copy.
pub(crate) trait Pointer: Copy {
    /// Writes it as the inside of a JSON string.
    fn write(self, json: &mut Vec<u8>);
}

/// A member or an entry of something.
#[derive(Clone, Copy)]
pub(crate) struct At<P, Q>(pub(crate) P, pub(crate) Q);

/// A member with any name.
#[derive(Clone, Copy)]
pub(crate) struct Member<'a>(pub(crate) &'a str);

/// Only for names in the code, in which nothing has to be escaped.
impl Pointer for &'static str {
    fn write(self, json: &mut Vec<u8>) {
        json.extend_from_slice(self.as_bytes());
    }
}

impl Pointer for usize {
    fn write(self, json: &mut Vec<u8>) {
        // A number has no quotes, and memory takes it.
        let _ = serde_json::to_writer(json, &self);
    }
}

impl<P: Pointer, Q: Pointer> Pointer for At<P, Q> {
    fn write(self, json: &mut Vec<u8>) {
        self.0.write(json);
        json.push(b'/');
        self.1.write(json);
    }
}

impl Pointer for Member<'_> {
    fn write(self, json: &mut Vec<u8>) {
        for part in self.0.split_inclusive(['~', '/']) {
            let (part, special) = match part.as_bytes().last() {
                Some(b'~') => (&part[..part.len() - 1], "~0"),
                Some(b'/') => (&part[..part.len() - 1], "~1"),
                Some(_) | None => (part, ""),
            };
            // As a JSON string, whose quotes go again: both are one byte.
            let start = json.len();
            Json::write(part, json);
            json.pop();
            json.remove(start);
            json.extend_from_slice(special.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn operations_are_written_as_they_are_said() {
        let mut patch = Patch::default();
        assert_eq!((patch.is_empty(), patch.to_json().as_str()), (true, "[]"));
        patch.append("/list", true, &[1, 2]);
        patch.append("/none", false, &["a"]);
        patch.append("/nothing", true, &[(); 0]);
        patch.replace(At("/a", Member("q\"t/~")), &json!({"b": null}));
        patch.remove(At("/gone/1", 20));
        patch.relocate("/from", "/to");
        let written = patch.to_json();
        let meant = json!([
            {"op": "add", "path": "/list/-", "value": 1},
            {"op": "add", "path": "/list/-", "value": 2},
            {"op": "add", "path": "/none", "value": ["a"]},
            {"op": "replace", "path": "/a/q\"t~1~0", "value": {"b": null}},
            {"op": "remove", "path": "/gone/1/20"},
            {"op": "move", "from": "/from", "path": "/to"},
        ]);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&written).unwrap(), meant);
        assert_eq!(serde_json::to_string(&patch).unwrap(), written, "it is shown as it is sent");
    }
}

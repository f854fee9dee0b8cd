//! What a store holds, and the JSON of it inside the file.

use super::StoreError;
use admission::Value;
use data_encoding::BASE64;
use secrecy::ExposeSecret;
use secret::Secret;
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};
use zeroize::Zeroizing;

/// The version of the format that is written, and the only one that is read.
const VERSION: u32 = 1;

/// The name of a secret in the store: group, key and version; the version is empty for all of them.
type Name = (String, String, String);

/// The secrets of a store.
#[derive(Default)]
pub struct Content {
    secrets: BTreeMap<Name, Kept>,
    is_changed: bool,
}

/// A value that is kept, and since when.
pub struct Kept {
    /// The value.
    pub value: Value,
    /// When it was put there, to the second.
    pub changed: SystemTime,
}

impl Content {
    /// Answers a request: with the value that was kept for its version, else with the one that was kept for all.
    pub fn answer(&self, group: &str, key: &str, version: &str) -> Option<&Value> {
        let of = |version: &str| self.secrets.get(&name(group, key, version)).map(|kept| &kept.value);
        of(version).or_else(|| of("").filter(|_| !version.is_empty()))
    }

    /// What is kept under the very name: group, key and version of a secret.
    pub fn get(&self, secret: &Secret) -> Option<&Kept> {
        self.secrets.get(&name_of(secret))
    }

    /// Keeps a value; says whether there was one before.
    pub fn set(&mut self, secret: &Secret, value: Value, changed: SystemTime) -> bool {
        self.is_changed = true;
        self.secrets.insert(name_of(secret), Kept { value, changed }).is_some()
    }

    /// Deletes a value; says whether there was one.
    pub fn delete(&mut self, secret: &Secret) -> bool {
        let was_there = self.secrets.remove(&name_of(secret)).is_some();
        self.is_changed |= was_there;
        was_there
    }

    /// All that is kept, ordered by name.
    pub fn iter(&self) -> impl Iterator<Item = (Secret, &Kept)> {
        self.secrets.iter().map(|((group, key, version), kept)| {
            let (group, key, group_version) = (group.clone(), key.clone(), version.clone());
            (Secret { group, key, group_version, ..Secret::default() }, kept)
        })
    }

    pub(super) fn is_changed(&self) -> bool {
        self.is_changed
    }

    /// Reads the text inside a store. No error repeats any of it.
    pub(super) fn parse(path: &Path, text: &[u8]) -> Result<Self, StoreError> {
        let damaged = || StoreError::Damaged { path: path.to_owned() };
        let head: Head = serde_json::from_slice(text).map_err(|_| damaged())?;
        if head.keybearer_store != VERSION {
            return Err(StoreError::Version { path: path.to_owned(), found: head.keybearer_store, read: VERSION });
        }
        let document: Document<'_> = serde_json::from_slice(text).map_err(|_| damaged())?;
        let mut secrets = BTreeMap::new();
        for line in document.secrets {
            let value = BASE64.decode(line.value.as_bytes()).map_err(|_| damaged())?;
            let changed = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(line.changed)).ok_or_else(damaged)?;
            let kept = Kept { value: value.into(), changed };
            if secrets.insert(name(&line.group, &line.key, &line.group_version), kept).is_some() {
                return Err(damaged());
            }
        }
        Ok(Self { secrets, is_changed: false })
    }

    /// The text inside a store.
    pub(super) fn print(&self) -> io::Result<Zeroizing<Vec<u8>>> {
        // Room for all of it, escapes too: a buffer that grew would leave copies behind.
        let line = |(name, kept): (&Name, &Kept)| {
            6 * (name.0.len() + name.1.len() + name.2.len()) + 2 * kept.value.expose_secret().len() + 128
        };
        let room = self.secrets.iter().map(line).sum::<usize>() + 128;
        let mut text = Zeroizing::new(Vec::with_capacity(room));
        let secrets = self.secrets.iter().map(|((group, key, version), kept)| Line {
            group: Cow::Borrowed(group),
            group_version: Cow::Borrowed(version),
            key: Cow::Borrowed(key),
            value: Base64(kept.value.expose_secret()),
            changed: kept.changed.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs(),
        });
        let document = Written { keybearer_store: VERSION, secrets: secrets.collect() };
        serde_json::to_writer(&mut *text, &document)?;
        Ok(text)
    }
}

fn name(group: &str, key: &str, version: &str) -> Name {
    (group.to_owned(), key.to_owned(), version.to_owned())
}

fn name_of(secret: &Secret) -> Name {
    name(&secret.group, &secret.key, &secret.group_version)
}

/// What every version of the format begins with.
#[derive(Deserialize)]
struct Head {
    keybearer_store: u32,
}

#[derive(Deserialize)]
struct Document<'t> {
    #[serde(borrow)]
    secrets: Vec<Line<'t, Cow<'t, str>>>,
}

#[derive(Serialize)]
struct Written<'t> {
    keybearer_store: u32,
    secrets: Vec<Line<'t, Base64<'t>>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'t, V> {
    #[serde(borrow)]
    group: Cow<'t, str>,
    #[serde(borrow)]
    group_version: Cow<'t, str>,
    #[serde(borrow)]
    key: Cow<'t, str>,
    value: V,
    /// Seconds since 1970.
    changed: u64,
}

/// Bytes that are written as base64, without a copy of it.
struct Base64<'v>(&'v [u8]);

impl Serialize for Base64<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&BASE64.encode_display(self.0))
    }
}

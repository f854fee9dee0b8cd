//! The readable spelling: `[{group: user-info, key: user_secret, mount: file}]`.
//!
//! A plain scalar is taken as it is spelled, so `key: 1` asks for key `1` and `group_version: 1.10` for `1.10`, never
//! for `1.1`. An empty value or `null` is refused, because it may as well be meant as the text.

use std::fmt::{self, Write as _};

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde_saphyr::{DuplicateKeyPolicy, Options};

use crate::annotations::mount_word;
use crate::{MAX_ENCODED, MAX_READABLE, Mount, Secret};

/// Adds the secrets of `text` to `secrets`; the error says what is wrong and where.
pub(crate) fn read(text: &str, secrets: &mut Vec<Secret>) -> Result<(), String> {
    if text.len() > MAX_ENCODED {
        return Err(format!("it is longer than {MAX_ENCODED} bytes"));
    }
    if text.trim().is_empty() {
        return Err("it is empty; write [] for none".to_owned());
    }
    let list: List = serde_saphyr::from_str_with_options(text, options()).map_err(|error| message(&error))?;
    secrets.extend(list.0);
    Ok(())
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_documents: 1,
            max_depth: 2,
            flow_nesting_limit: 2,
            max_anchors: 0,
            max_aliases: 0,
            max_merge_keys: 0,
            // A list, and for each of its secrets a map with up to five keys and values.
            max_nodes: 2 + MAX_READABLE * 11,
            max_events: 8 + MAX_READABLE * 24,
            max_total_scalar_bytes: MAX_ENCODED,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        strict_booleans: true,
        reject_unsupported_tags: true,
        reject_tagged_field_names: true,
        with_snippet: false,
    }
}

/// One line, and not longer than a person reads.
fn message(error: &serde_saphyr::Error) -> String {
    let text = error.to_string();
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(300).collect()
}

struct List(Vec<Secret>);

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ListVisitor).map(Self)
    }
}

struct ListVisitor;

impl<'de> Visitor<'de> for ListVisitor {
    type Value = Vec<Secret>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of secrets")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut secrets = Vec::new();
        while let Some(item) = seq.next_element::<Item>()? {
            if secrets.len() == MAX_READABLE {
                return Err(A::Error::custom(format_args!("more than {MAX_READABLE} secrets")));
            }
            secrets.push(item.into());
        }
        Ok(secrets)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Item {
    group: String,
    group_version: String,
    key: String,
    mount: Word,
    env_var: String,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    #[default]
    Any,
    Env,
    File,
}

impl From<Item> for Secret {
    fn from(item: Item) -> Self {
        let Item { group, group_version, key, mount, env_var } = item;
        let mount = match mount {
            Word::Any => Mount::Any,
            Word::Env => Mount::EnvVar,
            Word::File => Mount::File,
        };
        Self { group, group_version, key, mount, env_var }
    }
}

/// The list in JSON without spaces, fields in the order of Flyte's message, defaults left out.
pub(crate) fn write(secrets: &[Secret]) -> String {
    let mut text = String::from("[");
    for (index, secret) in secrets.iter().enumerate() {
        let mount = match mount_word(secret.mount) {
            "any" => "",
            word => word,
        };
        text.push_str(if index == 0 { "{" } else { ",{" });
        let mut comma = "";
        for (field, value) in [
            ("group", secret.group.as_str()),
            ("group_version", &secret.group_version),
            ("key", &secret.key),
            ("mount", mount),
            ("env_var", &secret.env_var),
        ] {
            if !value.is_empty() {
                let _ = write!(text, "{comma}\"{field}\":");
                string(&mut text, value);
                comma = ",";
            }
        }
        text.push('}');
    }
    text.push(']');
    text
}

/// A string that JSON and YAML read alike: what YAML doesn't print is escaped.
fn string(text: &mut String, value: &str) {
    text.push('"');
    for c in value.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                let _ = write!(text, "\\u{:04x}", u32::from(c));
            }
            c => text.push(c),
        }
    }
    text.push('"');
}

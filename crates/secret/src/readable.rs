//! The readable spelling: `[{group: user-info, key: user_secret, mount: file}]`.
//!
//! A plain scalar is taken as it is spelled, so `key: 1` asks for key `1` and `group_version: 1.10` for `1.10`, never
//! for `1.1`. An empty value or `null` is refused, because it may as well be meant as the text. So is everything that
//! a list of secrets has no use for: unknown and repeated fields, several documents, anchors, aliases, merge keys,
//! tags other than YAML's own. An item may leave out every field: it is then Flyte's empty message.

use std::fmt::{self, Write as _};

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{DuplicateKeyPolicy, Error, Options};

use crate::annotations::mount_word;
use crate::{MAX_ENCODED, MAX_READABLE, Mount, Secret};

/// Adds the secrets of `text` to `secrets`; the error says what is wrong and where.
pub(crate) fn read(text: &str, secrets: &mut Vec<Secret>) -> Result<(), String> {
    if text.len() > MAX_ENCODED {
        return Err(format!("it is longer than {MAX_ENCODED} bytes"));
    }
    // JSON is YAML too, but a reader for JSON alone takes it in a tenth of the time. What it refuses, YAML may mean.
    if let Ok(list) = serde_json::from_str::<List>(text) {
        secrets.extend(list.0);
        return Ok(());
    }
    match serde_saphyr::from_str_with_options::<Option<List>>(text, options()) {
        Ok(Some(list)) => secrets.extend(list.0),
        Ok(None) => return Err("it is empty; write [] for none".to_owned()),
        Err(error) => return Err(message(&error)),
    }
    Ok(())
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_documents: 1,
            max_depth: 2,
            flow_nesting_limit: 8,
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

/// One line in the words of the annotation's author, who doesn't know this program's types and budget.
fn message(error: &Error) -> String {
    let why = match error {
        Error::NullIntoString { .. } => "a value is empty or null; quote it, or leave the field out",
        Error::TaggedScalarCannotDeserializeIntoString { .. } => "a value has a tag that makes it no string",
        Error::Unexpected { expected: "sequence start", .. } => "expected a list",
        Error::Unexpected { expected: "mapping start", .. } => {
            "expected a secret such as {group: user-info, key: token}"
        }
        Error::UnknownAnchor { .. } => "an alias (`*name`) is not allowed; quote a text that starts with `*`",
        Error::Budget { breach: BudgetBreach::Anchors { .. }, .. } => "an anchor (`&name`) is not allowed",
        Error::Budget { breach: BudgetBreach::MergeKeys { .. }, .. } => "a merge key (`<<`) is not allowed",
        Error::Budget { breach: BudgetBreach::Documents { .. }, .. } => "there is more than one document",
        Error::Budget { breach: BudgetBreach::Depth { .. }, .. } => "a value is a list or a map; it must be text",
        Error::Budget { .. } => "it holds too much for a list of secrets",
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            return located(error, &format!("field `{key}` is repeated"));
        }
        other => {
            // Already says where.
            let text = other.to_string();
            return shortened(&text.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    };
    located(error, why)
}

fn located(error: &Error, why: &str) -> String {
    let why = shortened(why);
    match error.location() {
        Some(at) => format!("{why} at line {}, column {}", at.line(), at.column()),
        None => why,
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(300).collect()
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
        while let Some(Map(item)) = seq.next_element()? {
            if secrets.len() == MAX_READABLE {
                return Err(A::Error::custom(format_args!("more than {MAX_READABLE} secrets")));
            }
            secrets.push(item.into());
        }
        Ok(secrets)
    }
}

/// A secret that is a map; what serde derives for [`Item`] alone would take a list of values too.
struct Map(Item);

impl<'de> Deserialize<'de> for Map {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_struct("Secret", &FIELDS, MapVisitor).map(Self)
    }
}

struct MapVisitor;

impl<'de> Visitor<'de> for MapVisitor {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Item, A::Error> {
        Item::deserialize(MapAccessDeserializer::new(map))
    }
}

const FIELDS: [&str; 5] = ["group", "group_version", "key", "mount", "env_var"];

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Item {
    group: String,
    group_version: String,
    key: String,
    mount: Word,
    env_var: String,
}

#[derive(Default, Deserialize)]
#[serde(try_from = "String")]
struct Word(Mount);

impl TryFrom<String> for Word {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        match word.as_str() {
            "any" => Ok(Self(Mount::Any)),
            "env" => Ok(Self(Mount::EnvVar)),
            "file" => Ok(Self(Mount::File)),
            other => Err(format!(
                "unknown mount `{}`; it is one of any, env, file",
                shortened(&other.escape_debug().to_string())
            )),
        }
    }
}

impl From<Item> for Secret {
    fn from(item: Item) -> Self {
        let Item { group, group_version, key, mount, env_var } = item;
        Self { group, group_version, key, mount: mount.0, env_var }
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

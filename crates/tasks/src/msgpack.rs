//! `MessagePack`, in which flytekit writes dataclasses and dicts.

use rmpv::Value;
use serde_json::{Map, Value as Json};

use crate::structs::number_to_json;

/// flytekit's tag of such a value.
pub(crate) const TAG: &str = "msgpack";
/// How deep lists and maps may nest.
const DEPTH: usize = 64;

/// One value and nothing behind it.
pub(crate) fn read(mut bytes: &[u8]) -> Option<Value> {
    let value = rmpv::decode::read_value_with_max_depth(&mut bytes, DEPTH).ok()?;
    bytes.is_empty().then_some(value)
}

/// The bytes of a value in JSON.
pub(crate) fn write(value: &Json) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing into memory can't fail.
    let _ = rmpv::encode::write_value(&mut bytes, &from_json(value));
    bytes
}

pub(crate) fn from_json(value: &Json) -> Value {
    match value {
        Json::Null => Value::Nil,
        Json::Bool(value) => Value::Boolean(*value),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) => Value::from(whole),
            (None, Some(whole)) => Value::from(whole),
            (None, None) => Value::F64(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => Value::Array(items.iter().map(from_json).collect()),
        Json::Object(fields) => {
            Value::Map(fields.iter().map(|(name, value)| (Value::from(name.as_str()), from_json(value))).collect())
        }
    }
}

/// As JSON: names that aren't text become text, bytes become `{"base64": …}`.
pub(crate) fn to_json(value: &Value) -> Json {
    match value {
        Value::Nil => Json::Null,
        Value::Boolean(value) => Json::Bool(*value),
        Value::Integer(number) => match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) => Json::from(whole),
            (None, whole) => Json::from(whole),
        },
        Value::F32(number) => float_to_json(f64::from(*number)),
        Value::F64(number) => float_to_json(*number),
        Value::String(text) => Json::String(String::from_utf8_lossy(text.as_bytes()).into_owned()),
        Value::Binary(bytes) | Value::Ext(_, bytes) => base64(bytes),
        Value::Array(items) => Json::Array(items.iter().map(to_json).collect()),
        Value::Map(fields) => Json::Object(fields.iter().map(|(name, value)| (key(name), to_json(value))).collect()),
    }
}

fn key(name: &Value) -> String {
    match to_json(name) {
        Json::String(text) => text,
        other => other.to_string(),
    }
}

/// A float as JSON that is still one.
pub(crate) fn float_to_json(number: f64) -> Json {
    serde_json::Number::from_f64(number).map_or_else(|| number_to_json(number), Json::Number)
}

/// Bytes in JSON.
pub(crate) fn base64(bytes: &[u8]) -> Json {
    let text = data_encoding::BASE64.encode(bytes);
    Json::Object(Map::from_iter([("base64".to_owned(), Json::String(text))]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let value = serde_json::json!({"a": [1, -2, u64::MAX, 1.5, 2.0], "b": {"c": null, "d": true}, "e": "é"});
        assert_eq!(read(&write(&value)).as_ref().map(to_json), Some(value));
        assert_eq!(read(b"\x81\x01"), None);
        assert_eq!(read(b"\x01\x01"), None);
        assert_eq!(read(&[0x91; 100]), None);
    }
}

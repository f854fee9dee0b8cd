//! What a task gave: `outputs.pb` as JSON, by name.

use prost::Message;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::proto::core::{Literal, LiteralMap, Primitive, Scalar, literal, primitive, scalar};
use crate::structs::{self};
use crate::{msgpack, time};

/// Why outputs can't be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the outputs are no `LiteralMap` of Flyte's: {cause}")]
pub struct OutputError {
    cause: String,
}

impl OutputError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        "the task wrote them with another version of Flyte, or not to the end"
    }
}

/// The values in `outputs.pb`, by name: numbers, text and lists as such; times in RFC 3339 and durations in ISO 8601;
/// files, folders and tables as where they are; dataclasses as objects; `None` as null; bytes as `{"base64": …}`.
///
/// # Errors
/// [`OutputError`] when it isn't Flyte's `LiteralMap`.
pub fn outputs(bytes: &[u8]) -> Result<Map<String, Value>, OutputError> {
    let map = LiteralMap::decode(bytes).map_err(|cause| OutputError { cause: cause.to_string() })?;
    Ok(fields(&map))
}

fn fields(map: &LiteralMap) -> Map<String, Value> {
    map.literals.iter().map(|(name, value)| (name.clone(), to_json(value))).collect()
}

fn to_json(value: &Literal) -> Value {
    match &value.value {
        Some(literal::Value::Scalar(value)) => scalar(value),
        Some(literal::Value::Collection(list)) => Value::Array(list.literals.iter().map(to_json).collect()),
        Some(literal::Value::Map(map)) => Value::Object(fields(map)),
        // It is too big for here and lies in a file of its own.
        Some(literal::Value::OffloadedMetadata(offloaded)) => Value::String(offloaded.uri.clone()),
        None => Value::Null,
    }
}

fn scalar(value: &Scalar) -> Value {
    match &value.value {
        Some(scalar::Value::Primitive(value)) => primitive(value),
        Some(scalar::Value::Blob(blob)) => Value::String(blob.uri.clone()),
        Some(scalar::Value::Schema(table)) => Value::String(table.uri.clone()),
        Some(scalar::Value::StructuredDataset(table)) => Value::String(table.uri.clone()),
        Some(scalar::Value::Binary(binary)) => {
            let packed = (binary.tag == msgpack::TAG).then(|| msgpack::read(&binary.value)).flatten();
            packed.map_or_else(|| msgpack::base64(&binary.value), |value| msgpack::to_json(&value))
        }
        Some(scalar::Value::Generic(of)) => structs::to_json(of),
        Some(scalar::Value::Union(of)) => of.value.as_ref().map_or(Value::Null, |value| to_json(value)),
        Some(scalar::Value::Error(error)) => Value::String(error.message.clone()),
        Some(scalar::Value::NoneType(_)) | None => Value::Null,
    }
}

fn primitive(value: &Primitive) -> Value {
    match &value.value {
        Some(primitive::Value::Integer(value)) => Value::from(*value),
        Some(primitive::Value::FloatValue(value)) => msgpack::float_to_json(*value),
        Some(primitive::Value::StringValue(value)) => Value::from(value.as_str()),
        Some(primitive::Value::Boolean(value)) => Value::from(*value),
        Some(primitive::Value::Datetime(at)) => Value::from(time::datetime_text(at)),
        Some(primitive::Value::Duration(long)) => Value::from(time::duration_text(long)),
        None => Value::Null,
    }
}

//! `google.protobuf.Struct` as JSON.

use prost_types::value::Kind;
use serde_json::{Map, Number, Value};

/// A struct as a JSON object. Whole numbers are whole in JSON too, as Kubernetes wants ports and the like.
pub(crate) fn to_json(of: &prost_types::Struct) -> Value {
    Value::Object(of.fields.iter().map(|(name, value)| (name.clone(), value_to_json(value))).collect::<Map<_, _>>())
}

fn value_to_json(value: &prost_types::Value) -> Value {
    match &value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(value)) => Value::Bool(*value),
        Some(Kind::NumberValue(number)) => number_to_json(*number),
        Some(Kind::StringValue(text)) => Value::String(text.clone()),
        Some(Kind::ListValue(list)) => Value::Array(list.values.iter().map(value_to_json).collect()),
        Some(Kind::StructValue(of)) => to_json(of),
    }
}

/// A number that is a whole one within what a double holds exactly as such, else as it is; JSON has no infinity.
#[expect(clippy::cast_possible_truncation, reason = "it was looked that it is whole and small enough")]
pub(crate) fn number_to_json(number: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        return Value::from(number as i64);
    }
    Number::from_f64(number).map_or_else(|| Value::String(number.to_string()), Value::Number)
}

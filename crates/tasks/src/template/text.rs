//! A value as Go prints it, which is how Flyte writes inputs into commands.

use rmpv::Value;

use crate::proto::core::{Literal, Primitive, literal, primitive, scalar};
use crate::{msgpack, time};

/// The text of a value, or what it is if it has none.
pub(crate) fn text(value: &Literal) -> Result<String, &'static str> {
    match &value.value {
        Some(literal::Value::Collection(list)) => {
            let items: Result<Vec<_>, _> = list.literals.iter().map(text).collect();
            Ok(format!("[{}]", items?.join(",")))
        }
        Some(literal::Value::Scalar(scalar)) => match &scalar.value {
            Some(scalar::Value::Primitive(value)) => primitive(value),
            Some(scalar::Value::Blob(blob)) => Ok(blob.uri.clone()),
            Some(scalar::Value::Schema(schema)) => Ok(schema.uri.clone()),
            Some(scalar::Value::Binary(binary)) if binary.tag == msgpack::TAG => {
                msgpack::read(&binary.value).map(|value| go(&value)).ok_or("broken MessagePack")
            }
            Some(scalar::Value::Union(_)) => Err("a value of an optional or union type"),
            Some(scalar::Value::NoneType(_)) => Err("None"),
            Some(scalar::Value::StructuredDataset(_)) => Err("a table"),
            _ => Err("a value of this type"),
        },
        Some(literal::Value::Map(_)) => Err("a map"),
        _ => Err("a value of this type"),
    }
}

fn primitive(value: &Primitive) -> Result<String, &'static str> {
    Ok(match &value.value {
        Some(primitive::Value::Integer(value)) => value.to_string(),
        Some(primitive::Value::FloatValue(value)) => float(*value),
        Some(primitive::Value::StringValue(value)) => value.clone(),
        Some(primitive::Value::Boolean(value)) => value.to_string(),
        Some(primitive::Value::Datetime(value)) => time::datetime_text(value).ok_or("a time out of range")?,
        // protobuf's text format, of which Go makes spaces at random; these are the parts without any.
        Some(primitive::Value::Duration(value)) => match (value.seconds, value.nanos) {
            (0, 0) => String::new(),
            (seconds, 0) => format!("seconds:{seconds}"),
            (0, nanos) => format!("nanos:{nanos}"),
            (seconds, nanos) => format!("seconds:{seconds} nanos:{nanos}"),
        },
        None => return Err("a value of this type"),
    })
}

/// `%v` of a float64: the shortest digits, with an exponent below 1e-4 and from 1e21 on.
fn float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let size = value.abs();
    if value == 0.0 || (1e-4..1e21).contains(&size) {
        return value.to_string();
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
    format!("{digits}e{sign}{exponent:0>2}")
}

/// `%v` of what Go decodes from `MessagePack`.
fn go(value: &Value) -> String {
    match value {
        Value::Nil => "<nil>".to_owned(),
        Value::Boolean(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::F32(value) => float(f64::from(*value)),
        Value::F64(value) => float(*value),
        Value::String(value) => String::from_utf8_lossy(value.as_bytes()).into_owned(),
        Value::Binary(bytes) | Value::Ext(_, bytes) => bytes_text(bytes),
        Value::Array(items) => format!("[{}]", items.iter().map(go).collect::<Vec<_>>().join(" ")),
        Value::Map(fields) => {
            let mut fields: Vec<_> = fields.iter().map(|(name, value)| (go(name), go(value))).collect();
            fields.sort();
            let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}:{value}")).collect();
            format!("map[{}]", fields.join(" "))
        }
    }
}

fn bytes_text(bytes: &[u8]) -> String {
    format!("[{}]", bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_those_of_go() {
        for (value, text) in [
            (1.0, "1"),
            (0.1, "0.1"),
            (-2.5, "-2.5"),
            (0.0, "0"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.5e-5, "1.5e-05"),
            (0.0001, "0.0001"),
            (f64::INFINITY, "+Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(float(value), text);
        }
    }

    #[test]
    fn structs_are_maps_of_go() {
        let value = serde_json::json!({"b": [1, 2.5, null], "a": {"x": true}});
        assert_eq!(go(&msgpack::from_json(&value)), "map[a:map[x:true] b:[1 2.5 <nil>]]");
    }
}

//! One value of one type. What is wrong with it is said without it.

use serde_json::Value;

use crate::literal::{blob, collection, map, none, primitive, structure, union};
use crate::names::nearest;
use crate::proto::core::primitive::Value as Primitive;
use crate::proto::core::{EnumType, Literal, LiteralType, SimpleType, UnionType, literal_type};
use crate::{Type, time};

/// What is wrong, and in which part.
type Wrong = String;

const NEWER: &str = "it can't be given by hand";

/// A value as it is written on a command line.
pub(super) fn of_text(text: &str, ty: &LiteralType) -> Result<Literal, Wrong> {
    match &ty.r#type {
        Some(literal_type::Type::Simple(number)) => match SimpleType::try_from(*number) {
            Ok(SimpleType::String) => Ok(primitive(Primitive::StringValue(text.to_owned()))),
            Ok(SimpleType::Integer) => whole(text.trim()),
            Ok(SimpleType::Float) => number_of(text.trim()),
            Ok(SimpleType::Boolean) => boolean(text.trim()),
            Ok(SimpleType::Datetime) => datetime(text),
            Ok(SimpleType::Duration) => duration(text),
            Ok(SimpleType::None) if is_none(text) => Ok(none()),
            Ok(SimpleType::None) => Err("write `None`".to_owned()),
            Ok(SimpleType::Struct) => of_json(&json(text)?, ty),
            Ok(SimpleType::Binary | SimpleType::Error) | Err(_) => Err(NEWER.to_owned()),
        },
        Some(literal_type::Type::CollectionType(_) | literal_type::Type::MapValueType(_)) => of_json(&json(text)?, ty),
        Some(literal_type::Type::Blob(_)) if text.is_empty() => Err("write a path".to_owned()),
        Some(literal_type::Type::Blob(of)) => Ok(blob(of, text)),
        Some(literal_type::Type::EnumType(of)) => one_of(text, of),
        Some(literal_type::Type::UnionType(of)) => any(of, is_none(text), |variant| of_text(text, variant)),
        _ => Err(NEWER.to_owned()),
    }
}

/// A value within JSON.
fn of_json(value: &Value, ty: &LiteralType) -> Result<Literal, Wrong> {
    match (&ty.r#type, value) {
        (Some(literal_type::Type::Simple(number)), _) => match (SimpleType::try_from(*number), value) {
            (Ok(SimpleType::Struct), Value::Object(_)) => Ok(structure(value)),
            // A dict without types may be anything; a dataclass has fields.
            (Ok(SimpleType::Struct), _) if ty.metadata.is_none() && !value.is_null() => Ok(structure(value)),
            (Ok(SimpleType::Struct), _) => Err("write a JSON object: {\"field\": value}".to_owned()),
            (Ok(SimpleType::None), Value::Null) => Ok(none()),
            (Ok(SimpleType::Integer), Value::Number(number)) => whole(&number.to_string()),
            (Ok(SimpleType::Float), Value::Number(number)) => number_of(&number.to_string()),
            (Ok(SimpleType::Boolean), Value::Bool(value)) => Ok(primitive(Primitive::Boolean(*value))),
            (Ok(SimpleType::String), Value::String(text)) => Ok(primitive(Primitive::StringValue(text.clone()))),
            (Ok(SimpleType::Datetime), Value::String(text)) => datetime(text),
            (Ok(SimpleType::Duration), Value::String(text)) => duration(text),
            (Ok(SimpleType::Binary | SimpleType::Error) | Err(_), _) => Err(NEWER.to_owned()),
            _ => Err(format!("{} is there instead of {}", kind(value), Type(ty.clone()))),
        },
        (Some(literal_type::Type::CollectionType(of)), Value::Array(items)) => {
            let item = |(index, item)| of_json(item, of).map_err(|what| format!("[{index}]: {what}"));
            Ok(collection(items.iter().enumerate().map(item).collect::<Result<_, _>>()?))
        }
        (Some(literal_type::Type::CollectionType(_)), _) => {
            Err(format!("{} is there, write a list in JSON: [a, b]", kind(value)))
        }
        (Some(literal_type::Type::MapValueType(of)), Value::Object(fields)) => {
            let field = |(name, value): (&String, _)| match of_json(value, of) {
                Ok(literal) => Ok((name.clone(), literal)),
                Err(what) => Err(format!("[{name:?}]: {what}")),
            };
            Ok(map(fields.iter().map(field).collect::<Result<Vec<_>, _>>()?))
        }
        (Some(literal_type::Type::MapValueType(_)), _) => {
            Err(format!("{} is there, write an object in JSON: {{\"name\": value}}", kind(value)))
        }
        (Some(literal_type::Type::Blob(of)), Value::String(path)) if !path.is_empty() => Ok(blob(of, path)),
        (Some(literal_type::Type::EnumType(of)), Value::String(text)) => one_of(text, of),
        (Some(literal_type::Type::UnionType(of)), _) => any(of, value.is_null(), |variant| of_json(value, variant)),
        (Some(literal_type::Type::Blob(_) | literal_type::Type::EnumType(_)), _) => {
            Err(format!("{} is there instead of text", kind(value)))
        }
        _ => Err(NEWER.to_owned()),
    }
}

/// The first of a union's types that the value is one of, `None` before all others. Text is one that everything is, so
/// it comes last.
fn any(of: &UnionType, nothing: bool, read: impl Fn(&LiteralType) -> Result<Literal, Wrong>) -> Result<Literal, Wrong> {
    let simple =
        |variant: &LiteralType, simple: SimpleType| variant.r#type == Some(literal_type::Type::Simple(simple as i32));
    if let (true, Some(variant)) = (nothing, of.variants.iter().find(|variant| simple(variant, SimpleType::None))) {
        return Ok(union(none(), variant));
    }
    let (text, others): (Vec<_>, Vec<_>) = of
        .variants
        .iter()
        .filter(|variant| !simple(variant, SimpleType::None))
        .partition(|variant| simple(variant, SimpleType::String));
    let mut wrong = Vec::new();
    for variant in others.into_iter().chain(text) {
        match read(variant) {
            Ok(literal) => return Ok(union(literal, variant)),
            Err(what) => wrong.push(what),
        }
    }
    Err(match wrong.as_slice() {
        [one] => one.clone(),
        _ => "it is none of these".to_owned(),
    })
}

fn whole(text: &str) -> Result<Literal, Wrong> {
    match text.parse() {
        Ok(value) => Ok(primitive(Primitive::Integer(value))),
        Err(cause) => Err(match cause.kind() {
            std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => {
                "it has more than 64 bits".to_owned()
            }
            _ => "write a whole number".to_owned(),
        }),
    }
}

fn number_of(text: &str) -> Result<Literal, Wrong> {
    let value = text.parse().map_err(|_| "write a number".to_owned())?;
    Ok(primitive(Primitive::FloatValue(value)))
}

fn boolean(text: &str) -> Result<Literal, Wrong> {
    let value = match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => true,
        "false" | "no" | "off" | "0" => false,
        _ => return Err("write `true` or `false`".to_owned()),
    };
    Ok(primitive(Primitive::Boolean(value)))
}

fn datetime(text: &str) -> Result<Literal, Wrong> {
    let at = time::datetime(text).ok_or("write it as 2024-02-29T12:30:00Z; without an offset it is UTC")?;
    Ok(primitive(Primitive::Datetime(at)))
}

fn duration(text: &str) -> Result<Literal, Wrong> {
    let long = time::duration(text).ok_or("write it as 90s, `1h 30m` or PT1H30M")?;
    Ok(primitive(Primitive::Duration(long)))
}

fn one_of(text: &str, of: &EnumType) -> Result<Literal, Wrong> {
    if of.values.iter().any(|value| value == text) {
        return Ok(primitive(Primitive::StringValue(text.to_owned())));
    }
    match nearest(text, of.values.iter().map(String::as_str)) {
        Some(nearest) => Err(format!("did you mean `{nearest}`?")),
        None => Err("it is none of these".to_owned()),
    }
}

fn is_none(text: &str) -> bool {
    matches!(text, "None" | "null")
}

fn json(text: &str) -> Result<Value, Wrong> {
    serde_json::from_str(text).map_err(|cause| match cause.classify() {
        serde_json::error::Category::Eof => "it is cut off; write JSON".to_owned(),
        _ => format!("it isn't JSON, from line {} column {} on", cause.line(), cause.column()),
    })
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

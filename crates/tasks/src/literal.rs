//! Flyte's values, made.

use crate::proto::core::{
    Blob, BlobMetadata, BlobType, Literal, LiteralCollection, LiteralMap, LiteralType, Primitive, Scalar, Union, Void,
    literal, primitive, scalar,
};
use crate::{msgpack, proto};

pub(crate) fn scalar(value: scalar::Value) -> Literal {
    Literal { value: Some(literal::Value::Scalar(Box::new(Scalar { value: Some(value) }))) }
}

pub(crate) fn primitive(value: primitive::Value) -> Literal {
    scalar(scalar::Value::Primitive(Primitive { value: Some(value) }))
}

pub(crate) fn none() -> Literal {
    scalar(scalar::Value::NoneType(Void {}))
}

pub(crate) fn blob(of: &BlobType, uri: &str) -> Literal {
    let metadata = Some(BlobMetadata { r#type: Some(of.clone()) });
    scalar(scalar::Value::Blob(Blob { metadata, uri: uri.to_owned() }))
}

/// As flytekit writes dataclasses and dicts.
pub(crate) fn structure(json: &serde_json::Value) -> Literal {
    let (value, tag) = (msgpack::write(json), msgpack::TAG.to_owned());
    scalar(scalar::Value::Binary(proto::core::Binary { value, tag }))
}

/// A value of one of a union's types.
pub(crate) fn union(value: Literal, of: &LiteralType) -> Literal {
    scalar(scalar::Value::Union(Box::new(Union { value: Some(Box::new(value)), r#type: Some(of.clone()) })))
}

pub(crate) fn collection(literals: Vec<Literal>) -> Literal {
    Literal { value: Some(literal::Value::Collection(LiteralCollection { literals })) }
}

pub(crate) fn map(literals: impl IntoIterator<Item = (String, Literal)>) -> Literal {
    Literal { value: Some(literal::Value::Map(LiteralMap { literals: literals.into_iter().collect() })) }
}

#[cfg(test)]
pub(crate) fn of_integers<const N: usize>(values: [(&str, i64); N]) -> LiteralMap {
    let literal = |(name, value): (&str, i64)| (name.to_owned(), primitive(primitive::Value::Integer(value)));
    LiteralMap { literals: values.into_iter().map(literal).collect() }
}

//! What a task takes and gives.

use std::fmt;

use crate::proto::core::{LiteralType, SimpleType, Variable, blob_type, literal_type};

/// One input or output of a task.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// What its author says of it.
    pub description: String,
}

impl Parameter {
    pub(crate) fn new(name: &str, variable: &Variable) -> Self {
        // flytekit describes what has no description by its name.
        let description = if variable.description == name { String::new() } else { variable.description.clone() };
        Self { name: name.to_owned(), ty: Type(variable.r#type.clone().unwrap_or_default()), description }
    }
}

/// A type of Flyte's. Its text is as Python would write it: `int`, `List[str]`, `Optional[datetime]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Type(pub(crate) LiteralType);

impl Type {
    /// Whether it is `None` or may be.
    pub fn may_be_none(&self) -> bool {
        may_be_none(&self.0)
    }
}

pub(crate) fn may_be_none(ty: &LiteralType) -> bool {
    match &ty.r#type {
        Some(literal_type::Type::Simple(number)) => *number == SimpleType::None as i32,
        Some(literal_type::Type::UnionType(union)) => union.variants.iter().any(may_be_none),
        _ => false,
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(&self.0, f)
    }
}

fn write(ty: &LiteralType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match &ty.r#type {
        Some(literal_type::Type::Simple(number)) => match SimpleType::try_from(*number) {
            Ok(SimpleType::Struct) => f.write_str(&struct_name(ty).unwrap_or_else(|| "dict".to_owned())),
            Ok(simple) => f.write_str(simple_name(simple)),
            Err(_) => write!(f, "type {number}, which is newer than this program"),
        },
        Some(literal_type::Type::CollectionType(of)) => {
            f.write_str("List[")?;
            write(of, f)?;
            f.write_str("]")
        }
        Some(literal_type::Type::MapValueType(of)) => {
            f.write_str("Dict[str, ")?;
            write(of, f)?;
            f.write_str("]")
        }
        Some(literal_type::Type::Blob(blob)) => match blob.dimensionality() {
            blob_type::BlobDimensionality::Single if blob.format == "PythonPickle" => f.write_str("a pickled object"),
            blob_type::BlobDimensionality::Single => f.write_str("FlyteFile"),
            blob_type::BlobDimensionality::Multipart => f.write_str("FlyteDirectory"),
        },
        Some(literal_type::Type::EnumType(of)) => write!(f, "one of {}", of.values.join(", ")),
        Some(literal_type::Type::UnionType(union)) => {
            let (nothing, others): (Vec<_>, Vec<_>) = union.variants.iter().partition(|variant| may_be_none(variant));
            let names: Vec<_> = others.iter().map(|variant| Type((*variant).clone()).to_string()).collect();
            match (nothing.is_empty(), names.as_slice()) {
                (false, [one]) => write!(f, "Optional[{one}]"),
                (false, _) => write!(f, "Union[{}, None]", names.join(", ")),
                (true, _) => write!(f, "Union[{}]", names.join(", ")),
            }
        }
        Some(literal_type::Type::StructuredDatasetType(_)) => f.write_str("StructuredDataset"),
        Some(literal_type::Type::Schema(_)) => f.write_str("FlyteSchema"),
        None => f.write_str("a type that is newer than this program"),
    }
}

fn simple_name(simple: SimpleType) -> &'static str {
    match simple {
        SimpleType::None => "None",
        SimpleType::Integer => "int",
        SimpleType::Float => "float",
        SimpleType::String => "str",
        SimpleType::Boolean => "bool",
        SimpleType::Datetime => "datetime",
        SimpleType::Duration => "timedelta",
        SimpleType::Binary => "bytes",
        SimpleType::Error => "an error",
        SimpleType::Struct => "dict",
    }
}

/// A dataclass's name, which is the title of its JSON schema.
fn struct_name(ty: &LiteralType) -> Option<String> {
    match &ty.metadata.as_ref()?.fields.get("title")?.kind {
        Some(prost_types::value::Kind::StringValue(title)) => Some(title.clone()),
        _ => None,
    }
}

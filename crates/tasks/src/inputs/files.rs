//! The files and folders that inputs name.

use super::Inputs;
use crate::proto::core::{Literal, blob_type, literal, scalar};

/// A file or a folder that an input names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedFile<'i> {
    /// The input's name.
    pub input: &'i str,
    /// A path, or a URI of another place.
    pub uri: &'i str,
    /// Whether the task wants a folder there.
    pub is_folder: bool,
}

impl Inputs {
    /// All files and folders that the inputs name, those within lists and maps too.
    pub fn files(&self) -> Vec<NamedFile<'_>> {
        let mut files = Vec::new();
        for (input, value) in &self.map.literals {
            gather(input, value, &mut files);
        }
        files
    }
}

fn gather<'i>(input: &'i str, value: &'i Literal, files: &mut Vec<NamedFile<'i>>) {
    match &value.value {
        Some(literal::Value::Scalar(of)) => match &of.value {
            Some(scalar::Value::Blob(blob)) => {
                let of = blob.metadata.as_ref().and_then(|metadata| metadata.r#type.as_ref());
                let is_folder = of.is_some_and(|of| of.dimensionality() == blob_type::BlobDimensionality::Multipart);
                files.push(NamedFile { input, uri: &blob.uri, is_folder });
            }
            Some(scalar::Value::Union(of)) => {
                if let Some(value) = &of.value {
                    gather(input, value, files);
                }
            }
            _ => {}
        },
        Some(literal::Value::Collection(list)) => list.literals.iter().for_each(|value| gather(input, value, files)),
        Some(literal::Value::Map(map)) => map.literals.values().for_each(|value| gather(input, value, files)),
        _ => {}
    }
}

//! What can be wrong with annotations, in Flyte's words where Flyte has them.

use std::fmt;

use crate::MAX_ENCODED;

/// Why a pod's annotations can't be read. Names the annotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    pub(crate) annotation: String,
    pub(crate) cause: ReadCause,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ReadCause {
    Flyte(DecodeError),
    Readable(String),
}

impl ReadError {
    /// The name of the annotation.
    pub fn annotation(&self) -> &str {
        &self.annotation
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match &self.cause {
            ReadCause::Flyte(cause) => cause.hint(),
            ReadCause::Readable(_) => Some("write a list such as [{group: user-info, key: user_secret, mount: file}]"),
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            ReadCause::Flyte(cause) => {
                write!(f, "error unmarshaling secret [{}]. Error: {cause}", self.annotation.escape_debug())
            }
            ReadCause::Readable(cause) => {
                write!(f, "annotation `{}` is not a list of secrets: {cause}", self.annotation.escape_debug())
            }
        }
    }
}

impl std::error::Error for ReadError {}

/// Why one value of a `flyte.secrets/s…` annotation is no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// Longer than [`MAX_ENCODED`] bytes.
    TooLong,
    /// A symbol outside Flyte's base32 alphabet, at this place.
    Base32 {
        /// Which symbol, from 0, line breaks not counted.
        at: usize,
    },
    /// Not the text format of Flyte's message.
    Text {
        /// The line, from 1.
        line: usize,
        /// The byte where the wrong token begins, from 0, counted from the start of the text.
        offset: usize,
        /// What is wrong.
        message: String,
    },
    /// A value isn't UTF-8. Flyte reads it, but no such name exists in Kubernetes or in any manager.
    NotUtf8 {
        /// The field.
        field: &'static str,
    },
}

impl DecodeError {
    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::TooLong => None,
            Self::Base32 { .. } => Some("Flyte's base32 has the symbols a to z and 1 to 6, without padding"),
            Self::Text { message, .. } if message.starts_with("unknown field name") => {
                Some("the annotation was written by another version of Flyte, or by hand")
            }
            Self::Text { .. } => Some("the annotation must hold flyteidl.core.Secret in protobuf text format"),
            Self::NotUtf8 { .. } => Some("Flyte's base32 is not that of RFC 4648: was another alphabet used?"),
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "secret descriptor cannot exceed [{MAX_ENCODED}]"),
            Self::Base32 { at } => write!(f, "illegal base32 data at input byte {at}"),
            Self::Text { line: 1, offset, message } => write!(f, "line 1.{offset}: {message}"),
            Self::Text { line, message, .. } => write!(f, "line {line}: {message}"),
            Self::NotUtf8 { field } => write!(f, "field {field} is not UTF-8"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// Why secrets can't be written as annotations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteError {
    /// A mount outside Flyte's enum.
    Mount {
        /// Its number.
        number: i32,
    },
    /// One annotation would be longer than [`MAX_ENCODED`] bytes.
    TooLong {
        /// The name of the annotation.
        annotation: String,
    },
    /// More than [`MAX_READABLE`](crate::MAX_READABLE) secrets in the readable spelling.
    TooMany,
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mount { number } => write!(f, "invalid mount requirement [{number}]"),
            Self::TooLong { .. } => write!(f, "secret descriptor cannot exceed [{MAX_ENCODED}]"),
            Self::TooMany => write!(f, "a list of secrets cannot exceed [{}]", crate::MAX_READABLE),
        }
    }
}

impl std::error::Error for WriteError {}

//! What is wrong with a configuration, where, and what to do about it.

use serde_saphyr::Location;
use std::fmt;

/// A configuration that can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    place: String,
    message: String,
    hint: Option<String>,
}

impl ConfigError {
    pub(super) fn at(origin: &str, at: Location, message: impl Into<String>) -> Self {
        let place = match at.line() {
            0 => origin.to_owned(),
            line => format!("{origin}:{line}:{}", at.column()),
        };
        Self { place, message: message.into(), hint: None }
    }

    /// YAML that can't be read; the reader's own message names line and column.
    pub(super) fn yaml(origin: &str, message: String) -> Self {
        Self { place: origin.to_owned(), message, hint: None }
    }

    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl std::error::Error for ConfigError {}

/// The name in `known` that is nearest to a mistyped one, if any is near.
pub(super) fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let lower = name.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

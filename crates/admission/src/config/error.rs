//! What is wrong with a configuration, where, and what to do about it.

use super::place::Place;
use serde_saphyr::Location;
use std::fmt;
use std::sync::Arc;

/// A configuration that can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    place: String,
    message: String,
    hint: Option<String>,
}

impl ConfigError {
    pub(super) fn at(place: &Place, message: impl Into<String>) -> Self {
        Self { place: place.to_string(), message: message.into(), hint: None }
    }

    /// YAML that can't be read, in the words of who wrote it and knows nothing of our reader's options and limits.
    pub(super) fn yaml(origin: &Arc<str>, error: &serde_saphyr::Error) -> Self {
        let at = error.location().unwrap_or(Location::UNKNOWN);
        let text = error.to_string();
        let message = match error {
            serde_saphyr::Error::DuplicateMappingKey { key: Some(key), .. } => {
                format!("`{}` is there a second time", key.escape_debug())
            }
            serde_saphyr::Error::MultipleDocuments { .. } => "there is more than one document".to_owned(),
            _ if text.contains("recursion limit") || text.contains("Depth {") => "it is nested too deeply".to_owned(),
            _ if text.contains("budget breached") => "it holds too much for a configuration".to_owned(),
            _ => text.split(" at line ").next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" "),
        };
        Self::at(&Place::new(origin, at), message)
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

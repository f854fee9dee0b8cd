//! Where something stands in a configuration.

use serde_saphyr::Location;
use std::fmt;
use std::sync::Arc;

/// A file, and the line and column in it where these are known.
#[derive(Clone, Debug)]
pub(super) struct Place {
    origin: Arc<str>,
    at: Location,
}

impl Place {
    pub(super) fn new(origin: &Arc<str>, at: Location) -> Self {
        Self { origin: Arc::clone(origin), at }
    }

    /// The file as a whole.
    pub(super) fn file(origin: &Arc<str>) -> Self {
        Self::new(origin, Location::UNKNOWN)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at.line() {
            0 => f.write_str(&self.origin),
            line => write!(f, "{}:{line}:{}", self.origin, self.at.column()),
        }
    }
}

//! How a task failed: the document that it leaves as `error.pb`.

use std::fmt;

use prost::Message;

use crate::proto::core::{ErrorDocument, container_error, execution_error};

/// What a failed task says of it: Flyte's message `flyteidl.core.ErrorDocument`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind of error, such as `USER` or `SYSTEM:Unknown`.
    pub code: String,
    /// What happened, in many lines: flytekit gives Python's traceback.
    pub message: String,
    /// Whether Flyte would try again.
    pub recoverable: bool,
    /// Whose fault it was.
    pub origin: Origin,
}

/// Whose fault a failure was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It wasn't said.
    Unknown,
    /// The task's own.
    User,
    /// flytekit's, or that of the machine.
    System,
}

impl Failure {
    /// Reads `error.pb`. `None` if it isn't one.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let error = ErrorDocument::decode(bytes).ok()?.error?;
        let origin = match error.origin() {
            execution_error::ErrorKind::Unknown => Origin::Unknown,
            execution_error::ErrorKind::User => Origin::User,
            execution_error::ErrorKind::System => Origin::System,
        };
        let recoverable = error.kind() == container_error::Kind::Recoverable;
        Some(Self { recoverable, origin, code: error.code, message: error.message })
    }

    /// The last line that says something: in Python's tracebacks, the error itself.
    pub fn summary(&self) -> &str {
        self.message.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or(&self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message.trim_end())
    }
}

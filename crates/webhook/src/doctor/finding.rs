//! What was found, in words and for programs.

use crate::cluster::ClusterError;
use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it has to be.
    Ok,
    /// It works, but not as well as it should, or not for long.
    Warning,
    /// It does not work.
    Failed,
    /// The caller may not look, or there was nothing to look at.
    Unknown,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at: `certificate`, `registration`, …
    pub check: &'static str,
    /// How bad it is.
    pub state: State,
    /// What was found.
    pub message: String,
    /// What mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Finding {
    fn new(check: &'static str, state: State, message: impl Into<String>) -> Self {
        Self { check, state, message: message.into(), hint: None }
    }

    /// As it has to be.
    pub fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, State::Ok, message)
    }

    /// It works, but.
    pub fn warning(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, State::Warning, message)
    }

    /// It does not work.
    pub fn failed(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, State::Failed, message)
    }

    /// Nobody could look.
    pub fn unknown(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, State::Unknown, message)
    }

    /// What mends it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What the API server did not do for the caller: not to be allowed to look says nothing about the install.
    pub(super) fn not_seen(check: &'static str, error: &ClusterError) -> Self {
        let state = if matches!(error, ClusterError::Forbidden { .. }) { State::Unknown } else { State::Failed };
        let hint = match error {
            // The rule is for the caller here, not for the webhook's service account.
            ClusterError::Forbidden { .. } => Some("ask somebody who may, or be given that right".to_owned()),
            error => error.hint(),
        };
        Self { hint, ..Self::new(check, state, error.to_string()) }
    }
}

//! A refusal: which secret, which manager, what it answered, what to do.

use crate::config::Config;
use secret::Secret;
use std::fmt;

/// Why a pod is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// HTTP code of the answer: 403 or 400 for what the pod asked, 400 for what can't be read.
    pub code: u16,
    /// Whether nothing could be decided, since it could not be read.
    pub is_unreadable: bool,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Denial {
    /// A request that can't be read as what it claims to be.
    pub fn unreadable(message: impl Into<String>) -> Self {
        Self { code: 400, is_unreadable: true, message: message.into(), hint: None }
    }

    /// A pod that may not be made.
    pub(crate) fn pod(config: &Config, message: impl Into<String>) -> Self {
        Self { code: config.refusal, is_unreadable: false, message: message.into(), hint: None }
    }

    /// A secret that can't be given.
    pub(crate) fn secret(config: &Config, secret: &Secret, why: impl fmt::Display) -> Self {
        Self::pod(config, format!("secret `{secret}`: {why}"))
    }

    /// With a remedy.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The `status.reason` that belongs to the code (`StatusReason` of apimachinery).
    pub fn reason(&self) -> &'static str {
        match self.code {
            403 => "Forbidden",
            413 => "RequestEntityTooLarge",
            500 => "InternalError",
            _ => "BadRequest",
        }
    }
}

/// Message and remedy in one line, as the API server passes it on.
impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "; hint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Denial {}

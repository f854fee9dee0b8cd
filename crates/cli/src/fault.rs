//! What went wrong, and what to do about it.

use std::fmt::Display;

/// An error for a person: what, where, and remedies.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) message: String,
    pub(crate) details: Vec<String>,
    pub(crate) hints: Vec<String>,
}

impl Fault {
    pub(crate) fn new(message: impl Display) -> Self {
        Self { message: message.to_string(), details: Vec::new(), hints: Vec::new() }
    }

    /// A line below the message.
    pub(crate) fn detail(mut self, detail: impl Display) -> Self {
        self.details.push(detail.to_string());
        self
    }

    /// The same, of something that has a name.
    pub(crate) fn within(mut self, origin: &str) -> Self {
        self.message = format!("`{origin}`: {}", self.message);
        self
    }

    /// What to do about it. Said once, however many causes have the same remedy.
    pub(crate) fn hint(mut self, hint: impl Display) -> Self {
        let hint = hint.to_string();
        if !self.hints.contains(&hint) {
            self.hints.push(hint);
        }
        self
    }

    pub(crate) fn maybe_hint(self, hint: Option<impl Display>) -> Self {
        match hint {
            Some(hint) => self.hint(hint),
            None => self,
        }
    }
}

impl From<admission::Denial> for Fault {
    fn from(denial: admission::Denial) -> Self {
        Self::new(denial.message).maybe_hint(denial.hint)
    }
}

impl From<admission::ConfigError> for Fault {
    fn from(error: admission::ConfigError) -> Self {
        Self::new(&error).maybe_hint(error.hint())
    }
}

impl From<stores::DeliverError> for Fault {
    fn from(error: stores::DeliverError) -> Self {
        Self::new(&error).maybe_hint(error.hint())
    }
}

impl From<&stores::StoreError> for Fault {
    fn from(error: &stores::StoreError) -> Self {
        Self::new(error).maybe_hint(error.hint())
    }
}

#[cfg(test)]
mod tests {
    use super::Fault;

    #[test]
    fn a_remedy_is_said_once() {
        let fault = Fault::new("two things are wrong")
            .hint("write it as NAME=VALUE")
            .hint("or not")
            .hint("write it as NAME=VALUE");
        assert_eq!(fault.hints, ["write it as NAME=VALUE", "or not"]);
    }
}

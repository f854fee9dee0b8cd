//! A map of the configuration that is taken apart name by name; what is left over is a mistake with a place.

use super::error::{ConfigError, nearest};
use super::place::Place;
use super::tree::{Entry, Kind, Node};

/// A section: every name is asked for once, then [`Section::finish`] refuses the rest.
pub(super) struct Section {
    title: String,
    at: Place,
    entries: Vec<Entry>,
    asked: Vec<&'static str>,
}

/// A scalar and where it stands.
pub(super) struct Scalar {
    pub(super) text: String,
    pub(super) at: Place,
}

impl Section {
    /// The section in a node; an empty one where the node is null.
    pub(super) fn of(node: Node, title: impl Into<String>) -> Result<Self, ConfigError> {
        let title = title.into();
        let entries = match node.kind {
            Kind::Map(entries) => entries,
            Kind::Null => Vec::new(),
            Kind::Scalar(_) | Kind::List(_) => {
                return Err(ConfigError::at(&node.at, format!("{title} has to be a map, not {}", node.kind_name())));
            }
        };
        Ok(Self { title, at: node.at, entries, asked: Vec::new() })
    }

    /// Takes a member out. Names match in any case, as viper has it.
    pub(super) fn take(&mut self, name: &'static str) -> Option<Entry> {
        self.asked.push(name);
        let index = self.entries.iter().position(|entry| entry.name.eq_ignore_ascii_case(name))?;
        Some(self.entries.remove(index))
    }

    /// Whether a member is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.name.eq_ignore_ascii_case(name))
    }

    /// A member that is a map of its own.
    pub(super) fn section(&mut self, name: &'static str) -> Result<Option<Self>, ConfigError> {
        let outer = self.title.trim_matches('`');
        let title = if outer.starts_with("the ") { format!("`{name}`") } else { format!("`{outer}.{name}`") };
        self.take(name).map(|entry| Self::of(entry.node, title)).transpose()
    }

    /// A member that is one scalar.
    pub(super) fn scalar(&mut self, name: &'static str) -> Result<Option<Scalar>, ConfigError> {
        let Some(entry) = self.take(name) else { return Ok(None) };
        match entry.node.kind {
            Kind::Null => Ok(None),
            Kind::Scalar(text) => Ok(Some(Scalar { text, at: entry.node.at })),
            Kind::List(_) | Kind::Map(_) => Err(ConfigError::at(
                &entry.node.at,
                format!("`{name}` has to be one value, not {}", entry.node.kind_name()),
            )),
        }
    }

    /// A member that is text.
    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<String>, ConfigError> {
        Ok(self.scalar(name)?.map(|scalar| scalar.text))
    }

    /// A member that is text, `$VAR`s not expanded, or its default.
    pub(super) fn text_or(&mut self, name: &'static str, default: &str) -> Result<String, ConfigError> {
        Ok(self.text(name)?.unwrap_or_else(|| default.to_owned()))
    }

    /// A member that `read` understands, or its default.
    pub(super) fn parsed<T>(
        &mut self,
        name: &'static str,
        what: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        let Some(scalar) = self.scalar(name)? else { return Ok(None) };
        match read(&scalar.text) {
            Some(value) => Ok(Some(value)),
            None => Err(ConfigError::at(&scalar.at, format!("`{name}` has to be {what}, not `{}`", scalar.text))),
        }
    }

    /// A member that is a port.
    pub(super) fn port_or(&mut self, name: &'static str, default: u16) -> Result<u16, ConfigError> {
        Ok(self
            .parsed(name, "a port, 1 to 65535", |text| text.parse().ok().filter(|port| *port != 0))?
            .unwrap_or(default))
    }

    /// A member that is a boolean, in the forms that viper takes.
    pub(super) fn flag_or(&mut self, name: &'static str, default: bool) -> Result<bool, ConfigError> {
        let read = |text: &str| match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "1" => Some(true),
            "false" | "f" | "0" => Some(false),
            _ => None,
        };
        Ok(self.parsed(name, "`true` or `false`", read)?.unwrap_or(default))
    }

    /// A member that is a list of scalars; one scalar counts as a list of one.
    pub(super) fn texts(&mut self, name: &'static str) -> Result<Option<Vec<Scalar>>, ConfigError> {
        let Some(entry) = self.take(name) else { return Ok(None) };
        scalars(entry.node, name)
    }

    /// Where the section stands.
    pub(super) fn at(&self) -> &Place {
        &self.at
    }

    /// What nobody asked for.
    pub(super) fn rest(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.entries)
    }

    /// The error for a name that nobody asked for.
    pub(super) fn unknown(&self, entry: &Entry) -> ConfigError {
        if let Some(name) = self.asked.iter().find(|name| name.eq_ignore_ascii_case(&entry.name)) {
            let message = format!("`{}` is `{name}` a second time in {}", entry.name, self.title);
            return ConfigError::at(&entry.at, message).with_hint("names match in any case; write it once");
        }
        let error = ConfigError::at(&entry.at, format!("unknown name `{}` in {}", entry.name, self.title));
        match nearest(&entry.name, self.asked.iter().copied()) {
            Some(name) => error.with_hint(format!("did you mean `{name}`?")),
            None => error.with_hint(format!("known here: {}", self.asked.join(", "))),
        }
    }

    /// Refuses what nobody asked for, or only notes it.
    pub(super) fn finish_or_note(mut self, lenient: bool, notes: &mut Vec<String>) -> Result<(), ConfigError> {
        if !lenient {
            return self.finish();
        }
        for entry in self.rest() {
            notes.push(format!("{}: unknown name `{}` in {} is ignored", entry.at, entry.name, self.title));
        }
        Ok(())
    }

    /// Refuses what nobody asked for.
    pub(super) fn finish(mut self) -> Result<(), ConfigError> {
        match self.rest().first() {
            Some(entry) => Err(self.unknown(entry)),
            None => Ok(()),
        }
    }
}

/// The scalars of a list, or of one scalar.
pub(super) fn scalars(node: Node, name: &str) -> Result<Option<Vec<Scalar>>, ConfigError> {
    let at = node.at.clone();
    let nodes = match node.kind {
        Kind::Null => return Ok(None),
        Kind::Scalar(text) => return Ok(Some(vec![Scalar { text, at }])),
        Kind::List(nodes) => nodes,
        Kind::Map(_) => return Err(ConfigError::at(&at, format!("`{name}` has to be a list, not a map"))),
    };
    let scalar = |node: Node| match node.kind {
        Kind::Scalar(text) => Ok(Scalar { text, at: node.at }),
        Kind::Null | Kind::List(_) | Kind::Map(_) => Err(ConfigError::at(
            &node.at,
            format!("an entry of `{name}` has to be one value, not {}", node.kind_name()),
        )),
    };
    nodes.into_iter().map(scalar).collect::<Result<_, _>>().map(Some)
}

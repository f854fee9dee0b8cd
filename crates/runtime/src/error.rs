//! Why there is no value. Says where it was looked for, never what was there.

use std::fmt::{self, Write as _};
use std::io;
use std::path::PathBuf;

use secret::{NameError, Secret};

/// Why a secret's value can't be had.
#[derive(Debug)]
pub enum GetError {
    /// Group, version and key are all empty, so it has no name. flytekit raises an `IndexError` here.
    NoName,
    /// It is in none of the places.
    NotFound(Box<NotFound>),
    /// A file is there and can't be read: permissions, or a directory of that name.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is there and isn't UTF-8, so it can only be read as bytes.
    NotUtf8 {
        /// The environment variable or the file.
        place: String,
    },
}

/// A secret that is in none of its places, and which these are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotFound {
    pub(crate) secret: Secret,
    pub(crate) env_vars: Vec<String>,
    pub(crate) files: Vec<PathBuf>,
    pub(crate) impossible: Vec<NameError>,
}

impl NotFound {
    /// What was asked for: group, version and key.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The environment variables that aren't set, in the order in which they were looked at.
    pub fn env_vars(&self) -> &[String] {
        &self.env_vars
    }

    /// The files that don't exist, in the order in which they were looked at.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// How to ask for the secret, in Python and for any pod.
    pub fn remedy(&self) -> String {
        let mut python = Vec::new();
        let mut pod = Vec::new();
        for (name, value) in
            [("group", &self.secret.group), ("group_version", &self.secret.group_version), ("key", &self.secret.key)]
        {
            if !value.is_empty() {
                python.push(format!("{name}={value:?}"));
                pod.push(format!("{name}: {value:?}"));
            }
        }
        let (python, pod) = (python.join(", "), pod.join(", "));
        format!(
            "ask for it with secret_requests=[Secret({python})] in @task, or with the label inject-flyte-secrets: \"true\" \
             and the annotation keybearer.dev/secrets: '[{{{pod}}}]' of the pod"
        )
    }
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unable to find secret {}: ", self.secret)?;
        let mut looked = String::new();
        if !self.env_vars.is_empty() {
            write!(looked, "not in Env Var {}", self.env_vars.join(", "))?;
        }
        for (index, path) in self.files.iter().enumerate() {
            let lead = match (index, looked.is_empty()) {
                (0, true) => "not in FilePath ",
                (0, false) => ", not in FilePath ",
                _ => ", ",
            };
            write!(looked, "{lead}{}", path.display())?;
        }
        for why in &self.impossible {
            let lead = if looked.is_empty() { "" } else { ", " };
            write!(looked, "{lead}{why}")?;
        }
        write!(f, "{looked}; {}", self.remedy())
    }
}

impl std::error::Error for NotFound {}

impl fmt::Display for GetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoName => f.write_str("group, version and key of the secret are all empty"),
            Self::NotFound(error) => error.fmt(f),
            Self::Unreadable { path, source } => write!(f, "can't read secret file {}: {source}", path.display()),
            Self::NotUtf8 { place } => write!(f, "the secret in {place} is not UTF-8; read it as bytes"),
        }
    }
}

impl std::error::Error for GetError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable { source, .. } => Some(source),
            Self::NoName | Self::NotFound(_) | Self::NotUtf8 { .. } => None,
        }
    }
}

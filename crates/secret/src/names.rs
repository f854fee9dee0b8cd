//! Names that are safe by their type: nothing else is ever written into a pod or joined to a directory.

use std::borrow::Cow;
use std::fmt;

/// The name of an environment variable that Kubernetes accepts: printable ASCII without `=`
/// (the relaxed rule, on by default since Kubernetes 1.32).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EnvName(Cow<'static, str>);

impl EnvName {
    /// Takes a name if it is one.
    ///
    /// # Errors
    /// [`NameError`] when it is empty or holds anything but printable ASCII other than `=`.
    pub fn parse(name: impl Into<Cow<'static, str>>) -> Result<Self, NameError> {
        let name = name.into();
        if name.is_empty() {
            return Err(NameError::new("environment variable name", &name, "is empty"));
        }
        if name.bytes().any(|b| !(b' '..=b'~').contains(&b) || b == b'=') {
            return Err(NameError::new(
                "environment variable name",
                &name,
                "may hold only printable ASCII without `=`",
            ));
        }
        Ok(Self(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether every shell shows it to its children: letters, digits and `_`, not starting with a digit.
    pub fn is_portable(&self) -> bool {
        let mut bytes = self.0.bytes();
        bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
            && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
    }
}

impl fmt::Display for EnvName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A relative path below the secrets' root that stays below it: no empty part, no part that starts with `..`
/// (which the kubelet keeps for itself), no `.`, no control character, parts up to 255 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FilePath(String);

impl FilePath {
    /// Takes a path, parts separated by `/`, if it is safe.
    ///
    /// # Errors
    /// [`NameError`] naming the path and what is wrong with it.
    pub fn parse(path: impl Into<String>) -> Result<Self, NameError> {
        let path = path.into();
        let wrong = |why| Err(NameError::new("file path", &path, why));
        if path.is_empty() {
            return wrong("is empty");
        }
        if path.starts_with('/') {
            return wrong("starts with `/`");
        }
        if path.len() > 4096 {
            return wrong("is longer than 4096 bytes");
        }
        for part in path.split('/') {
            match part {
                "" => return wrong("has an empty part"),
                "." => return wrong("has a part `.`"),
                _ if part.starts_with("..") => return wrong("has a part that starts with `..`"),
                _ if part.len() > 255 => return wrong("has a part longer than 255 bytes"),
                _ if part.chars().any(char::is_control) => return wrong("holds a control character"),
                _ => {}
            }
        }
        Ok(Self(path))
    }

    /// The path, without a leading `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same, to be kept.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why something can't be a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameError {
    what: &'static str,
    name: String,
    why: &'static str,
}

impl NameError {
    fn new(what: &'static str, name: &str, why: &'static str) -> Self {
        let name = name.chars().take(80).collect();
        Self { what, name, why }
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}` {}", self.what, self.name.escape_debug(), self.why)
    }
}

impl std::error::Error for NameError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_have_names_that_kubernetes_takes() {
        for name in ["A", "_FSEC_USER-INFO_K.1", "a b", "1", "~", "$(X)", "a/b", " "] {
            assert_eq!(EnvName::parse(name).unwrap().as_str(), name);
        }
        for name in ["", "A=B", "é", "a\n", "a\0", "a\x7f", "a\t"] {
            assert!(EnvName::parse(name).is_err(), "{name:?}");
        }
        let portable = |name: &'static str| EnvName::parse(name).unwrap().is_portable();
        assert!(portable("_A1") && portable("a"));
        assert!(!portable("1A") && !portable("A-B") && !portable("A.B") && !portable("A B"));
    }

    #[test]
    fn paths_stay_below_their_root() {
        for path in ["a", "a/b", "a/b/c.d", ".hidden", "a..b/c..", "arn:aws:x/y z", "é", &"x".repeat(255)] {
            assert_eq!(FilePath::parse(path).unwrap().as_str(), path);
        }
        let (long, deep) = ("x".repeat(256), "x/".repeat(2048) + "x");
        for (path, why) in [
            ("", "is empty"),
            ("/a", "starts with `/`"),
            ("a//b", "has an empty part"),
            ("a/", "has an empty part"),
            (".", "has a part `.`"),
            ("a/./b", "has a part `.`"),
            ("..", "has a part that starts with `..`"),
            ("a/../b", "has a part that starts with `..`"),
            ("..data/x", "has a part that starts with `..`"),
            ("a\0b", "holds a control character"),
            ("a\nb", "holds a control character"),
            ("a\u{85}", "holds a control character"),
            (&long, "has a part longer than 255 bytes"),
            (&deep, "is longer than 4096 bytes"),
        ] {
            let error = FilePath::parse(path).unwrap_err().to_string();
            assert!(error.ends_with(why) && error.len() < 600 && !error.contains('\n'), "{error}");
        }
    }
}

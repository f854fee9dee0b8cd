//! The secrets' directory of a container: `/etc/flyte/secrets` in the pod, a private directory on this machine.
//!
//! Without a mount namespace no file can be put at `/etc/flyte/secrets`. What can be done is to lead the task elsewhere: the path that it is told, in an env var or
//! as a word of its command, is replaced by the real one.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The directory as the pod names it, and the real one if the container has any volume there.
pub(crate) struct Root<'a> {
    pub(crate) named: &'a str,
    pub(crate) real: Option<PathBuf>,
}

impl Root<'_> {
    /// `text` with the real directory in place of the named one, if it is that directory or a path in it.
    pub(crate) fn relocate(&self, text: Vec<u8>) -> Vec<u8> {
        let Some(real) = &self.real else { return text };
        match text.strip_prefix(self.named.as_bytes()) {
            Some(rest) if matches!(rest.first(), None | Some(b'/')) => [real.as_os_str().as_bytes(), rest].concat(),
            _ => text,
        }
    }
}

/// Whether `text` names the directory `named` somewhere after its start, where it can't be told from other text.
pub(crate) fn names_within(text: &str, named: &str) -> bool {
    text.match_indices(named).any(|(at, _)| {
        let next = text[at + named.len()..].chars().next();
        at > 0 && !next.is_some_and(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
    })
}

/// A path of the pod without doubled or trailing slashes and without `.` and `..`.
pub(crate) fn clean(path: &str) -> PathBuf {
    let mut clean = PathBuf::from("/");
    for part in Path::new(path).components() {
        match part {
            std::path::Component::Normal(name) => clean.push(name),
            std::path::Component::ParentDir => _ = clean.pop(),
            _ => {}
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_directory_and_what_is_in_it() {
        let root = Root { named: "/etc/flyte/secrets", real: Some("/private/x".into()) };
        let got = |text: &str| String::from_utf8(root.relocate(text.into())).unwrap();
        assert_eq!(got("/etc/flyte/secrets"), "/private/x");
        assert_eq!(got("/etc/flyte/secrets/g/k"), "/private/x/g/k");
        for same in ["/etc/flyte/secrets2", "/etc/flyte", "x/etc/flyte/secrets", ""] {
            assert_eq!(got(same), same);
        }
        let none = Root { named: "/etc/flyte/secrets", real: None };
        assert_eq!(none.relocate(b"/etc/flyte/secrets".to_vec()), b"/etc/flyte/secrets");
    }

    #[test]
    fn named_within() {
        let within = |text| names_within(text, "/etc/flyte/secrets");
        assert!(
            within("cat /etc/flyte/secrets/g/k")
                && within("A=/etc/flyte/secrets")
                && within("/etc/flyte/secrets:/etc/flyte/secrets")
        );
        assert!(!within("/etc/flyte/secrets/g") && !within("cat /etc/flyte/secrets-of-mine") && !within("/etc"));
    }

    #[test]
    fn clean_paths() {
        assert_eq!(clean("/a//b/../c/./"), Path::new("/a/c"));
        assert_eq!(clean("/../a"), Path::new("/a"));
    }
}

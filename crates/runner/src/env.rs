//! A container's env vars: what is known before it starts, and the rest when its turn comes.
//!
//! The kubelet's order is kept: `envFrom` first, then `env` entry by entry, where a later one of the same name wins and `$(NAME)` sees those before it. An optional
//! reference to what is not there leaves an earlier value of that name alone. A value that was written by another container (`fileKeyRef`) is only there when the
//! container starts, so that part is left to [`evaluate`].

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::expansion::expand;
use crate::hidden::Hidden;
use crate::outcome::StartError;
use crate::problem::{MAX_STRING, Unfit};
use crate::root::Root;

/// One env var.
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) source: Source,
}

/// Where its value comes from.
pub(crate) enum Source {
    /// Written in the pod: expanded, and led to the real directory.
    Text(Hidden),
    /// A value from elsewhere: given as it is.
    Value(Hidden),
    /// A key of an env file.
    File(FileRef),
}

/// A `fileKeyRef`.
pub(crate) struct FileRef {
    pub(crate) volume: String,
    pub(crate) path: String,
    pub(crate) key: String,
    pub(crate) optional: bool,
}

/// Env vars with their values.
#[derive(Default)]
pub(crate) struct Env(BTreeMap<String, Hidden>);

impl Env {
    pub(crate) fn get(&self, name: &[u8]) -> Option<&[u8]> {
        self.0.get(std::str::from_utf8(name).ok()?).map(|value| &**value)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &OsStr)> {
        self.0.iter().map(|(name, value)| (name.as_str(), OsStr::from_bytes(value)))
    }
}

/// The env vars of `entries`, in their order. `read` gives the value of a key of an env file.
pub(crate) fn evaluate(
    entries: &[Entry],
    root: &Root<'_>,
    mut read: impl FnMut(&str, &FileRef) -> Result<Option<Hidden>, StartError>,
) -> Result<Env, StartError> {
    let mut env = Env::default();
    for Entry { name, source } in entries {
        let value = match source {
            Source::Text(text) => root.relocate(expand(text, |name| env.get(name))).into(),
            Source::Value(value) => value.clone(),
            Source::File(file) => match read(name, file)? {
                Some(value) => value,
                None => continue,
            },
        };
        env.0.insert(name.clone(), value);
    }
    Ok(env)
}

/// Why `name` with `value` can't be an env var of a process, if it can't.
pub(crate) fn unfit(name: &str, value: &[u8]) -> Option<Unfit> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Some(Unfit::Name);
    }
    let length = name.len() + 1 + value.len();
    if value.contains(&0) {
        Some(Unfit::Nul)
    } else if length + 1 > MAX_STRING {
        Some(Unfit::TooLong { length })
    } else if std::str::from_utf8(value).is_err() {
        Some(Unfit::NotUtf8)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &str, text: &str) -> Entry {
        Entry { name: name.into(), source: Source::Text(text.into()) }
    }

    fn file(name: &str) -> Entry {
        let file = FileRef { volume: "v".into(), path: "p".into(), key: name.into(), optional: true };
        Entry { name: name.into(), source: Source::File(file) }
    }

    fn shown(entries: &[Entry]) -> Vec<String> {
        let root = Root { named: "/etc/flyte/secrets", real: Some("/real".into()) };
        let read = |_: &str, file: &FileRef| Ok((file.key == "THERE").then(|| Hidden::from("/etc/flyte/secrets$(A)")));
        let env = evaluate(entries, &root, read).unwrap();
        env.iter().map(|(name, value)| format!("{name}={}", value.display())).collect()
    }

    #[test]
    fn order_expansion_and_duplicates() {
        let entries =
            [text("B", "$(A)"), text("A", "1"), text("C", "$(A)$$(A)"), text("A", "2$(A)"), text("D", "$(A)")];
        assert_eq!(shown(&entries), ["A=21", "B=$(A)", "C=1$(A)", "D=21"]);
    }

    #[test]
    fn values_from_elsewhere_are_given_as_they_are() {
        let entries = [
            text("A", "1"),
            Entry { name: "S".into(), source: Source::Value("/etc/flyte/secrets/$(A)".into()) },
            text("T", "$(S)"),
            text("DIR", "/etc/flyte/secrets"),
            text("FILE", "$(DIR)/g/k"),
            file("THERE"),
            text("MISSING", "kept"),
            file("MISSING"),
        ];
        assert_eq!(
            shown(&entries),
            [
                "A=1",
                "DIR=/real",
                "FILE=/real/g/k",
                "MISSING=kept",
                "S=/etc/flyte/secrets/$(A)",
                "T=/real/$(A)",
                "THERE=/etc/flyte/secrets$(A)"
            ]
        );
    }

    #[test]
    fn what_a_process_can_be_given() {
        assert_eq!(unfit("A-b.c d", "ü\n'".as_bytes()), None);
        assert_eq!(unfit("A", &b"x".repeat(MAX_STRING - 3)), None);
        assert_eq!(unfit("A", &b"x".repeat(MAX_STRING - 2)), Some(Unfit::TooLong { length: MAX_STRING }));
        assert_eq!(unfit("A", b"a\0b"), Some(Unfit::Nul));
        assert_eq!(unfit("A", b"\xff"), Some(Unfit::NotUtf8));
        assert_eq!(unfit("", b""), Some(Unfit::Name));
        assert_eq!(unfit("A=B", b""), Some(Unfit::Name));
    }
}

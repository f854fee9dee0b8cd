//! What a pod says about itself: `fieldRef` in env vars and downward API volumes.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::fmt::Write as _;
use std::hash::BuildHasher;

use crate::spec::Object;

/// The letters that Kubernetes puts after a `generateName`: no vowels, so no words.
const SUFFIX: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

const NO_FIELD: &str = "which is no field of a pod that can be had there";

/// The fields of a pod as they would be once it runs, with stand-ins for what only a cluster knows.
pub(crate) struct Fields<'a> {
    name: String,
    namespace: String,
    uid: String,
    node: String,
    service_account: String,
    labels: &'a BTreeMap<String, String>,
    annotations: &'a BTreeMap<String, String>,
}

impl<'a> Fields<'a> {
    pub(crate) fn of(pod: &'a Object, namespace: &str, service_account: &str) -> Self {
        let or = |stated: &str, otherwise: &str| if stated.is_empty() { otherwise.into() } else { stated.into() };
        let meta = &pod.metadata;
        let name = match (meta.name.as_str(), meta.generate_name.as_str()) {
            ("", "") => "pod".into(),
            ("", start) => format!("{start}{}", suffix(random())),
            (name, _) => name.into(),
        };
        Fields {
            name,
            namespace: or(&meta.namespace, namespace),
            uid: if meta.uid.is_empty() { uid(random(), random()) } else { meta.uid.clone() },
            node: or(&pod.spec.node_name, "localhost"),
            service_account: or(&pod.spec.service_account_name, service_account),
            labels: &meta.labels,
            annotations: &meta.annotations,
        }
    }

    /// The value of a field for an env var.
    pub(crate) fn for_env(&self, path: &str) -> Result<String, &'static str> {
        match path {
            "spec.nodeName" | "spec.host" => Ok(self.node.clone()),
            "spec.serviceAccountName" => Ok(self.service_account.clone()),
            "status.hostIP" | "status.hostIPs" | "status.podIP" | "status.podIPs" => Ok("127.0.0.1".into()),
            _ => self.of_metadata(path),
        }
    }

    /// The value of a field for a file: less of the pod, but whole maps too.
    pub(crate) fn for_file(&self, path: &str) -> Result<String, &'static str> {
        match path {
            "metadata.labels" => Ok(lines(self.labels)),
            "metadata.annotations" => Ok(lines(self.annotations)),
            _ => self.of_metadata(path),
        }
    }

    fn of_metadata(&self, path: &str) -> Result<String, &'static str> {
        match path {
            "metadata.name" => return Ok(self.name.clone()),
            "metadata.namespace" => return Ok(self.namespace.clone()),
            "metadata.uid" => return Ok(self.uid.clone()),
            _ => {}
        }
        let (map, key) = path.strip_suffix("']").and_then(|path| path.split_once("['")).ok_or(NO_FIELD)?;
        let map = match map {
            "metadata.labels" => self.labels,
            "metadata.annotations" => self.annotations,
            _ => return Err(NO_FIELD),
        };
        // A key that is not there is an empty value, for the kubelet as well.
        Ok(map.get(key).cloned().unwrap_or_default())
    }
}

/// A number that differs from call to call; nothing rests on it being hard to guess.
fn random() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

fn suffix(mut number: u64) -> String {
    let count = SUFFIX.len() as u64;
    let mut text = String::new();
    for _ in 0..5 {
        let index = usize::try_from(number % count).unwrap_or(0);
        text.push(SUFFIX[index].into());
        number /= count;
    }
    text
}

/// In the form of a random (version 4) UUID.
fn uid(high: u64, low: u64) -> String {
    format!(
        "{:08x}-{:04x}-4{:03x}-{:x}{:03x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        8 + (low >> 62),
        (low >> 48) & 0xfff,
        low & 0xffff_ffff_ffff
    )
}

/// A map as the kubelet writes it to a file: `key="value"`, sorted, a line each, the value quoted as Go quotes it.
fn lines(map: &BTreeMap<String, String>) -> String {
    let mut text = String::new();
    for (key, value) in map {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(key);
        text.push('=');
        quote(value, &mut text);
    }
    text
}

fn quote(value: &str, text: &mut String) {
    text.push('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            '\x07' => text.push_str("\\a"),
            '\x08' => text.push_str("\\b"),
            '\x0c' => text.push_str("\\f"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\x0b' => text.push_str("\\v"),
            c if is_printable(c) => text.push(c),
            // Writing to a string can't fail.
            c if u32::from(c) < 0x80 => _ = write!(text, "\\x{:02x}", u32::from(c)),
            c if u32::from(c) < 0x1_0000 => _ = write!(text, "\\u{:04x}", u32::from(c)),
            c => _ = write!(text, "\\U{:08x}", u32::from(c)),
        }
    }
    text.push('"');
}

/// Rust has no such test by itself, but it escapes what can't be printed; a letter before keeps it from escaping combining marks as well.
fn is_printable(c: char) -> bool {
    let text = String::from_iter(['a', c]);
    matches!(c, '\'') || text.escape_debug().count() == 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pod::Pod;

    #[test]
    fn stated_and_stand_ins() {
        let pod = Pod::from_json(
            r#"{"metadata":{"generateName":"task-","labels":{"a":"1","app/b":"2"},"annotations":{"x['y']":"z"}}}"#,
        )
        .unwrap();
        let fields = Fields::of(&pod.0, "here", "me");
        let get = |path| fields.for_env(path);
        let name = get("metadata.name").unwrap();
        assert!(name.starts_with("task-") && name.len() == 10, "{name}");
        assert_eq!(get("metadata.name").unwrap(), name);
        assert_eq!(get("metadata.namespace").unwrap(), "here");
        assert_eq!(get("spec.serviceAccountName").unwrap(), "me");
        assert_eq!(get("spec.nodeName").unwrap(), "localhost");
        assert_eq!(get("status.podIPs").unwrap(), "127.0.0.1");
        assert_eq!(get("metadata.labels['app/b']").unwrap(), "2");
        assert_eq!(get("metadata.labels['none']").unwrap(), "");
        assert_eq!(get("metadata.annotations['x['y']']").unwrap(), "z");
        assert_eq!(get("metadata.uid").unwrap().len(), 36);
        for path in ["metadata.labels", "status.phase", "spec.x['y']", "", "metadata.labels[a]"] {
            assert_eq!(get(path), Err(NO_FIELD), "{path}");
        }
        assert_eq!(fields.for_file("metadata.labels").unwrap(), "a=\"1\"\napp/b=\"2\"");
        assert_eq!(fields.for_file("spec.nodeName"), Err(NO_FIELD));

        let pod = Pod::from_json(
            r#"{"metadata":{"name":"n","namespace":"ns","uid":"u"},"spec":{"nodeName":"node","serviceAccountName":"sa"}}"#,
        )
        .unwrap();
        let fields = Fields::of(&pod.0, "here", "me");
        let got = ["metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName"]
            .map(|path| fields.for_env(path).unwrap());
        assert_eq!(got, ["n", "ns", "u", "node", "sa"]);
    }

    #[test]
    fn quoted_as_go_quotes() {
        let mut text = String::new();
        quote("a'\"\\\u{7}\u{8}\u{c}\n\r\t\u{b}\u{1}\u{7f}ü e\u{301}\u{200b}\u{e000}\u{10ffff}😀\u{a0}", &mut text);
        assert_eq!(
            text.replace('\u{301}', "(mark)"),
            r#""a'\"\\\a\b\f\n\r\t\v\x01\x7fü e(mark)\u200b\ue000\U0010ffff😀\u00a0""#
        );
    }

    #[test]
    fn uids_look_like_uids() {
        assert_eq!(uid(u64::MAX, u64::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uid(0, 0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(suffix(0), "bbbbb");
    }
}

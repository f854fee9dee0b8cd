//! How a pod asks for secrets, written independently of `secret::write`.

use std::fmt::Write as _;
use std::sync::LazyLock;

use data_encoding::{Encoding, Specification};
use secret::{Mount, Secret};
use serde_json::{Value, json};

static BASE32: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("abcdefghijklmnopqrstuvwxyz123456");
    specification.encoding().unwrap()
});

/// Flyte's base32 of any text.
pub(crate) fn base32(text: impl AsRef<[u8]>) -> String {
    BASE32.encode(text.as_ref())
}

/// A secret in Flyte's text format.
pub(crate) fn text(secret: &Secret) -> String {
    let mut text = String::new();
    let mut field = |name: &str, value: &str| {
        if !value.is_empty() {
            writeln!(text, "{name}: {value}").unwrap();
        }
    };
    field("group", &quoted(&secret.group));
    field("group_version", &quoted(&secret.group_version));
    field("key", &quoted(&secret.key));
    field("mount_requirement", &if secret.mount == Mount::Any { String::new() } else { secret.mount.to_string() });
    field("env_var", &quoted(&secret.env_var));
    text
}

fn quoted(value: &str) -> String {
    if value.is_empty() {
        return String::new();
    }
    let mut text = String::from("\"");
    for byte in value.bytes() {
        match byte {
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            b'"' | b'\\' => text.extend(['\\', char::from(byte)]),
            b' '..=b'~' => text.push(char::from(byte)),
            other => write!(text, "\\{other:03o}").unwrap(),
        }
    }
    text.push('"');
    text
}

/// A secret of a group and key.
pub(crate) fn secret(group: &str, key: &str, mount: Mount) -> Secret {
    Secret { group: group.into(), key: key.into(), mount, ..Secret::default() }
}

/// The secret of a vector.
pub(crate) fn of_vector(vector: &Value) -> Secret {
    let text = |field: &str| vector[field].as_str().unwrap_or_default().to_owned();
    let mount = match &vector["mount_requirement"] {
        Value::String(name) if name == "ENV_VAR" => Mount::EnvVar,
        Value::String(name) if name == "FILE" => Mount::File,
        Value::Number(number) => Mount::from_number(number.as_i64().and_then(|n| i32::try_from(n).ok()).unwrap()),
        _ => Mount::Any,
    };
    Secret {
        group: text("group"),
        group_version: text("group_version"),
        key: text("key"),
        mount,
        env_var: text("env_var"),
    }
}

/// A pod of this spec that asks for these secrets.
pub(crate) fn pod(spec: &Value, secrets: &[Secret]) -> Value {
    let texts: Vec<_> = secrets.iter().map(text).collect();
    pod_of_texts(spec, &texts)
}

/// A pod of this spec with these texts in its annotations.
pub(crate) fn pod_of_texts<T: AsRef<[u8]>>(spec: &Value, texts: &[T]) -> Value {
    let annotations: serde_json::Map<_, _> =
        texts.iter().enumerate().map(|(n, text)| (format!("flyte.secrets/s{n}"), json!(base32(text)))).collect();
    annotated(spec, &Value::Object(annotations))
}

/// A pod of this spec with these annotations.
pub(crate) fn annotated(spec: &Value, annotations: &Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "f-abc-n0-0",
            "namespace": "flytesnacks-development",
            "labels": {"inject-flyte-secrets": "true"},
            "annotations": annotations,
        },
        "spec": spec,
    })
}

/// A spec with one container and nothing else.
pub(crate) fn plain() -> Value {
    json!({"containers": [{"name": "main", "image": "python:3.13", "args": ["pyflyte-execute"]}], "restartPolicy": "Never"})
}

#[test]
fn annotations_are_flytes() {
    for vector in crate::cases::vectors()["codec"].as_array().unwrap() {
        let secret = of_vector(&vector["secret"]);
        // One vector is not UTF-8, and can't be written here.
        if vector.get("secret").is_none() {
            continue;
        }
        if let Some(expected) = vector["text"].as_str() {
            assert_eq!(text(&secret), expected, "{}", vector["name"]);
            assert_eq!(base32(expected), vector["annotation"].as_str().unwrap(), "{}", vector["name"]);
        }
    }
}

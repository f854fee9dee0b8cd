//! The label of pods that ask for secrets: one that Kubernetes lets a pod have, or no pod would ever be heard.

use super::error::ConfigError;
use super::section::Scalar;

/// The configured label, or the default one.
pub(super) fn read(written: Option<Scalar>) -> Result<String, ConfigError> {
    let (default, _) = secret::LABEL;
    match written {
        None => Ok(default.to_owned()),
        Some(scalar) if is_qualified_name(&scalar.text) => Ok(scalar.text),
        Some(scalar) => {
            let message = format!("`label` has to be the name of a label, not `{}`", scalar.text.escape_debug());
            Err(ConfigError::at(&scalar.at, message)
                .with_hint(format!("write a name such as {default} or example.com/{default}")))
        }
    }
}

/// apimachinery's `IsQualifiedName`: `[PREFIX/]NAME`.
pub(super) fn is_qualified_name(text: &str) -> bool {
    let (prefix, name) = match text.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    let alphanumeric = |part: &str, extra: &[u8]| {
        let bytes = part.as_bytes();
        bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || extra.contains(byte))
            && bytes.first().is_some_and(u8::is_ascii_alphanumeric)
            && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
    };
    let is_domain = |prefix: &str| {
        prefix.len() <= 253
            && !prefix.bytes().any(|byte| byte.is_ascii_uppercase())
            && prefix.split('.').all(|part| alphanumeric(part, b"-"))
    };
    name.len() <= 63 && alphanumeric(name, b"-_.") && prefix.is_none_or(is_domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_labels_are_those_of_kubernetes() {
        let long = "a".repeat(64);
        for (text, fits) in [
            ("inject-flyte-secrets", true),
            ("a", true),
            ("A_b.c-1", true),
            ("example.com/inject", true),
            (&long[..63], true),
            (&long, false),
            ("", false),
            ("-a", false),
            ("a-", false),
            ("a b", false),
            ("/a", false),
            ("example.com/", false),
            ("Example.com/a", false),
            ("example..com/a", false),
            ("a/b/c", false),
            ("é", false),
        ] {
            assert_eq!(is_qualified_name(text), fits, "{text}");
        }
    }
}

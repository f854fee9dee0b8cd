//! K8s: Secrets in the pod's own namespace, by reference. Their existence is not looked up.

use super::Answer;
use crate::config::Config;
use crate::dialect::{FileRule, GroupRule};
use crate::plan::Source;
use data_encoding::HEXLOWER;
use md5::{Digest, Md5};
use secret::{Mount, Secret};
use std::borrow::Cow;

pub(super) fn ask<'s>(secret: &'s Secret, config: &Config) -> Answer<'s> {
    if let Mount::Other(number) = secret.mount {
        return Answer::passes(format!("unrecognized mount requirement [{number}]"), "ask for ANY, ENV_VAR or FILE");
    }
    if secret.key.is_empty() {
        return Answer::passes("needs a key", "ask with a `key`: the key within the Secret");
    }
    let named = named(secret, config);
    let group = named.group.as_str();
    if group.is_empty() {
        return Answer::passes("needs a group", "ask with a `group`: the name of the Secret");
    }
    let name = match config.dialect.files {
        // Flyte takes any string; what the API server would refuse is found where the pod is shaped.
        FileRule::VolumePerGroup => group.to_owned(),
        FileRule::OneProjected => match checked_name(secret, group, config) {
            Ok(name) => name,
            Err((reason, hint)) => return Answer::passes(reason, hint),
        },
    };
    let source = Source::Reference { name, key: secret.key.clone() };
    Answer::Takes { source, named }
}

/// The secret with the group that names the Secret.
pub(super) fn named<'s>(secret: &'s Secret, config: &Config) -> Cow<'s, Secret> {
    match config.dialect.group {
        GroupRule::Md5OfKey if secret.group.is_empty() => {
            let group = HEXLOWER.encode(&Md5::digest(secret.key.as_bytes()));
            Cow::Owned(Secret { group, ..secret.clone() })
        }
        GroupRule::Md5OfKey | GroupRule::Required => Cow::Borrowed(secret),
    }
}

fn checked_name(secret: &Secret, group: &str, config: &Config) -> Result<String, (String, &'static str)> {
    let name = match (&config.versioned_name, secret.group_version.as_str()) {
        (_, "") => group.to_owned(),
        (Some(template), version) => template.replace("{group}", group).replace("{version}", version),
        (None, version) => {
            return Err((
                format!("Kubernetes Secrets have no versions, and `{}` was asked for", version.escape_debug()),
                "ask without `group_version`, or configure `versionedName: \"{group}-{version}\"`",
            ));
        }
    };
    match trouble(&name, &secret.key) {
        Some(trouble) => Err(trouble),
        None => Ok(name),
    }
}

/// Why no Secret can have this name and key, and what to do about it.
pub(crate) fn trouble(name: &str, key: &str) -> Option<(String, &'static str)> {
    let shown = |text: &str| text.chars().take(80).collect::<String>().escape_debug().to_string();
    if !is_dns_subdomain(name) {
        return Some((
            format!("`{}` can't be the name of a Secret", shown(name)),
            "a Secret's name has lower case letters, digits, `-` and `.`, up to 253",
        ));
    }
    if !is_config_key(key) {
        return Some((
            format!("`{}` can't be a key of a Secret", shown(key)),
            "a Secret's key has letters, digits, `-`, `_` and `.`, up to 253, and does not start with `..`",
        ));
    }
    None
}

/// RFC 1123 subdomain, as apimachinery's `IsDNS1123Subdomain` has it.
fn is_dns_subdomain(name: &str) -> bool {
    name.len() <= 253
        && name.split('.').all(|label| {
            let bytes = label.as_bytes();
            let alnum = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
            bytes.first().is_some_and(alnum)
                && bytes.last().is_some_and(alnum)
                && bytes.iter().all(|b| alnum(b) || *b == b'-')
        })
}

/// A key of a Secret, as apimachinery's `IsConfigMapKey` has it.
pub(crate) fn is_config_key(key: &str) -> bool {
    !key.is_empty()
        && key.len() <= 253
        && key != "."
        && !key.starts_with("..")
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

//! `HashiCorp` Vault and `OpenBao`: annotations for their Agent Injector, which adds the containers itself.

use super::Answer;
use super::brought::{self, ENV_VAR_HINT};
use super::template;
use crate::config::{Config, KvVersion};
use crate::plan::{Annotated, Source};
use data_encoding::HEXLOWER;
use secret::{FILE_ROOT, Secret, to_lower};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::sync::Arc;

/// The prefix of the injector's annotations.
pub(crate) const PREFIX: &str = "vault.hashicorp.com/";

/// What a secret's `group_version` says of its engine.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Engine {
    Kv(KvVersion),
    /// Dynamic credentials: the whole answer, in the injector's own form.
    Database,
}

impl Engine {
    fn of(secret: &Secret, config: &Config) -> Self {
        match secret.group_version.as_str() {
            "kv1" => Self::Kv(KvVersion::One),
            "kv2" => Self::Kv(KvVersion::Two),
            "db" => Self::Database,
            _ => Self::Kv(config.brought.vault.kv_version),
        }
    }
}

pub(super) fn ask<'s>(secret: &'s Secret, config: &Config) -> Answer<'s> {
    if secret.group.is_empty() || secret.key.is_empty() {
        return Answer::passes("needs both key and group", "ask with both `group` (the path) and `key`");
    }
    if let Some(reason) = brought::not_a_file(secret) {
        return Answer::passes(reason, ENV_VAR_HINT);
    }
    let engine = Engine::of(secret, config);
    let template = match engine {
        Engine::Kv(version) => Some(template::value(&secret.group, version, &secret.key)),
        // The injector's own template has the path in it as it stands.
        Engine::Database => template::whole_if_odd(&secret.group),
    };
    let id = id(secret);
    let name = |of: &str| format!("{PREFIX}agent-inject-{of}-{id}");
    let mut annotations =
        vec![(name("secret"), secret.group.clone()), (name("file"), format!("{}/{}", secret.group, secret.key))];
    annotations.extend(template.map(|template| (name("template"), template)));
    let what = match engine {
        Engine::Kv(KvVersion::One) => format!("kv1 {}:{}", secret.group, secret.key),
        Engine::Kv(KvVersion::Two) => format!("kv2 {}:{}", secret.group, secret.key),
        Engine::Database => format!("db {}", secret.group),
    };
    let file = brought::join(&[&secret.group, &secret.key]);
    let annotated = Annotated { what, file, annotations };
    Answer::Takes { source: Source::Annotated(Arc::new(annotated)), named: Cow::Borrowed(secret) }
}

/// The annotations that every pod with secrets of Vault gets; the configured ones go before them.
pub(crate) fn common(config: &Config) -> Vec<(String, String)> {
    let settings = &config.brought.vault;
    let ours = [
        ("agent-inject", "true"),
        ("secret-volume-path", FILE_ROOT),
        ("role", &settings.role),
        ("agent-pre-populate-only", "true"),
    ];
    let ours = ours.map(|(name, value)| (format!("{PREFIX}{name}"), value.to_owned()));
    ours.into_iter().chain(settings.annotations.iter().cloned()).collect()
}

/// What ties a secret's annotations together: a UUID (RFC 9562, version 8) made of the secret, so that the same pod gets
/// the same annotations each time. Flyte's is random.
fn id(secret: &Secret) -> String {
    let mut hash = Sha256::new();
    for field in [&secret.group, &secret.group_version, &secret.key] {
        hash.update((field.len() as u64).to_be_bytes());
        hash.update(field);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = HEXLOWER.encode(&bytes);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// What the agent or a task will stumble over.
pub(super) fn oddities(secret: &Secret, annotated: &Annotated) -> Vec<String> {
    let mut odd = Vec::new();
    if to_lower(&annotated.file) != annotated.file {
        odd.push(format!(
            "secret `{secret}`: Vault's file `{FILE_ROOT}/{}` keeps upper case, and flytekit looks for it in lower case; \
             use lower case in Vault, or read the file by its path",
            annotated.file.escape_debug()
        ));
    }
    if !matches!(secret.group_version.as_str(), "" | "kv1" | "kv2" | "db") {
        odd.push(format!(
            "secret `{secret}`: its `group_version` has no effect: it is none of `kv1`, `kv2` and `db`, so the configured \
             `vaultSecretManager.kvVersion` counts; a version of a secret is part of its path: `PATH?version=3`"
        ));
    }
    if secret.group.starts_with("arn:") {
        odd.push(format!(
            "secret `{secret}`: its group is an ARN of AWS; Vault's are paths, such as `secret/data/NAME`"
        ));
    }
    odd
}

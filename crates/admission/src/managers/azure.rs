//! Azure Key Vault: for each secret an init container that runs `az`. The group is the secret's whole URI; the key plays no
//! part.

use super::Answer;
use super::brought::{self, ENV_VAR_HINT};
use super::shell;
use crate::config::Config;
use crate::plan::{Pull, Source};
use secret::{FILE_ROOT, Secret, to_lower};
use std::borrow::Cow;
use std::sync::Arc;

/// The memory volume, and the start of the containers' names.
const NAMES: (&str, &str) = ("azure-secret-vol", "azure-pull-secret");
const LOGIN: &str = r#"az login --service-principal -u $AZURE_CLIENT_ID -t $AZURE_TENANT_ID --federated-token "$(cat $AZURE_FEDERATED_TOKEN_FILE)""#;
/// `$1` is the secret's URI with its version, `$2` the file and `$3` its folder, which only a pinned secret has.
const SCRIPT: &str = r#"az keyvault secret show --id "$1" --query "value" -o tsv > "$2""#;
const MAKE_FOLDER: &str = r#"mkdir -p "$3""#;

pub(super) fn ask<'s>(secret: &'s Secret, config: &Config) -> Answer<'s> {
    let (group, version) = (secret.group.as_str(), secret.group_version.as_str());
    if group.is_empty() {
        return Answer::passes("needs a group", "ask with a `group`: the secret's whole URI in its Key Vault");
    }
    if let Some(reason) = brought::not_a_file(secret) {
        return Answer::passes(reason, ENV_VAR_HINT);
    }
    if let Some(refusal) = shell::option(group) {
        return refusal;
    }
    let uri = group.trim_end_matches('/');
    let name = uri.rsplit('/').next().unwrap_or_default();
    if name.is_empty() {
        return Answer::refuses("its group is no URI of a secret", "ask with a `group`: the secret's whole URI");
    }
    let what = format!("{uri}/{version}");
    let folder = to_lower(name);
    let file = brought::join(&[&folder, &to_lower(version)]);
    let (to_file, to_folder) = (format!("{FILE_ROOT}/{file}"), format!("{FILE_ROOT}/{folder}"));
    let show = format!(r#"az keyvault secret show --id "{what}" --query "value" -o tsv > {to_file}"#);
    let command = if version.is_empty() {
        shell::command(format!("{LOGIN}; {show}"), &format!("{LOGIN}; {SCRIPT}"), &[&what, &to_file])
    } else {
        let line = format!("{LOGIN}; mkdir -p {to_folder}; {show}");
        shell::command(line, &format!("{LOGIN}; {MAKE_FOLDER}; {SCRIPT}"), &[&what, &to_file, &to_folder])
    };
    let settings = &config.brought.azure;
    let name = name.escape_debug();
    let pull = Pull {
        what,
        read_with: Some(match version {
            "" => format!("get(key=\"{name}\")"),
            _ => format!("get(group=\"{name}\", group_version=\"{}\")", version.escape_debug()),
        }),
        has_path_env: false,
        stem: NAMES.1,
        image: settings.image.clone(),
        command,
        env: Vec::new(),
        resources: settings.resources.clone(),
        volume: NAMES.0,
        folder: FILE_ROOT,
        file,
    };
    Answer::Takes { source: Source::Pulled(Arc::new(pull)), named: Cow::Borrowed(secret) }
}

/// What a task or `az` will stumble over.
pub(super) fn oddities(secret: &Secret, pull: &Pull) -> Vec<String> {
    let mut odd = Vec::new();
    odd.extend(brought::ignored_key(secret, pull, "Azure"));
    if !secret.group.to_ascii_lowercase().starts_with("https://") {
        odd.push(format!(
            "secret `{secret}`: its group is not the URI of a secret; ask with `https://VAULT.vault.azure.net/secrets/NAME`"
        ));
    }
    odd
}

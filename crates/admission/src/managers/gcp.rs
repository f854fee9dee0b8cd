//! Google Cloud Secret Manager: for each secret an init container that runs `gcloud`. The key plays no part.

use super::Answer;
use super::brought::{self, ENV_VAR_HINT};
use super::shell;
use crate::config::Config;
use crate::plan::{Pull, Source};
use secret::{FILE_ROOT, Secret, to_lower};
use std::borrow::Cow;
use std::sync::Arc;

/// The memory volume, and the start of the containers' names.
const NAMES: (&str, &str) = ("gcp-secret-vol", "gcp-pull-secret");
/// `$1` is the secret, `$2` its version, `$3` the file and `$4` its folder. The group may be a whole resource
/// (`projects/P/secrets/S`) or a name alone, hence the two attempts.
const SCRIPT: &str = r#"gcloud secrets versions access "$1/versions/$2" --out-file="$3" || gcloud secrets versions access "$2" --secret="$1" --out-file="$3"; chmod +rX "$4" "$3""#;

pub(super) fn ask<'s>(secret: &'s Secret, config: &Config) -> Answer<'s> {
    let (group, version) = (secret.group.as_str(), secret.group_version.as_str());
    if group.is_empty() || version.is_empty() {
        return Answer::passes(
            "needs both group and group version",
            "ask with both `group` (the secret) and `group_version` (a number, or `latest`)",
        );
    }
    if let Some(reason) = brought::not_a_file(secret) {
        return Answer::passes(reason, ENV_VAR_HINT);
    }
    if let Some(refusal) = [group, version].into_iter().find_map(shell::option) {
        return refusal;
    }
    let folder = brought::join(&[&to_lower(group)]);
    let file = brought::join(&[&folder, &to_lower(version)]);
    let (to_file, to_folder) = (format!("{FILE_ROOT}/{file}"), format!("{FILE_ROOT}/{folder}"));
    let line = format!(
        "gcloud secrets versions access {group}/versions/{version} --out-file={to_file} || gcloud secrets versions access \
         {version} --secret={group} --out-file={to_file}; chmod +rX {to_folder} {to_file}"
    );
    let settings = &config.brought.gcp;
    let pull = Pull {
        what: format!("{group}/versions/{version}"),
        read_with: Some(format!("get(group={}, group_version={})", python(group), python(version))),
        has_path_env: false,
        stem: NAMES.1,
        image: settings.image.clone(),
        command: shell::command(line, SCRIPT, &[group, version, &to_file, &to_folder]),
        env: Vec::new(),
        resources: settings.resources.clone(),
        volume: NAMES.0,
        folder: FILE_ROOT,
        file,
    };
    Answer::Takes { source: Source::Pulled(Arc::new(pull)), named: Cow::Borrowed(secret) }
}

/// What a task or `gcloud` will stumble over.
pub(super) fn oddities(secret: &Secret, pull: &Pull) -> Vec<String> {
    let mut odd = Vec::new();
    odd.extend(brought::ignored_key(secret, pull, "GCP"));
    let name =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    let is_secret = match secret.group.split('/').collect::<Vec<_>>().as_slice() {
        [one] => name(one),
        ["projects", project, "secrets", one] => !project.is_empty() && name(one),
        _ => false,
    };
    if !is_secret {
        odd.push(format!(
            "secret `{secret}`: its group is neither a secret's name nor `projects/PROJECT/secrets/NAME`, which is what \
             Secret Manager has"
        ));
    }
    odd
}

fn python(text: &str) -> String {
    format!("\"{}\"", text.escape_debug())
}

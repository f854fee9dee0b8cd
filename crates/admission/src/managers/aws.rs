//! AWS Secrets Manager: for each secret an init container with Amazon's own image, which is told by two variables.

use super::Answer;
use super::brought::{self, ENV_VAR_HINT};
use crate::config::Config;
use crate::plan::{Pull, Source};
use secret::{Secret, to_lower};
use std::borrow::Cow;
use std::sync::Arc;

/// The memory volume, and the start of the containers' names.
const NAMES: (&str, &str) = ("aws-secret-vol", "aws-pull-secret");
/// Amazon's container writes below it.
const FOLDER: &str = "/tmp";

pub(super) fn ask<'s>(secret: &'s Secret, config: &Config) -> Answer<'s> {
    if secret.group.is_empty() || secret.key.is_empty() {
        return Answer::passes("needs both key and group", "ask with both `group` and `key`");
    }
    if let Some(reason) = brought::not_a_file(secret) {
        return Answer::passes(reason, ENV_VAR_HINT);
    }
    let arn = format!("{}:{}", secret.group.trim_end_matches(':'), secret.key.trim_start_matches(':'));
    let (group, key) = (to_lower(&secret.group), to_lower(&secret.key));
    let file = brought::join(&[&group, &key]);
    let settings = &config.brought.aws;
    let pull = Pull {
        what: arn.clone(),
        read_with: None,
        has_path_env: config.dialect.aws_sets_path_env,
        stem: NAMES.1,
        image: settings.image.clone(),
        command: Vec::new(),
        env: vec![("SECRET_ARN", arn), ("SECRET_FILENAME", format!("/{file}"))],
        resources: settings.resources.clone(),
        volume: NAMES.0,
        folder: FOLDER,
        file,
    };
    Answer::Takes { source: Source::Pulled(Arc::new(pull)), named: Cow::Borrowed(secret) }
}

/// What Amazon's container will stumble over.
pub(super) fn oddities(secret: &Secret, pull: &Pull) -> Vec<String> {
    let mut odd = Vec::new();
    if !pull.what.starts_with("arn:") {
        odd.push(format!(
            "secret `{secret}`: `{}` is no ARN, which Amazon's container expects; ask with the group \
             `arn:aws:secretsmanager:REGION:ACCOUNT:secret:` and the secret's name as key",
            pull.what.escape_debug()
        ));
    }
    odd
}

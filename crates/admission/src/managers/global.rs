//! Global: the webhook's own environment and files, written into the pod in Flyte's dialects.

use super::Answer;
use crate::config::Config;
use crate::dialect::GlobalRule;
use crate::plan::{Reason, Source};
use crate::values::Globals;
use secret::{Mount, Secret};
use std::borrow::Cow;

pub(super) fn ask<'s>(secret: &'s Secret, config: &Config, globals: &Globals) -> Answer<'s> {
    if secret.group.is_empty() || secret.key.is_empty() {
        return Answer::passes("needs both key and group", "ask with both `group` and `key`");
    }
    let lookup = &config.global;
    let Some(value) = globals.get(lookup, &secret.group, &secret.key) else {
        let env = Globals::env_name(lookup, &secret.group, &secret.key);
        let file = [lookup.secrets_prefix.as_str(), &secret.group, &secret.key].join("/");
        return Answer::Passes {
            reason: Reason::NotFound { env, file },
            hint: "give the webhook's pod that variable or file, or configure another manager".into(),
        };
    };
    let hint = "ask for it as ENV_VAR, or keep it in another manager";
    match secret.mount {
        Mount::Any | Mount::EnvVar => {}
        Mount::File => {
            let reason = "global secrets can only be injected as environment variables";
            return match config.dialect.global {
                GlobalRule::InlineOrRefuse => Answer::refuses(reason, hint),
                GlobalRule::InlineOrNext | GlobalRule::Sealed => Answer::passes(reason, hint),
            };
        }
        Mount::Other(number) => {
            return Answer::passes(format!("unrecognized mount requirement [{number}]"), "ask for ANY or ENV_VAR");
        }
    }
    if std::str::from_utf8(value).is_err() || value.contains(&0) {
        return Answer::refuses(
            "the value is not UTF-8 text without NUL, which an environment variable has to be",
            "keep it in a manager that gives files",
        );
    }
    Answer::Takes { source: Source::Inline, named: Cow::Borrowed(secret) }
}

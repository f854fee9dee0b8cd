//! Global: the webhook's own environment and files, written into the pod in Flyte's dialects.

use super::Answer;
use crate::config::Config;
use crate::dialect::GlobalRule;
use crate::plan::Source;
use crate::values::Globals;
use secret::{Mount, Secret};

pub(super) fn ask(secret: &Secret, config: &Config, globals: &Globals) -> Answer {
    if secret.group.is_empty() || secret.key.is_empty() {
        return Answer::passes("needs both key and group", "ask with both `group` and `key`");
    }
    let lookup = &config.global;
    let Some(value) = globals.get(lookup, &secret.group, &secret.key) else {
        let env = Globals::env_name(lookup, &secret.group, &secret.key).escape_debug().to_string();
        let file = format!("{}/{}/{}", lookup.secrets_prefix, secret.group, secret.key).escape_debug().to_string();
        return Answer::passes(
            format!("not found: env `{env}`, file `{file}`"),
            "give the webhook's pod that variable or file, or configure another manager",
        );
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
    Answer::Takes { source: Source::Inline, named: secret.clone() }
}

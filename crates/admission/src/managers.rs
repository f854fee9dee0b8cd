//! What each manager says to a request: one file each, one exhaustive match.

mod aws;
mod azure;
mod brought;
mod gcp;
mod global;
mod k8s;
mod local;
mod shell;
mod template;
mod vault;

pub(crate) use brought::join;
pub(crate) use k8s::{is_config_key, trouble as secret_trouble};
pub(crate) use vault::{PREFIX as VAULT_PREFIX, common as vault_annotations};

use crate::config::Config;
use crate::manager::Manager;
use crate::plan::{Reason, Request, Source};
use crate::values::Globals;
use secret::Secret;
use std::borrow::Cow;

/// What a manager says to a request.
pub(crate) enum Answer<'s> {
    /// It gives the value.
    Takes {
        /// How.
        source: Source,
        /// The secret with the group under which its names are made.
        named: Cow<'s, Secret>,
    },
    /// It doesn't; the next one is asked.
    Passes {
        /// Why.
        reason: Reason,
        /// What would help.
        hint: Cow<'static, str>,
    },
    /// Nobody else may be asked either.
    Refuses {
        /// Why.
        reason: Cow<'static, str>,
        /// What would help.
        hint: Cow<'static, str>,
    },
}

impl Answer<'_> {
    fn passes(reason: impl Into<Reason>, hint: impl Into<Cow<'static, str>>) -> Self {
        Self::Passes { reason: reason.into(), hint: hint.into() }
    }

    fn refuses(reason: impl Into<Cow<'static, str>>, hint: impl Into<Cow<'static, str>>) -> Self {
        Self::Refuses { reason: reason.into(), hint: hint.into() }
    }
}

/// Asks a manager, without any I/O.
pub(crate) fn ask<'s>(manager: Manager, secret: &'s Secret, config: &Config, globals: &Globals) -> Answer<'s> {
    match manager {
        Manager::Global => global::ask(secret, config, globals),
        Manager::K8s => k8s::ask(secret, config),
        Manager::Aws => aws::ask(secret, config),
        Manager::Gcp => gcp::ask(secret, config),
        Manager::Azure => azure::ask(secret, config),
        Manager::Vault => vault::ask(secret, config),
        Manager::Local => local::ask(secret, config),
        // The configuration refuses these, so that no pod ever meets them.
        Manager::Confidant | Manager::Embedded | Manager::Exec => {
            Answer::passes("is not served by this build", "configure a manager that it serves")
        }
    }
}

/// What is odd about a secret that another program brings, and what to do about it.
pub(crate) fn oddities(request: &Request) -> Vec<String> {
    let secret = &request.secret;
    match (&request.source, request.manager) {
        (Source::Pulled(pull), Manager::Aws) => aws::oddities(secret, pull),
        (Source::Pulled(pull), Manager::Gcp) => gcp::oddities(secret, pull),
        (Source::Pulled(pull), Manager::Azure) => azure::oddities(secret, pull),
        (Source::Annotated(annotated), _) => vault::oddities(secret, annotated),
        (Source::Pulled(_) | Source::Reference { .. } | Source::Sealed | Source::Inline, _) => Vec::new(),
    }
}

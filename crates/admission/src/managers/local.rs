//! Local: what the user of a laptop gave with `--secret`. It takes every request; a miss is found before anything starts.

use super::{Answer, k8s};
use crate::config::Config;
use crate::plan::Source;
use secret::Secret;

pub(super) fn ask<'s>(secret: &'s Secret, config: &Config) -> Answer<'s> {
    if secret.key.is_empty() {
        return Answer::passes("needs a key", "ask with a `key`");
    }
    // The names are those that K8s would give, so that a task reads on a laptop what it reads in the cluster.
    Answer::Takes { source: Source::Sealed, named: k8s::named(secret, config) }
}

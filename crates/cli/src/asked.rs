//! A secret of a plan in the JSON of `run` and `explain`.

use admission::plan::Request;
use secret::EnvName;
use serde::Serialize;

/// What was asked for, with every way in which it was.
#[derive(Serialize)]
pub(crate) struct Asked<'a> {
    group: &'a str,
    group_version: &'a str,
    key: &'a str,
    mounts: Vec<String>,
}

impl<'a> From<&'a Request> for Asked<'a> {
    fn from(request: &'a Request) -> Self {
        let secret = &request.secret;
        Self {
            group: &secret.group,
            group_version: &secret.group_version,
            key: &secret.key,
            mounts: request.mounts.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Names of variables as text.
pub(crate) fn names(names: &[EnvName]) -> Vec<&str> {
    names.iter().map(EnvName::as_str).collect()
}

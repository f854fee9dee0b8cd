//! What the managers have in common whose secrets another program brings: files, and nothing but files.

use crate::plan::Pull;
use secret::{FILE_ROOT, Mount, Secret};

/// The remedy where a variable was asked for.
pub(super) const ENV_VAR_HINT: &str = "ask for it as FILE, or keep it in a manager that gives variables";

/// Why the request is for something else than a file.
pub(super) fn not_a_file(secret: &Secret) -> Option<String> {
    match secret.mount {
        Mount::Any | Mount::File => None,
        Mount::EnvVar => Some("can't give environment variables, only files".to_owned()),
        Mount::Other(number) => Some(format!("unrecognized mount requirement [{number}]")),
    }
}

/// A relative path, empty parts and `.` left out. `..` stays, and is refused where the pod is shaped.
pub(crate) fn join(parts: &[&str]) -> String {
    let parts = parts.iter().flat_map(|part| part.split('/')).filter(|part| !matches!(*part, "" | "."));
    parts.collect::<Vec<_>>().join("/")
}

/// The warning that a key plays no part.
pub(super) fn ignored_key(secret: &Secret, pull: &Pull, manager: &str) -> Option<String> {
    let read_with = pull.read_with.as_deref().filter(|_| !secret.key.is_empty())?;
    Some(format!(
        "secret `{secret}`: {manager} ignores the key; the task finds the file `{FILE_ROOT}/{}` with {read_with}",
        pull.file.escape_debug()
    ))
}

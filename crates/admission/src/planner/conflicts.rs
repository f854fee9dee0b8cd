//! Requests that get into each other's way, or into the pod's, refused in Flyte's dialects: what the API server would
//! refuse, and two secrets in one place.

use crate::config::Config;
use crate::denial::Denial;
use crate::plan::{EnvAddition, EnvValue, Plan};
use crate::view::PodView;
use secret::{EnvName, FILE_ROOT};
use std::borrow::Cow;
use std::collections::HashMap;

/// A `FLYTE_SECRETS_*` variable.
pub(super) fn marker(name: &'static str, value: impl Into<Cow<'static, str>>) -> Option<EnvAddition> {
    let name = EnvName::parse(name).ok()?;
    Some(EnvAddition { name, value: EnvValue::Literal(value.into()), request: None })
}

/// Why a variable of this name would change how programs run, or what the platform tells them.
pub(super) fn danger(name: &str) -> Option<&'static str> {
    const LOADER: &str = "it changes which code programs load";
    const SHELL: &str = "it changes what shells and interpreters run";
    match name {
        "PATH" | "GCONV_PATH" | "GLIBC_TUNABLES" | "LOCPATH" | "OPENSSL_CONF" | "OPENSSL_ENGINES"
        | "OPENSSL_MODULES" => Some(LOADER),
        "HOME"
        | "SHELL"
        | "ENV"
        | "BASH_ENV"
        | "SHELLOPTS"
        | "BASHOPTS"
        | "PROMPT_COMMAND"
        | "PS4"
        | "IFS"
        | "CDPATH"
        | "NODE_OPTIONS"
        | "NODE_PATH"
        | "PERL5LIB"
        | "PERL5OPT"
        | "PERL5DB"
        | "PERLLIB"
        | "RUBYOPT"
        | "RUBYLIB"
        | "LUA_INIT"
        | "PHPRC"
        | "PHP_INI_SCAN_DIR"
        | "JAVA_TOOL_OPTIONS"
        | "JDK_JAVA_OPTIONS"
        | "_JAVA_OPTIONS"
        | "CLASSPATH"
        | "DOTNET_STARTUP_HOOKS"
        | "EDITOR"
        | "VISUAL"
        | "PAGER"
        | "GIT_SSH"
        | "GIT_SSH_COMMAND"
        | "GIT_EXEC_PATH"
        | "GIT_ASKPASS"
        | "SSH_ASKPASS" => Some(SHELL),
        // All that CPython itself reads; its packages' variables have an underline.
        _ if name.starts_with("PYTHON") && !name.contains('_') => Some(SHELL),
        _ if ["BASH_FUNC_", "GIT_CONFIG", "LUA_INIT_"].iter().any(|start| name.starts_with(start)) => Some(SHELL),
        _ if name.starts_with("LD_") || name.starts_with("DYLD_") => Some(LOADER),
        _ if name.starts_with("KUBERNETES_") => Some("Kubernetes sets it"),
        _ if name.starts_with("FLYTE_INTERNAL_") || name.starts_with("FLYTE_SECRETS_") => Some("Flyte sets it"),
        _ => None,
    }
}

/// Refuses two different secrets in one file, and a file in the place of another's folder.
pub(super) fn two_secrets_in_one_file(plan: &Plan, config: &Config) -> Result<(), Denial> {
    let mut files: HashMap<&str, usize> = HashMap::new();
    let mut has_brought = false;
    for (index, request) in plan.requests.iter().enumerate() {
        has_brought |= request.source.is_brought();
        for file in &request.files {
            let other = *files.entry(file).or_insert(index);
            let (one, two) = (&plan.requests[other].secret, &request.secret);
            if !plan.requests[other].source.is_same(&request.source, [one, two]) {
                let why = format!("it would be in the same file as `{one}`: `{FILE_ROOT}/{}`", file.escape_debug());
                return Err(Denial::secret(config, two, why).with_hint("give one of them another name"));
            }
        }
    }
    // Flyte's volumes of Secrets are mounts of their own, where a folder may stand over a file.
    let all = plan.requests.iter().filter(|_| has_brought);
    for (request, file) in all.flat_map(|request| request.files.iter().map(move |file| (request, file))) {
        let mut folder = file.as_str();
        while let Some((parent, _)) = folder.rsplit_once('/') {
            let other = files.get(parent).map(|other| &plan.requests[*other]);
            if let Some(other) = other.filter(|other| other.source.is_brought() || request.source.is_brought()) {
                let (parent, other) = (parent.escape_debug(), &other.secret);
                let why = format!("`{FILE_ROOT}/{parent}` would be its folder and the file of secret `{other}`");
                return Err(Denial::secret(config, &request.secret, why).with_hint("give one of them another name"));
            }
            folder = parent;
        }
    }
    Ok(())
}

/// Refuses two volumes at one path of a container, as the API server would, and one within another that is read-only, which
/// container runtimes can't make.
pub(super) fn mount_paths(plan: &Plan, pod: &PodView<'_>, config: &Config) -> Result<(), Denial> {
    for (index, mount) in plan.mounts.iter().enumerate() {
        if let Some(other) = plan.mounts[..index].iter().find(|other| other.path == mount.path) {
            let why = format!(
                "secrets {} need two volumes (`{}` and `{}`) at `{}`, which the API server refuses",
                secrets_below(plan, &mount.path),
                other.volume,
                mount.volume,
                mount.path.escape_debug()
            );
            let hint = if mount.path == FILE_ROOT {
                "keep the pod's secrets in one manager"
            } else {
                "groups that differ only in case need other names"
            };
            return Err(Denial::pod(config, why).with_hint(hint));
        }
    }
    if let Some(inner) = plan.mounts.iter().find(|mount| mount.path != FILE_ROOT)
        && let Some(outer) = plan.mounts.iter().find(|mount| mount.path == FILE_ROOT)
    {
        let why = format!(
            "secrets {} need a mount at `{}` within that of volume `{}`, which is read-only: no container would start",
            secrets_below(plan, &inner.path),
            inner.path.escape_debug(),
            outer.volume
        );
        return Err(Denial::pod(config, why).with_hint("keep the pod's files in one manager"));
    }
    for (_, _, container) in pod.all_containers() {
        let there = || container.volume_mounts.items().iter().flatten();
        for mount in &plan.mounts {
            if there().any(|m| m.name.as_str() == mount.volume) {
                continue;
            }
            if let Some(other) = there().find(|m| m.mount_path.as_str() == mount.path) {
                let why = format!(
                    "container `{}` mounts volume `{}` at `{}`, where {} has to be",
                    container.name,
                    other.name,
                    mount.path.escape_debug(),
                    secrets_below(plan, &mount.path)
                );
                return Err(Denial::pod(config, why).with_hint("mount the pod's volume elsewhere"));
            }
        }
    }
    Ok(())
}

/// The secrets whose files are at or below a path, by name.
fn secrets_below(plan: &Plan, path: &str) -> String {
    let below =
        |file: &String| format!("{FILE_ROOT}/{file}").strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
    let names = plan.requests.iter().filter(|request| request.files.iter().any(below));
    names.map(|request| format!("`{}`", request.secret)).collect::<Vec<_>>().join(", ")
}

/// Whether a mount is at or under the secrets' root, however its path is spelled.
pub(super) fn is_under_root(path: &str) -> bool {
    let root = || FILE_ROOT.as_bytes().split(|byte| *byte == b'/').filter(|part| !part.is_empty());
    // How deep the path goes, and how many of its first folders are the root's.
    let (mut depth, mut same) = (0_usize, 0);
    for part in path.as_bytes().split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                depth = depth.saturating_sub(1);
                same = same.min(depth);
            }
            part => {
                same += usize::from(same == depth && root().nth(depth) == Some(part));
                depth += 1;
            }
        }
    }
    same == root().count()
}

#[cfg(test)]
mod tests {
    use super::is_under_root;

    #[test]
    fn the_root_is_known_however_its_path_is_spelled() {
        for (path, is_under) in [
            ("/etc/flyte/secrets", true),
            ("/etc/flyte/secrets/", true),
            ("/etc/flyte/secrets/group/key", true),
            ("//etc/./flyte//secrets", true),
            ("/etc/flyte/other/../secrets", true),
            ("/../etc/flyte/secrets", true),
            ("/a/../../etc/flyte/secrets", true),
            ("/etc/flyte/secrets/../secrets/a", true),
            ("etc/flyte/secrets", true),
            ("/etc/flyte/secrets/..", false),
            ("/etc/flyte/secrets/../../flyte", false),
            ("/etc/flyte/secrets2", false),
            ("/etc/flyte", false),
            ("/mnt/etc/flyte/secrets", false),
            ("/x/flyte/secrets", false),
            ("/etc/x/secrets", false),
            ("/etc/flyte/x/secrets", false),
            ("", false),
            ("/", false),
        ] {
            assert_eq!(is_under_root(path), is_under, "{path}");
        }
    }
}

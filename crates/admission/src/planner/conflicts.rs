//! Requests that get into each other's way, or into the pod's: refused where that is the dialect's rule or where the
//! API server would refuse the pod, else a warning.

use crate::config::Config;
use crate::denial::Denial;
use crate::dialect::EnvRule;
use crate::managers::secret_trouble;
use crate::plan::{EnvAddition, EnvValue, Plan, Source};
use crate::variable::same_variable;
use crate::view::{ContainerView, PodView};
use secret::{EnvName, FILE_ROOT};
use std::collections::HashMap;

/// How many warnings one answer carries; the API server shortens longer lists.
const MAX_WARNINGS: usize = 16;

/// A `FLYTE_SECRETS_*` variable.
pub(super) fn marker(name: &str, value: &str) -> Option<EnvAddition> {
    let name = EnvName::parse(name).ok()?;
    Some(EnvAddition { name, value: EnvValue::Literal(value.to_owned()), request: None })
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

/// Refuses two different secrets in one file.
pub(super) fn two_secrets_in_one_file(plan: &Plan, config: &Config) -> Result<(), Denial> {
    let mut files: HashMap<&str, usize> = HashMap::new();
    for (index, request) in plan.requests.iter().enumerate() {
        for file in &request.files {
            let other = *files.entry(file).or_insert(index);
            let (one, two) = (&plan.requests[other].secret, &request.secret);
            if (&one.group, &one.key) != (&two.group, &two.key) {
                let why = format!("it would be in the same file as `{one}`: `{FILE_ROOT}/{}`", file.escape_debug());
                return Err(Denial::secret(config, two, why).with_hint("give one of them another name"));
            }
        }
    }
    Ok(())
}

/// Refuses two volumes at one path of a container, as the API server would.
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
            return Err(Denial::pod(config, why).with_hint("groups that differ only in case need other names"));
        }
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
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let root: Vec<&str> = FILE_ROOT.split('/').filter(|part| !part.is_empty()).collect();
    parts.starts_with(&root)
}

/// Says what Flyte's pod does that our own dialect would refuse.
pub(super) fn warn(plan: &mut Plan, pod: &PodView<'_>) {
    let mut warnings = Vec::new();
    for (index, request) in plan.requests.iter().enumerate() {
        let secret = &request.secret;
        if plan.requests[..index].iter().any(|other| other.secret == *secret) {
            warnings.push(format!("secret `{secret}` is asked for twice"));
        }
        if let Source::Reference { name, key } = &request.source
            && let Some((reason, _)) = secret_trouble(name, key)
        {
            warnings.push(format!("secret `{secret}` will never be found: {reason}"));
        }
        if !secret.group_version.is_empty() {
            warnings.push(format!("secret `{secret}`: its `group_version` has no effect"));
        }
    }
    for addition in &plan.env {
        if let (Some(index), Some(why)) = (addition.request, danger(addition.name.as_str())) {
            let warning = format!("secret `{}` sets `{}`: {why}", plan.requests[index].secret, addition.name);
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
    }
    warnings.extend(names_of_two_secrets(plan));
    for (list, index, container) in pod.all_containers() {
        if plan.targets.contains(&(list, index)) {
            warnings.extend(variables_in_the_way(plan, container));
            let under_root = container.volume_mounts.items().iter().flatten().filter(|mount| {
                is_under_root(&mount.mount_path)
                    && !plan
                        .mounts
                        .iter()
                        .any(|ours| (ours.volume.as_str(), ours.path.as_str()) == (&*mount.name, &*mount.mount_path))
            });
            warnings.extend(under_root.map(|mount| {
                format!(
                    "container `{}` mounts volume `{}` at `{}`, among the secrets",
                    container.name, mount.name, mount.mount_path
                )
            }));
        }
    }
    warnings.truncate(MAX_WARNINGS);
    plan.warnings = warnings;
}

fn names_of_two_secrets(plan: &Plan) -> Vec<String> {
    let mut owners: HashMap<&str, usize> = HashMap::new();
    let mut warnings = Vec::new();
    for addition in &plan.env {
        let Some(index) = addition.request else { continue };
        let other = *owners.entry(addition.name.as_str()).or_insert(index);
        let (one, two) = (&plan.requests[other].secret, &plan.requests[index].secret);
        if (&one.group, &one.key) != (&two.group, &two.key) {
            let winner = match plan.dialect.env_rule {
                EnvRule::AppendIfAbsent => "the first",
                EnvRule::ReplaceInFront | EnvRule::OursFirst => "the second",
            };
            warnings.push(format!("secrets `{one}` and `{two}` share variable `{}`: {winner} is seen", addition.name));
        }
    }
    warnings
}

fn variables_in_the_way(plan: &Plan, container: &ContainerView<'_>) -> Vec<String> {
    let mut warnings: Vec<String> = Vec::new();
    for addition in &plan.env {
        let there = container.env.items().iter().flatten().find(|env| env.name.as_str() == addition.name.as_str());
        if there.is_some_and(|there| !same_variable(there, &addition.value)) {
            let what_happens = match plan.dialect.env_rule {
                EnvRule::AppendIfAbsent => "which stays: the task does not see the secrets' own",
                EnvRule::ReplaceInFront | EnvRule::OursFirst => "which the secrets' own replaces",
            };
            let warning = format!("container `{}` sets `{}` itself, {what_happens}", container.name, addition.name);
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
    }
    warnings
}

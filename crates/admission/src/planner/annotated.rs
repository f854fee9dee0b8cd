//! The annotations for Vault's Agent Injector: what a secret needs, what every pod needs, what is configured, what the pod
//! says itself. Of one name the later one counts.

use crate::config::Config;
use crate::denial::Denial;
use crate::managers::{VAULT_PREFIX, vault_annotations};
use crate::plan::{Plan, Source};
use crate::view::PodView;
use secret::FILE_ROOT;
use std::collections::BTreeMap;

/// All annotations of an object together, in Kubernetes.
const MAX_SIZE: usize = 256 * 1024;

pub(super) fn annotate(plan: &mut Plan, pod: &PodView<'_>, config: &Config) -> Result<(), Denial> {
    let mut wanted: BTreeMap<String, String> = BTreeMap::new();
    for request in &plan.requests {
        if let Source::Annotated(annotated) = &request.source {
            wanted.extend(annotated.annotations.iter().cloned());
        }
    }
    if wanted.is_empty() {
        return Ok(());
    }
    wanted.extend(vault_annotations(config));
    let own = &pod.metadata.annotations;
    wanted.retain(|name, _| own.get(name).is_none());
    let added = wanted.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let size: usize = own.iter().chain(added).map(|(name, value)| name.len() + value.len()).sum();
    if size > MAX_SIZE {
        let why =
            format!("the pod's annotations would have {size} bytes with those for Vault; Kubernetes takes {MAX_SIZE}");
        return Err(Denial::pod(config, why).with_hint("ask for fewer secrets, or under shorter names"));
    }
    plan.annotations = wanted.into_iter().collect();
    let root = plan.mounts.iter().find(|mount| mount.path == FILE_ROOT);
    if let Some(mount) = root.filter(|_| effective(plan, pod, "secret-volume-path") == Some(FILE_ROOT)) {
        let why = format!(
            "Vault's injector and volume `{}` would both be mounted at `{FILE_ROOT}`, which the API server refuses",
            mount.volume
        );
        return Err(Denial::pod(config, why).with_hint("keep the pod's secrets in one manager"));
    }
    Ok(())
}

/// What one of the injector's annotations will say.
fn effective<'a>(plan: &'a Plan, pod: &'a PodView<'_>, name: &str) -> Option<&'a str> {
    let name = format!("{VAULT_PREFIX}{name}");
    let added = || plan.annotations.iter().find(|(added, _)| *added == name).map(|(_, value)| value.as_str());
    pod.metadata.annotations.get(&name).or_else(added)
}

/// What annotations say that keeps the task from its secrets.
pub(super) fn warnings(plan: &Plan, pod: &PodView<'_>) -> Vec<String> {
    let mut warnings = Vec::new();
    let annotated = plan.requests.iter().filter_map(|request| match &request.source {
        Source::Annotated(annotated) => Some((&request.secret, annotated)),
        Source::Reference { .. } | Source::Sealed | Source::Inline | Source::Pulled(_) => None,
    });
    let annotated: Vec<_> = annotated.collect();
    if annotated.is_empty() {
        return warnings;
    }
    let shown = |value: &str| value.escape_debug().to_string();
    if let Some(value) = effective(plan, pod, "agent-inject").filter(|value| !is_true(value)) {
        warnings.push(format!(
            "annotation `{VAULT_PREFIX}agent-inject` is `{}`: Vault's injector passes the pod by, and it gets none of its \
             secrets; remove that annotation",
            shown(value)
        ));
    }
    if effective(plan, pod, "agent-inject-status").is_some_and(|value| value == "injected") {
        warnings.push(format!(
            "annotation `{VAULT_PREFIX}agent-inject-status` says that Vault's injector has been here, and it will pass the \
             pod by; remove that annotation"
        ));
    }
    if let Some(value) = effective(plan, pod, "secret-volume-path").filter(|value| *value != FILE_ROOT) {
        warnings.push(format!(
            "annotation `{VAULT_PREFIX}secret-volume-path` is `{}`: Vault's files will be there, and flytekit looks for \
             them at `{FILE_ROOT}`; remove that annotation",
            shown(value)
        ));
    }
    for (secret, annotated) in annotated {
        let own = |name: &str| pod.metadata.annotations.get(name);
        let other = annotated.annotations.iter().find(|(name, value)| own(name).is_some_and(|own| own != value));
        if let Some((name, _)) = other {
            warnings
                .push(format!("secret `{secret}`: the pod's own annotation `{name}` says something else, and counts"));
        }
    }
    warnings
}

/// What Go's `strconv.ParseBool` takes for true, which is how the injector reads it.
fn is_true(value: &str) -> bool {
    matches!(value, "1" | "t" | "T" | "TRUE" | "true" | "True")
}

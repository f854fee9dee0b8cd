//! The pod as it is made: the manifest's, once, under a name of its own.

use super::OWNER;
use crate::fault::Fault;
use crate::manifest::{Manifest, PodSource};
use crate::{explain, terminal};
use admission::{Config, PodView};
use serde_json::{Map, Value, json};
use std::hash::{BuildHasher, Hasher, RandomState};

/// What the API server wrote into a pod that comes from a cluster.
const OF_SERVER: [&str; 8] = [
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "generation",
    "selfLink",
    "managedFields",
    "ownerReferences",
    "deletionTimestamp",
];
/// Labels of a template that the pod keeps: those that say whose secrets it may have.
const OF_FLYTE: [&str; 3] = ["project", "domain", "organization"];

pub(super) struct Made {
    pub(super) name: String,
    pub(super) pod: Value,
    /// Whether the webhook has to serve it.
    pub(super) asks: bool,
    /// The manifest's containers, in its order.
    pub(super) containers: Vec<String>,
    /// Its init containers.
    pub(super) init_containers: Vec<String>,
    /// The one that decides, if the pod says so.
    pub(super) primary: Option<String>,
}

/// The pod of a manifest, without anything that has been sent.
pub(super) fn made(
    manifest: &Manifest,
    view: &PodView<'_>,
    pod_json: &str,
    config: &Config,
    namespace: &str,
    account: Option<&str>,
) -> Result<Made, Fault> {
    let no_map = |what: &str| Fault::new(format!("`{}`: the pod's `{what}` is not a map", manifest.origin));
    let mut pod: Value = serde_json::from_str(pod_json).map_err(|_| no_map("manifest"))?;
    let object = pod.as_object_mut().ok_or_else(|| no_map("manifest"))?;
    object.remove("status");
    object.insert("apiVersion".to_owned(), "v1".into());
    let metadata = map(object, "metadata").ok_or_else(|| no_map("metadata"))?;
    metadata.retain(|member, _| !OF_SERVER.contains(&member.as_str()));
    let name = name_of(metadata);
    metadata.remove("generateName");
    metadata.insert("name".to_owned(), name.clone().into());
    metadata.insert("namespace".to_owned(), namespace.into());
    let labels = map(metadata, "labels").ok_or_else(|| no_map("labels"))?;
    if matches!(manifest.source(), PodSource::Template { .. }) {
        // Or a Service would send it requests, and a ReplicaSet take it for one of its own.
        labels.retain(|label, _| *label == config.label || OF_FLYTE.contains(&label.as_str()));
    }
    labels.insert(OWNER.to_owned(), name.clone().into());
    let spec = map(object, "spec").ok_or_else(|| no_map("spec"))?;
    spec.remove("nodeName");
    let policy = spec.insert("restartPolicy".to_owned(), "Never".into());
    if let Some(policy) = policy.as_ref().and_then(Value::as_str).filter(|policy| *policy != "Never") {
        terminal::note(format!("restartPolicy is `{}`, but containers run once here", policy.escape_debug()));
    }
    if let Some(account) = account
        && spec.get("serviceAccountName").and_then(Value::as_str).unwrap_or_default().is_empty()
    {
        spec.insert("serviceAccountName".to_owned(), account.into());
    }
    let names = |list: &str| {
        let containers = spec.get(list).and_then(Value::as_array);
        let names = containers.into_iter().flatten().filter_map(|one| one.get("name")?.as_str());
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    let (containers, init_containers) = (names("containers"), names("initContainers"));
    let primary = view.metadata.annotations.get("primary_container_name").map(str::to_owned);
    let primary = primary.filter(|name| containers.contains(name));
    let asks = explain::asks_for_secrets(view) && explain::is_labelled(view, config);
    Ok(Made { name, pod, asks, containers, init_containers, primary })
}

/// A map in an object, made where there is none.
fn map<'o>(object: &'o mut Map<String, Value>, member: &str) -> Option<&'o mut Map<String, Value>> {
    let value = object.entry(member).or_insert_with(|| json!({}));
    if value.is_null() {
        *value = json!({});
    }
    value.as_object_mut()
}

/// The manifest's name and five letters more, so that a run is beside whatever else has that name.
fn name_of(metadata: &Map<String, Value>) -> String {
    /// As the API server's own: no vowels, no words.
    const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
    /// With it and its hyphen the name still fits a host's.
    const LONGEST: usize = 57;
    let text = |member: &str| metadata.get(member).and_then(Value::as_str).filter(|text| !text.is_empty());
    let base: String = text("name").or_else(|| text("generateName")).unwrap_or("pod").chars().take(LONGEST).collect();
    // The standard library seeds it from the system's own randomness.
    let mut random = RandomState::new().build_hasher().finish();
    let suffix = (0..5).map(|_| {
        let letter = LETTERS[usize::try_from(random % 27).unwrap_or_default()];
        random /= 27;
        char::from(letter)
    });
    format!("{}-{}", base.trim_end_matches(['-', '.']), suffix.collect::<String>())
}

/// Whether the webhook gave a pod what it asks for, as the guard of the manifests sees it.
pub(super) fn is_served(pod: &str) -> bool {
    let Ok(pod) = PodView::parse(pod) else { return false };
    let marked = pod.metadata.annotations.get(admission::plan::INJECTED_ANNOTATION).is_some();
    let variable = |name: &str| name.starts_with("FLYTE_SECRETS_");
    marked
        || pod
            .all_containers()
            .any(|(_, _, container)| container.env.items().iter().flatten().any(|one| variable(&one.name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_new_each_time_and_fits() {
        let name = |metadata: Value| name_of(metadata.as_object().unwrap());
        let one = name(json!({"name": "task"}));
        assert!(one.starts_with("task-") && one.len() == 10 && one != name(json!({"name": "task"})));
        assert!(name(json!({"generateName": "job-"})).starts_with("job-") && name(json!({})).starts_with("pod-"));
        let long = name(json!({"name": format!("{}.-x", "a".repeat(55))}));
        assert!(long.len() <= 63 && long.starts_with(&format!("{}-", "a".repeat(55))), "{long}");
    }

    #[test]
    fn a_served_pod_is_told_from_one_that_was_not() {
        let pod =
            |env: &str| format!(r#"{{"spec": {{"containers": [{{"name": "main", "env": [{{"name": "{env}"}}]}}]}}}}"#);
        assert!(is_served(&pod("FLYTE_SECRETS_ENV_PREFIX")) && !is_served(&pod("OTHER")));
        assert!(is_served(r#"{"metadata": {"annotations": {"keybearer.dev/injected": "x"}}, "spec": {}}"#));
    }
}

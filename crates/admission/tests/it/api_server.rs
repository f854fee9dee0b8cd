//! Whether Kubernetes' API server would take a pod: its rules for what admission writes, from 1.32 on (1.31 is stricter
//! about the names of environment variables).
//!
//! Written from `ValidatePodCreate` and what it calls in Kubernetes' `pkg/apis/core/validation`, independently of our own
//! checks, so that each can be held against the other. Not here: rules about fields that admission never touches.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

/// One reason for which a pod is refused. Neither holds an index: a pod and its patched self can be compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    pub(crate) rule: Rule,
    pub(crate) what: String,
}

/// The rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rule {
    AnnotationName,
    AnnotationSize,
    Containers,
    ContainerName,
    ContainerImage,
    EphemeralContainer,
    EnvName,
    EnvSource,
    RefName,
    RefKey,
    VolumeName,
    DuplicateVolume,
    VolumeSource,
    SourceName,
    SourceMode,
    ItemKey,
    ItemPath,
    DuplicateItem,
    MountName,
    MountOfNothing,
    MountPath,
    DuplicateMountPath,
    SubPath,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.rule, self.what)
    }
}

/// The first reason for which the API server refuses a pod, if there is one.
pub(crate) fn api_server_would_refuse(pod: &Value) -> Option<String> {
    violations(pod).first().map(ToString::to_string)
}

/// Every reason for which the API server refuses `after` but not `before`.
pub(crate) fn new_violations(before: &Value, after: &Value) -> BTreeSet<Violation> {
    violations(after).difference(&violations(before)).cloned().collect()
}

/// Every reason for which the API server refuses a pod.
pub(crate) fn violations(pod: &Value) -> BTreeSet<Violation> {
    let mut found = Found::default();
    found.annotations(&pod["metadata"]["annotations"]);
    let spec = &pod["spec"];
    let volumes = found.volumes(list(spec, "volumes"));
    if list(spec, "containers").is_empty() {
        found.add(Rule::Containers, "spec.containers is required");
    }
    if !list(spec, "ephemeralContainers").is_empty() {
        found.add(Rule::EphemeralContainer, "can't be set on create");
    }
    let mut names = BTreeSet::new();
    for container in ["containers", "initContainers"].iter().flat_map(|kind| list(spec, kind)) {
        found.container(container, &mut names, &volumes);
    }
    found.0
}

#[derive(Default)]
struct Found(BTreeSet<Violation>);

impl Found {
    fn add(&mut self, rule: Rule, what: impl Into<String>) {
        self.0.insert(Violation { rule, what: what.into() });
    }

    fn annotations(&mut self, annotations: &Value) {
        let Some(all) = annotations.as_object() else { return };
        for name in all.keys().filter(|name| !is_qualified_name(&name.to_lowercase())) {
            self.add(Rule::AnnotationName, format!("`{name}`"));
        }
        let size: usize = all.iter().map(|(name, value)| name.len() + value.as_str().map_or(0, str::len)).sum();
        if size > 256 * 1024 {
            self.add(Rule::AnnotationSize, "the annotations together are over 256 KiB");
        }
    }

    /// The names of the volumes that can be mounted: those without a fault.
    fn volumes<'a>(&mut self, volumes: &'a [Value]) -> BTreeSet<&'a str> {
        let mut names = BTreeSet::new();
        for volume in volumes {
            let name = text(volume, "name");
            let before = self.0.len();
            if !is_label(name) {
                self.add(Rule::VolumeName, format!("`{name}`"));
            }
            if names.contains(name) {
                self.add(Rule::DuplicateVolume, format!("`{name}`"));
            }
            let at = format!("volume `{name}`");
            let fields = volume.as_object().into_iter().flatten();
            let sources: Vec<_> = fields.filter(|(field, source)| *field != "name" && !source.is_null()).collect();
            // None is fine: it becomes an emptyDir by default.
            if sources.len() > 1 {
                self.add(Rule::VolumeSource, format!("{at} is of several kinds"));
            }
            let mut paths = BTreeSet::new();
            for (kind, source) in sources {
                match kind.as_str() {
                    "secret" => self.source(&at, text(source, "secretName"), source, None),
                    "configMap" => self.source(&at, text(source, "name"), source, None),
                    "projected" => self.projected(&at, source, &mut paths),
                    _ => {}
                }
            }
            if self.0.len() == before {
                names.insert(name);
            }
        }
        names
    }

    fn projected<'a>(&mut self, at: &str, projected: &'a Value, paths: &mut BTreeSet<&'a str>) {
        self.mode(at, projected, "defaultMode");
        for source in list(projected, "sources") {
            if source.as_object().is_some_and(|kinds| kinds.values().filter(|kind| !kind.is_null()).count() > 1) {
                self.add(Rule::VolumeSource, format!("{at}: a source is of several kinds"));
            }
            for kind in ["secret", "configMap"] {
                if let Some(source) = source.get(kind).filter(|source| !source.is_null()) {
                    self.source(at, text(source, "name"), source, Some(&mut *paths));
                }
            }
        }
    }

    /// A secret or a config map as files. The name is not held to any form here; only the kubelet finds it wanting.
    fn source<'a>(&mut self, at: &str, name: &str, source: &'a Value, mut paths: Option<&mut BTreeSet<&'a str>>) {
        if name.is_empty() {
            self.add(Rule::SourceName, format!("{at}: empty"));
        }
        self.mode(at, source, "defaultMode");
        for item in list(source, "items") {
            let path = text(item, "path");
            if text(item, "key").is_empty() {
                self.add(Rule::ItemKey, format!("{at}: empty"));
            }
            if path.is_empty()
                || path.starts_with('/')
                || path.starts_with("..")
                || path.split('/').any(|part| part == "..")
            {
                self.add(Rule::ItemPath, format!("{at}: `{path}`"));
            }
            self.mode(at, item, "mode");
            // Two items on one path are only noticed in a projected volume.
            if paths.as_mut().is_some_and(|paths| !paths.insert(path)) {
                self.add(Rule::DuplicateItem, format!("{at}: `{path}`"));
            }
        }
    }

    fn mode(&mut self, at: &str, holder: &Value, field: &str) {
        if holder[field].as_i64().is_some_and(|mode| !(0..=0o777).contains(&mode)) {
            self.add(Rule::SourceMode, format!("{at}: {}", holder[field]));
        }
    }

    fn container<'a>(&mut self, container: &'a Value, names: &mut BTreeSet<&'a str>, volumes: &BTreeSet<&str>) {
        let name = text(container, "name");
        let at = format!("container `{name}`");
        if !is_label(name) || !names.insert(name) {
            self.add(Rule::ContainerName, format!("`{name}` is no name or there twice"));
        }
        if text(container, "image").is_empty() {
            self.add(Rule::ContainerImage, format!("{at}: empty"));
        }
        for var in list(container, "env") {
            self.env(&at, var);
        }
        let devices = list(container, "volumeDevices");
        let mut paths = BTreeSet::new();
        for mount in list(container, "volumeMounts") {
            let (volume, path) = (text(mount, "name"), text(mount, "mountPath"));
            if volume.is_empty() || devices.iter().any(|device| text(device, "name") == volume) {
                self.add(Rule::MountName, format!("{at}: `{volume}` is empty or a device too"));
            }
            if !volumes.contains(volume) {
                self.add(Rule::MountOfNothing, format!("{at}: `{volume}`"));
            }
            // A path may hold `..` and anything else; it must only be there, and be another one than the others.
            if path.is_empty() || devices.iter().any(|device| text(device, "devicePath") == path) {
                self.add(Rule::MountPath, format!("{at}: `{path}` is empty or a device's too"));
            }
            if !paths.insert(path) {
                self.add(Rule::DuplicateMountPath, format!("{at}: `{path}`"));
            }
            let sub = [text(mount, "subPath"), text(mount, "subPathExpr")];
            if sub.iter().any(|sub| sub.starts_with('/') || sub.split('/').any(|part| part == "..")) {
                self.add(Rule::SubPath, format!("{at}: `{}{}`", sub[0], sub[1]));
            }
        }
    }

    fn env(&mut self, at: &str, var: &Value) {
        let name = text(var, "name");
        if name.is_empty() || !name.bytes().all(|b| (b' '..=b'~').contains(&b) && b != b'=') {
            self.add(Rule::EnvName, format!("{at}: `{name}`"));
        }
        let Some(from) = var.get("valueFrom").and_then(Value::as_object) else { return };
        let sources = from.values().filter(|source| !source.is_null()).count();
        if sources != 1 || !text(var, "value").is_empty() {
            self.add(Rule::EnvSource, format!("{at}: `{name}` has {sources} sources besides its value"));
        }
        for kind in ["secretKeyRef", "configMapKeyRef"] {
            let Some(reference) = from.get(kind).filter(|reference| !reference.is_null()) else { continue };
            if !is_subdomain(text(reference, "name")) {
                self.add(Rule::RefName, format!("{at}: `{name}` refers to `{}`", text(reference, "name")));
            }
            if !is_config_key(text(reference, "key")) {
                self.add(Rule::RefKey, format!("{at}: `{name}` refers to key `{}`", text(reference, "key")));
            }
        }
    }
}

/// The items of a list; none where there is none.
pub(crate) fn list<'a>(holder: &'a Value, field: &str) -> &'a [Value] {
    holder[field].as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(holder: &'a Value, field: &str) -> &'a str {
    holder[field].as_str().unwrap_or_default()
}

/// An RFC 1123 label: at most 63 of `a-z0-9-`, `-` neither first nor last.
pub(crate) fn is_label(name: &str) -> bool {
    name.len() <= 63 && is_subdomain(name) && !name.contains('.')
}

/// An RFC 1123 subdomain: at most 253, labels of any length with dots between.
pub(crate) fn is_subdomain(name: &str) -> bool {
    let part = |part: &str| {
        part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !part.is_empty()
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(part)
}

/// A key of a config map or a secret.
fn is_config_key(key: &str) -> bool {
    (1..=253).contains(&key.len())
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
        && key != "."
        && !key.starts_with("..")
}

/// A name with an optional subdomain and a slash before it.
fn is_qualified_name(name: &str) -> bool {
    let (prefix, name) = name.split_once('/').map_or((None, name), |(prefix, name)| (Some(prefix), name));
    let ends = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    prefix.is_none_or(is_subdomain)
        && name.len() <= 63
        && ends(name.as_bytes().first())
        && ends(name.as_bytes().last())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod() -> Value {
        json!({"metadata": {"annotations": {"flyte.secrets/s0": "x"}}, "spec": {
            "volumes": [{"name": "v", "secret": {"secretName": "ANY thing", "items": [{"key": "k", "path": "p/..q"}]}}, {"name": "w"}],
            "containers": [{"name": "c", "image": "i", "env": [{"name": "A b", "valueFrom": {"secretKeyRef": {"name": "s.t", "key": "K_.1"}}}],
                "volumeMounts": [{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/a/../b"}]}]}})
    }

    #[test]
    fn a_pod_that_runs_is_taken() {
        assert_eq!(api_server_would_refuse(&pod()), None);
    }

    #[test]
    fn every_rule_finds_what_it_is_for() {
        let env = "/spec/containers/0/env/0";
        let mount = "/spec/containers/0/volumeMounts/1";
        let volume = "/spec/volumes/0";
        let long = "v".repeat(64);
        for (at, value, rule) in [
            ("/metadata/annotations", json!({"flyte.secrets/s0 ": "x"}), Rule::AnnotationName),
            ("/metadata/annotations", json!({"flyte.secrets/s0": "x".repeat(262_144)}), Rule::AnnotationSize),
            ("/spec/containers", json!([]), Rule::Containers),
            ("/spec/containers/0/name", json!("c_1"), Rule::ContainerName),
            ("/spec/containers/0/image", json!(""), Rule::ContainerImage),
            (env, json!({"name": "A=B"}), Rule::EnvName),
            (env, json!({"name": "é"}), Rule::EnvName),
            (env, json!({"name": ""}), Rule::EnvName),
            (
                env,
                json!({"name": "A", "value": "x", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}),
                Rule::EnvSource,
            ),
            (env, json!({"name": "A", "valueFrom": {}}), Rule::EnvSource),
            (
                env,
                json!({"name": "A", "valueFrom": {"secretKeyRef": {"name": "my_secret", "key": "k"}}}),
                Rule::RefName,
            ),
            (env, json!({"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "..k"}}}), Rule::RefKey),
            (env, json!({"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "a/b"}}}), Rule::RefKey),
            ("/spec/volumes/1/name", json!("v"), Rule::DuplicateVolume),
            ("/spec/volumes/1/name", json!(long), Rule::VolumeName),
            ("/spec/volumes/1", json!({"name": "w", "emptyDir": {}, "configMap": {"name": "c"}}), Rule::VolumeSource),
            (volume, json!({"name": "v", "secret": {}}), Rule::SourceName),
            (volume, json!({"name": "v", "secret": {"secretName": "s", "defaultMode": 512}}), Rule::SourceMode),
            (volume, json!({"name": "v", "secret": {"secretName": "s", "items": [{"path": "p"}]}}), Rule::ItemKey),
            (
                volume,
                json!({"name": "v", "secret": {"secretName": "s", "items": [{"key": "k", "path": "..p"}]}}),
                Rule::ItemPath,
            ),
            (
                volume,
                json!({"name": "v", "secret": {"secretName": "s", "items": [{"key": "k", "path": "p/.."}]}}),
                Rule::ItemPath,
            ),
            (
                volume,
                json!({"name": "v", "projected": {"sources": [{"secret": {"name": "s", "items": [{"key": "k", "path": "p"}, {"key": "l", "path": "p"}]}}]}}),
                Rule::DuplicateItem,
            ),
            (mount, json!({"mountPath": "/b"}), Rule::MountName),
            (mount, json!({"name": "x", "mountPath": "/b"}), Rule::MountOfNothing),
            (mount, json!({"name": "v", "mountPath": ""}), Rule::MountPath),
            (mount, json!({"name": "v", "mountPath": "/a"}), Rule::DuplicateMountPath),
            (mount, json!({"name": "v", "mountPath": "/b", "subPath": "../x"}), Rule::SubPath),
        ] {
            let mut pod = pod();
            *pod.pointer_mut(at).unwrap() = value.clone();
            let found = violations(&pod);
            assert!(found.iter().any(|violation| violation.rule == rule), "{rule:?} for {value}: {found:?}");
        }
        let mut pod = pod();
        pod["spec"]["ephemeralContainers"] = json!([{"name": "debug", "image": "i"}]);
        assert_eq!(violations(&pod).first().unwrap().rule, Rule::EphemeralContainer);
    }
}

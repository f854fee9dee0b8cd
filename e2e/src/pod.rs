//! Pods that ask for secrets and say what they got.

use crate::annotation::Asked;
use serde_json::{Map, Value, json};

/// The image of all containers that need no more than a shell.
pub(crate) const IMAGE: &str = "registry.local/busybox:1";
/// The label of those who ask.
pub(crate) const LABEL: &str = "inject-flyte-secrets";

/// A pod's template on its way to become a pod, or a part of something that makes pods.
#[derive(Debug, Clone)]
pub(crate) struct Pod {
    annotations: Map<String, Value>,
    labels: Map<String, Value>,
    spec: Value,
}

impl Pod {
    /// One container that runs a command and ends.
    pub(crate) fn runs<const N: usize>(command: [&str; N]) -> Self {
        let spec = json!({
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "containers": [container("main", &command)],
        });
        Self { annotations: Map::new(), labels: Map::new(), spec }
    }

    /// One container that prints its environment.
    pub(crate) fn prints_env() -> Self {
        Self::runs(["env"])
    }

    /// One container with a script of the shell.
    pub(crate) fn script(script: &str) -> Self {
        Self::runs(["sh", "-c", script])
    }

    /// Asks in the readable spelling.
    pub(crate) fn asks(mut self, list: &str) -> Self {
        self.labels.insert(LABEL.into(), "true".into());
        self.annotations.insert("keybearer.dev/secrets".into(), list.into());
        self
    }

    /// Asks in Flyte's spelling.
    pub(crate) fn asks_as_flyte(mut self, secrets: &[Asked<'_>]) -> Self {
        self.labels.insert(LABEL.into(), "true".into());
        for (index, secret) in secrets.iter().enumerate() {
            self.annotations.insert(format!("flyte.secrets/s{index}"), secret.encoded().into());
        }
        self
    }

    /// Has one more label.
    pub(crate) fn label(mut self, name: &str, value: &str) -> Self {
        self.labels.insert(name.into(), value.into());
        self
    }

    /// Has an annotation as it is.
    pub(crate) fn annotation(mut self, name: &str, value: &str) -> Self {
        self.annotations.insert(name.into(), value.into());
        self
    }

    /// Changes the spec.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Value)) -> Self {
        change(&mut self.spec);
        self
    }

    /// As the template of a Job or the like.
    pub(crate) fn template(&self) -> Value {
        json!({"metadata": {"labels": self.labels, "annotations": self.annotations}, "spec": self.spec})
    }

    /// As a pod of its own.
    pub(crate) fn named(&self, namespace: &str, name: &str) -> Value {
        let mut pod = self.template();
        pod["apiVersion"] = "v1".into();
        pod["kind"] = "Pod".into();
        pod["metadata"]["name"] = name.into();
        pod["metadata"]["namespace"] = namespace.into();
        pod
    }
}

/// A container with the shell's image.
pub(crate) fn container(name: &str, command: &[&str]) -> Value {
    json!({"name": name, "image": IMAGE, "imagePullPolicy": "Never", "command": command})
}

/// The variables of a container, by name.
pub(crate) fn variables(container: &Value) -> Vec<&str> {
    let list = container["env"].as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(|variable| variable["name"].as_str()).collect()
}

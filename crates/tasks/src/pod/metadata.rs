//! A pod's labels and annotations: its author's, the execution's, and those that ask for secrets.

use std::collections::BTreeMap;

use secret::Spelling;
use serde_json::{Value, json};

use super::PodError;
use crate::execution::sanitized;
use crate::{Execution, Task};

/// Tells Flyte which container's end is the task's.
const PRIMARY: &str = "primary_container_name";
/// What Flyte's default configuration puts on every pod.
const DEFAULT: (&str, &str) = ("cluster-autoscaler.kubernetes.io/safe-to-evict", "false");

pub(super) struct Metadata {
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

impl Task {
    /// In Flyte's order, of which the last wins: defaults, the pod's own, the task's, the execution's with the secrets.
    pub(super) fn metadata(
        &self,
        pod_labels: BTreeMap<String, String>,
        pod_annotations: BTreeMap<String, String>,
        marked: Option<&str>,
        execution: &Execution,
    ) -> Result<Metadata, PodError> {
        let of_task =
            self.template.metadata.as_ref().and_then(|metadata| metadata.metadata.clone()).unwrap_or_default();
        let secrets = self.secrets();
        let asks = secret::write(&secrets, Spelling::Flyte)
            .map_err(|cause| PodError::Secrets { task: self.name().to_owned(), cause })?;

        let mut annotations = BTreeMap::from([(DEFAULT.0.to_owned(), DEFAULT.1.to_owned())]);
        annotations.extend(pod_annotations);
        if let Some(primary) = marked {
            annotations.insert(PRIMARY.to_owned(), primary.to_owned());
        }
        annotations.extend(of_task.annotations);
        annotations.extend(execution.annotations.clone());
        annotations.extend(asks);

        let mut labels = pod_labels;
        labels.extend(of_task.labels);
        labels.extend(self.told(execution));
        labels.extend(execution.labels.clone());
        if !secrets.is_empty() {
            labels.insert(secret::LABEL.0.to_owned(), secret::LABEL.1.to_owned());
        }
        Ok(Metadata { labels, annotations })
    }

    /// The labels by which Flyte knows its pods again. Its scheduler's shard is not among them.
    fn told(&self, execution: &Execution) -> impl Iterator<Item = (String, String)> {
        let interruptible = self.template.metadata.as_ref().and_then(|metadata| metadata.interruptible_value);
        let interruptible =
            interruptible.is_some_and(|crate::proto::core::task_metadata::InterruptibleValue::Interruptible(is)| is);
        let told = [
            ("domain", execution.domain.clone()),
            ("execution-id", execution.name.clone()),
            ("interruptible", interruptible.to_string()),
            ("node-id", sanitized(&execution.node)),
            ("project", execution.project.clone()),
            ("task-name", sanitized(self.name())),
            ("workflow-name", sanitized(&format!(".flytegen.{}", self.name()))),
        ];
        told.into_iter().map(|(name, value)| (name.to_owned(), value))
    }
}

impl Metadata {
    pub(super) fn into_json(self, execution: &Execution) -> Value {
        json!({
            "name": execution.pod_name(),
            "namespace": execution.namespace,
            "labels": self.labels,
            "annotations": self.annotations,
        })
    }
}

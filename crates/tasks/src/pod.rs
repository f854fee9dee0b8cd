//! From a task to the pod that Flyte's pod plugin makes of it.

mod container;
mod metadata;
mod raw;
mod resources;

use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::proto::core::{DataLoadingConfig, task_template};
use crate::template::Values;
use crate::{Execution, Inputs, Locations, Task, TemplateError};

pub(crate) use container::{is_fast, strings};
pub(crate) use raw::SIDECAR;

/// The kind of a container that knows nothing of Flyte.
const RAW: &str = "raw-container";

/// A pod, and what of Flyte's is not in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// The pod, in JSON.
    pub pod: Value,
    /// The container that is the task.
    pub primary: String,
    /// What to know about it.
    pub notes: Vec<Note>,
}

/// What a pod made here lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// Flyte adds containers that write the inputs to one folder and take the outputs from another. These do not.
    Copilot {
        /// Where the task looks for its inputs.
        input: String,
        /// Where it leaves its outputs.
        output: String,
    },
    /// The task names a pod template of the cluster. It was not applied.
    PodTemplate {
        /// Its name.
        name: String,
    },
}

impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Copilot { input, output } => write!(
                f,
                "Flyte's helpers are left out that put inputs into `{}` and take outputs from `{}`",
                input.escape_debug(),
                output.escape_debug()
            ),
            Self::PodTemplate { name } => {
                write!(f, "pod template `{}` of the cluster is left out", name.escape_debug())
            }
        }
    }
}

/// Why no pod can be made of a task.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PodError {
    /// Its kind becomes something else in Flyte.
    #[error("task `{task}` is of kind `{kind}`, which is no pod")]
    Kind {
        /// The task.
        task: String,
        /// Its kind.
        kind: String,
    },
    /// Its pod can't be read.
    #[error("the pod of task `{task}` {what}")]
    Spec {
        /// The task.
        task: String,
        /// What is wrong.
        what: String,
    },
    /// A command or argument can't be filled in.
    #[error("container `{container}` of task `{task}`: {cause}")]
    Template {
        /// The task.
        task: String,
        /// The container.
        container: String,
        /// What is wrong.
        cause: TemplateError,
    },
    /// An amount of a resource is no number that Kubernetes takes.
    #[error("container `{container}` of task `{task}` asks for {resource} `{amount}`, which is no quantity")]
    Quantity {
        /// The task.
        task: String,
        /// The container.
        container: String,
        /// The resource.
        resource: String,
        /// The amount.
        amount: String,
    },
    /// The secrets that it asks for can't be written.
    #[error("the secrets of task `{task}`: {cause}")]
    Secrets {
        /// The task.
        task: String,
        /// What is wrong.
        cause: secret::WriteError,
    },
}

impl PodError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Kind { .. } => Some("only container tasks and pod tasks become pods".to_owned()),
            Self::Template { cause, .. } => cause.hint(),
            Self::Spec { .. } => Some("Flyte refuses it as well: look at the task's pod template".to_owned()),
            Self::Quantity { .. } => Some("write it as 500m, 2 or 1Gi".to_owned()),
            Self::Secrets { .. } => None,
        }
    }
}

impl Task {
    /// The pod that Flyte's pod plugin makes of it, with Flyte's default configuration: its containers with their
    /// commands filled in and told about the execution, and on the pod the label and the annotations that ask for the
    /// task's secrets.
    ///
    /// # Errors
    /// [`PodError`] when it becomes no pod in Flyte, and when Flyte would fail to make it.
    pub fn pod(&self, execution: &Execution, locations: &Locations, inputs: &Inputs) -> Result<Made, PodError> {
        self.made(execution, Some(&Values { execution, locations, inputs: inputs.map() }))
    }

    /// The same without inputs and locations: its commands are left as the package has them.
    ///
    /// # Errors
    /// As [`Task::pod`], but for what concerns commands.
    pub fn outline(&self, execution: &Execution) -> Result<Made, PodError> {
        self.made(execution, None)
    }

    fn made(&self, execution: &Execution, values: Option<&Values<'_>>) -> Result<Made, PodError> {
        let mut raw = self.raw_pod(execution)?;
        for (list, role) in [("initContainers", None), ("containers", Some(raw.primary.as_str()))] {
            let Some(containers) = raw.spec.get_mut(list).and_then(Value::as_array_mut) else { continue };
            for container in containers {
                let Some(container) = container.as_object_mut() else {
                    return Err(self.spec_error(format!("has something else than a container in `{list}`")));
                };
                self.customize(container, execution, values, role)?;
            }
        }
        let containers = raw.spec.get("containers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let names: Vec<_> = containers.iter().filter_map(|container| container["name"].as_str()).collect();
        if !names.contains(&raw.primary.as_str()) {
            let (primary, names) = (&raw.primary, names.join(", "));
            return Err(
                self.spec_error(format!("has no container `{primary}`, which is to be the task; it has {names}"))
            );
        }
        // Flyte then sees the task end although other containers run on. Those of a raw container must.
        let marked = self.kind() == SIDECAR || (containers.len() == 1 && self.kind() != RAW);
        let marked = marked.then_some(raw.primary.as_str());
        let metadata = self.metadata(raw.labels, raw.annotations, marked, execution)?;
        self.complete(&mut raw.spec, &raw.primary, execution)?;
        let pod =
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata.into_json(execution), "spec": raw.spec});
        Ok(Made { pod, primary: raw.primary, notes: self.notes() })
    }

    /// What Flyte sets on every pod, where the task leaves it open.
    fn complete(&self, spec: &mut Map<String, Value>, primary: &str, execution: &Execution) -> Result<(), PodError> {
        let empty = |value: Option<&Value>| value.and_then(Value::as_str).is_none_or(str::is_empty);
        if empty(spec.get("restartPolicy")) {
            spec.insert("restartPolicy".to_owned(), json!("Never"));
        }
        if let (true, Some(account)) = (empty(spec.get("serviceAccountName")), &execution.service_account) {
            spec.insert("serviceAccountName".to_owned(), json!(account));
        }
        let memory = self.template.extended_resources.as_ref().and_then(|extended| extended.shared_memory.as_ref());
        let Some(memory) = memory else { return Ok(()) };
        if memory.mount_name.is_empty() || memory.mount_path.is_empty() {
            return Err(self.spec_error("has shared memory without a name or a path".to_owned()));
        }
        // Without a limit, Flyte writes one of 0, which for Kubernetes is none.
        let limit = if memory.size_limit.is_empty() { "0" } else { &memory.size_limit };
        let volume = json!({"name": memory.mount_name, "emptyDir": {"medium": "Memory", "sizeLimit": limit}});
        let mount = json!({"name": memory.mount_name, "mountPath": memory.mount_path});
        let containers = spec.get_mut("containers").and_then(Value::as_array_mut).into_iter().flatten();
        for container in containers.filter(|container| container["name"] == primary) {
            push(container, "volumeMounts", mount.clone());
        }
        match spec.entry("volumes").or_insert_with(|| json!([])) {
            Value::Array(volumes) => volumes.push(volume),
            other => *other = json!([volume]),
        }
        Ok(())
    }

    fn notes(&self) -> Vec<Note> {
        let data: Option<&DataLoadingConfig> = match &self.template.target {
            Some(task_template::Target::Container(container)) => container.data_config.as_ref(),
            Some(task_template::Target::K8sPod(pod)) => pod.data_config.as_ref(),
            _ => None,
        };
        let copilot = data.filter(|data| data.enabled);
        let copilot =
            copilot.map(|data| Note::Copilot { input: data.input_path.clone(), output: data.output_path.clone() });
        let template = self.template.metadata.as_ref().map(|metadata| metadata.pod_template_name.clone());
        let template = template.filter(|name| !name.is_empty()).map(|name| Note::PodTemplate { name });
        copilot.into_iter().chain(template).collect()
    }

    fn spec_error(&self, what: String) -> PodError {
        PodError::Spec { task: self.name().to_owned(), what }
    }
}

/// Adds to a list of a container, which need not be there yet.
fn push(container: &mut Value, list: &str, item: Value) {
    match &mut container[list] {
        Value::Array(items) => items.push(item),
        other => *other = json!([item]),
    }
}

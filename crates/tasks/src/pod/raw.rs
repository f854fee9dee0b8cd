//! The pod as the task's author has it, before Flyte adds to it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{PodError, resources};
use crate::proto::core::{Container, K8sObjectMetadata, task_template};
use crate::structs::to_json;
use crate::{Execution, Task};

/// The kind of a pod task.
pub(crate) const SIDECAR: &str = "sidecar";
/// Where a pod task names the container that is the task.
const PRIMARY: &str = "primary_container_name";
/// What Flyte gives to operators, although some of these have a container in their message.
const NO_PODS: [&str; 8] = ["spark", "pytorch", "tensorflow", "mpi", "ray", "dask", "container_array", "aws-batch"];

pub(super) struct RawPod {
    pub(super) spec: Map<String, Value>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) primary: String,
}

impl Task {
    pub(super) fn raw_pod(&self, execution: &Execution) -> Result<RawPod, PodError> {
        let kind = || PodError::Kind { task: self.name().to_owned(), kind: self.kind().to_owned() };
        if NO_PODS.contains(&self.kind()) {
            return Err(kind());
        }
        if self.kind() == SIDECAR && self.template.task_type_version < 2 {
            return self.old_pod();
        }
        match &self.template.target {
            Some(task_template::Target::Container(container)) => self.of_container(container, execution),
            Some(task_template::Target::K8sPod(pod)) => {
                let Some(spec) = &pod.pod_spec else { return Err(self.spec_error("has no spec".to_owned())) };
                let primary = self.template.config.get(PRIMARY).cloned();
                let primary =
                    primary.or_else(|| Some(pod.primary_container_name.clone()).filter(|name| !name.is_empty()));
                self.of_spec(to_json(spec), primary, pod.metadata.clone().unwrap_or_default())
            }
            Some(task_template::Target::Sql(_)) | None => Err(kind()),
        }
    }

    fn of_container(&self, container: &Container, execution: &Execution) -> Result<RawPod, PodError> {
        let name = execution.pod_name();
        let env: Vec<_> = container.env.iter().map(|pair| json!({"name": pair.key, "value": pair.value})).collect();
        let resources = resources::of_message(container.resources.as_ref()).map_err(|(resource, amount)| {
            PodError::Quantity { task: self.name().to_owned(), container: name.clone(), resource, amount }
        })?;
        let made = json!({
            "name": name,
            "image": container.image,
            "command": container.command,
            "args": container.args,
            "env": env,
            "resources": resources,
            "terminationMessagePolicy": "FallbackToLogsOnError",
        });
        let spec = Map::from_iter([("containers".to_owned(), json!([made]))]);
        Ok(RawPod { spec, labels: BTreeMap::new(), annotations: BTreeMap::new(), primary: name })
    }

    fn of_spec(&self, spec: Value, primary: Option<String>, metadata: K8sObjectMetadata) -> Result<RawPod, PodError> {
        let Value::Object(spec) = spec else { return Err(self.spec_error("has no spec".to_owned())) };
        let Some(primary) = primary else {
            return Err(self.spec_error(format!("doesn't say which container is the task (`{PRIMARY}` in its config)")));
        };
        Ok(RawPod { spec, labels: metadata.labels, annotations: metadata.annotations, primary })
    }

    /// Pod tasks of older versions: in version 0 a whole job in `custom`, in version 1 the spec.
    fn old_pod(&self) -> Result<RawPod, PodError> {
        let Some(custom) = &self.template.custom else { return Err(self.spec_error("is not there".to_owned())) };
        let mut custom = to_json(custom);
        if self.template.task_type_version == 0 {
            let primary = custom["primaryContainerName"].as_str().map(str::to_owned);
            let metadata =
                K8sObjectMetadata { labels: texts(&custom["labels"]), annotations: texts(&custom["annotations"]) };
            return self.of_spec(custom["podSpec"].take(), primary, metadata);
        }
        let metadata = match &self.template.target {
            Some(task_template::Target::K8sPod(pod)) => pod.metadata.clone(),
            _ => None,
        };
        self.of_spec(custom, self.template.config.get(PRIMARY).cloned(), metadata.unwrap_or_default())
    }
}

fn texts(of: &Value) -> BTreeMap<String, String> {
    let fields = of.as_object().into_iter().flatten();
    fields.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

//! One task.

use prost::Message;
use secret::{Mount, Secret};

use crate::proto::core::{Identifier, TaskTemplate, TypedInterface, VariableMap, task_template};
use crate::types::Parameter;

/// A task as its author packaged it: Flyte's message `flyteidl.core.TaskTemplate`.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    pub(crate) template: TaskTemplate,
}

/// What a task runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// One container.
    Container,
    /// A pod of its author's making (a pod template).
    Pod,
    /// A query, which a service runs.
    Sql,
    /// Nothing of that: a service of Flyte's does it.
    None,
}

impl Task {
    pub(crate) fn new(template: TaskTemplate) -> Self {
        Self { template }
    }

    /// Its name, such as `app.tasks.get_user`.
    pub fn name(&self) -> &str {
        self.id().map_or("", |id| &id.name)
    }

    /// Its version, which `pyflyte package` leaves empty.
    pub fn version(&self) -> &str {
        self.id().map_or("", |id| &id.version)
    }

    /// `project:domain:name:version`, as much of it as there is.
    pub fn full_name(&self) -> String {
        let Some(id) = self.id() else { return String::new() };
        let parts = [&id.project, &id.domain, &id.name, &id.version];
        parts.into_iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join(":")
    }

    /// Which of Flyte's plugins runs it: `python-task`, `raw-container`, `sidecar`, `spark`, …
    pub fn kind(&self) -> &str {
        &self.template.r#type
    }

    /// What it runs in.
    pub fn target(&self) -> Target {
        match &self.template.target {
            Some(task_template::Target::Container(_)) => Target::Container,
            Some(task_template::Target::K8sPod(_)) => Target::Pod,
            Some(task_template::Target::Sql(_)) => Target::Sql,
            // Old pod tasks have their pod elsewhere.
            None if self.kind() == crate::pod::SIDECAR => Target::Pod,
            None => Target::None,
        }
    }

    /// The container's image; that of a pod is in the pod.
    pub fn image(&self) -> Option<&str> {
        match &self.template.target {
            Some(task_template::Target::Container(container)) => Some(&container.image),
            _ => None,
        }
    }

    /// The secrets it asks for, in its order.
    pub fn secrets(&self) -> Vec<Secret> {
        let context = self.template.security_context.as_ref();
        let secrets = context.map(|context| context.secrets.as_slice()).unwrap_or_default();
        secrets
            .iter()
            .map(|secret| Secret {
                group: secret.group.clone(),
                group_version: secret.group_version.clone(),
                key: secret.key.clone(),
                mount: Mount::from_number(secret.mount_requirement),
                env_var: secret.env_var.clone(),
            })
            .collect()
    }

    /// What it takes, by name.
    pub fn parameters(&self) -> Vec<Parameter> {
        parameters(self.interface().and_then(|interface| interface.inputs.as_ref()))
    }

    /// What it gives, by name.
    pub fn results(&self) -> Vec<Parameter> {
        parameters(self.interface().and_then(|interface| interface.outputs.as_ref()))
    }

    /// Whether it was packaged together with its code, which must be unpacked first
    /// ([`Code`](crate::Code)).
    pub fn needs_code(&self) -> bool {
        match &self.template.target {
            Some(task_template::Target::Container(container)) => crate::pod::is_fast(&container.args),
            Some(task_template::Target::K8sPod(pod)) => pod.pod_spec.as_ref().is_some_and(|spec| {
                let spec = crate::structs::to_json(spec);
                let containers = spec["containers"].as_array().cloned().unwrap_or_default();
                containers.iter().any(|container| crate::pod::is_fast(&crate::pod::strings(&container["args"])))
            }),
            _ => false,
        }
    }

    /// The message itself, for [`Locations::task_template`](crate::Locations::task_template). What flyteidl has and
    /// this crate doesn't read is not in it.
    pub fn template(&self) -> Vec<u8> {
        self.template.encode_to_vec()
    }

    pub(crate) fn id(&self) -> Option<&Identifier> {
        self.template.id.as_ref()
    }

    fn interface(&self) -> Option<&TypedInterface> {
        self.template.interface.as_ref()
    }
}

fn parameters(of: Option<&VariableMap>) -> Vec<Parameter> {
    of.map(|of| of.variables.iter().map(|(name, variable)| Parameter::new(name, variable)).collect())
        .unwrap_or_default()
}

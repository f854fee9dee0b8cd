//! What one serialized file is: told by its content, as nothing else can be trusted.

use prost::Message;
use thiserror::Error;

use crate::proto::admin::{LaunchPlan, TaskSpec, WorkflowSpec};
use crate::proto::core::{ResourceType, TaskTemplate};

/// Why bytes are no entity of Flyte's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EntityError {
    /// There are none.
    #[error("it is empty")]
    Empty,
    /// They aren't the messages, or are cut off.
    #[error("it is not a serialized task, workflow or launch plan, or is cut off")]
    Unknown,
    /// A task, of which something can't be read.
    #[error("it is a task, but can't be read: {cause}")]
    Task {
        /// What the decoder says.
        cause: String,
    },
    /// A task without a name.
    #[error("it is a task without a name")]
    Nameless,
}

/// One serialized file.
#[derive(Debug)]
pub(crate) enum Entity {
    Task(Box<TaskTemplate>),
    /// By its name.
    Workflow(String),
    /// By its name.
    LaunchPlan(String),
}

impl Entity {
    /// Of `admin.TaskSpec` (what `pyflyte package` writes), `core.TaskTemplate` (what Flyte hands to a task as
    /// `{{.taskTemplatePath}}`), `admin.WorkflowSpec` or `admin.LaunchPlan`.
    ///
    /// All of them begin with a message in field 1: an identifier, whose own field 1 is a number, or a template, whose
    /// field 1 is an identifier. So whichever decodes with a kind in it is meant.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, EntityError> {
        if bytes.is_empty() {
            return Err(EntityError::Empty);
        }
        // A launch plan's first field is the same as that of a bare template.
        if let Some(id) = LaunchPlan::decode(bytes).ok().and_then(|plan| plan.id) {
            match id.resource_type() {
                ResourceType::Task => return task(TaskTemplate::decode(bytes).map(Some)),
                ResourceType::Workflow => return Ok(Self::Workflow(id.name)),
                ResourceType::LaunchPlan => return Ok(Self::LaunchPlan(id.name)),
                ResourceType::Unspecified | ResourceType::Dataset => {}
            }
        }
        let id = WorkflowSpec::decode(bytes).ok().and_then(|spec| spec.template).and_then(|template| template.id);
        match id {
            Some(id) if id.resource_type() == ResourceType::Task => {
                task(TaskSpec::decode(bytes).map(|spec| spec.template))
            }
            Some(id) if id.resource_type() == ResourceType::Workflow => Ok(Self::Workflow(id.name)),
            _ => Err(EntityError::Unknown),
        }
    }
}

fn task(template: Result<Option<TaskTemplate>, prost::DecodeError>) -> Result<Entity, EntityError> {
    let template = template.map_err(|cause| EntityError::Task { cause: cause.to_string() })?.unwrap_or_default();
    if template.id.as_ref().is_none_or(|id| id.name.is_empty()) {
        return Err(EntityError::Nameless);
    }
    Ok(Entity::Task(Box::new(template)))
}

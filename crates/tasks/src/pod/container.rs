//! What Flyte does to each container of a task's pod.

use serde_json::{Map, Value, json};

use super::{PodError, push, resources};
use crate::template::Values;
use crate::{Code, Execution, Task};

/// What flytekit starts first where the package brings its code along.
const FAST: &str = "pyflyte-fast-execute";
/// Its option for the folder of the code.
const FOLDER: &str = "--dest-dir";

/// Whether a command unpacks code first.
pub(crate) fn is_fast(args: &[String]) -> bool {
    args.first().is_some_and(|program| program == FAST)
}

/// The strings of a list.
pub(crate) fn strings(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(|item| Some(item.as_str()?.to_owned())).collect()
}

impl Task {
    /// Fills in the command, tells about the execution and settles the resources. `primary` is the name of the
    /// container that is the task, or none for init containers.
    pub(super) fn customize(
        &self,
        container: &mut Map<String, Value>,
        execution: &Execution,
        values: Option<&Values<'_>>,
        primary: Option<&str>,
    ) -> Result<(), PodError> {
        let name = container.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        for field in ["command", "args"] {
            let given = strings(container.get(field).unwrap_or(&Value::Null));
            let fill = |text: &String| values.map_or(Ok(text.clone()), |values| values.fill(text));
            let filled: Result<Vec<_>, _> = given.iter().map(fill).collect();
            let mut filled = filled.map_err(|cause| PodError::Template {
                task: self.name().to_owned(),
                container: name.clone(),
                cause,
            })?;
            if let Some(code) = values.and_then(|values| values.locations.code.as_ref()) {
                unpack_here(&mut filled, code);
            }
            if filled.is_empty() {
                container.remove(field);
            } else {
                container.insert(field.to_owned(), json!(filled));
            }
        }
        let mut value = Value::Object(std::mem::take(container));
        for (variable, text) in self.variables(execution) {
            push(&mut value, "env", json!({"name": variable, "value": text}));
        }
        if let Value::Object(with_env) = value {
            *container = with_env;
        }
        let own = primary.is_none_or(|primary| primary == name);
        let settled = resources::settled(container.get("resources"), own).map_err(|(resource, amount)| {
            PodError::Quantity { task: self.name().to_owned(), container: name, resource, amount }
        })?;
        container.insert("resources".to_owned(), settled);
        Ok(())
    }

    /// What Flyte tells every container: flytekit makes its context of these.
    fn variables(&self, of: &Execution) -> Vec<(String, String)> {
        let or =
            |own: Option<&String>, other: &str| own.filter(|own| !own.is_empty()).map_or(other, |own| own).to_owned();
        let id = self.id();
        let project = or(id.map(|id| &id.project), &of.project);
        let domain = or(id.map(|id| &id.domain), &of.domain);
        let version = or(id.map(|id| &id.version), &of.version);
        // The workflow that Flyte makes up around a task that is run by itself.
        let workflow = format!("{project}:{domain}:.flytegen.{}", self.name());
        let told = [
            ("FLYTE_INTERNAL_EXECUTION_WORKFLOW", workflow),
            ("FLYTE_INTERNAL_EXECUTION_ID", of.name.clone()),
            ("FLYTE_INTERNAL_EXECUTION_PROJECT", of.project.clone()),
            ("FLYTE_INTERNAL_EXECUTION_DOMAIN", of.domain.clone()),
            ("FLYTE_ATTEMPT_NUMBER", of.attempt.to_string()),
            ("FLYTE_INTERNAL_TASK_PROJECT", project),
            ("FLYTE_INTERNAL_TASK_DOMAIN", domain),
            ("FLYTE_INTERNAL_TASK_NAME", self.name().to_owned()),
            ("FLYTE_INTERNAL_TASK_VERSION", version),
        ];
        let told = told.into_iter().map(|(name, value)| (name.to_owned(), value));
        told.chain(of.env.clone()).collect()
    }
}

/// Code is unpacked where this run has its place for it, whatever folder the package names.
fn unpack_here(args: &mut [String], code: &Code) {
    if !is_fast(args) {
        return;
    }
    let own = args.iter().position(|arg| arg == "--").unwrap_or(args.len());
    if let Some(option) = args[..own].iter().position(|arg| arg == FOLDER)
        && option + 1 < own
    {
        args[option + 1].clone_from(&code.folder);
    }
}

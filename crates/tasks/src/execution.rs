//! Which run of a task a pod is for, and where its data is.

use std::collections::BTreeMap;

/// One run of a task: what Flyte tells it about itself, in variables and labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// The execution's name, such as `f7a3c0d2`.
    pub name: String,
    /// The project that it runs in.
    pub project: String,
    /// The domain that it runs in.
    pub domain: String,
    /// The node of the workflow.
    pub node: String,
    /// The attempt, from 0.
    pub attempt: u32,
    /// The version of a task whose package has none: `pyflyte package` leaves that to registration.
    pub version: String,
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's service account, unless the task's own pod has one.
    pub service_account: Option<String>,
    /// Variables of the execution. They come after the task's own, so they win.
    pub env: BTreeMap<String, String>,
    /// Labels of the execution. They win over the task's own.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the execution. They win over the task's own.
    pub annotations: BTreeMap<String, String>,
}

/// Execution `local`, node `n0`, in project `local` and domain `development`.
impl Default for Execution {
    fn default() -> Self {
        Self {
            name: "local".to_owned(),
            project: "local".to_owned(),
            domain: "development".to_owned(),
            node: "n0".to_owned(),
            attempt: 0,
            version: "local".to_owned(),
            namespace: "default".to_owned(),
            service_account: None,
            env: BTreeMap::new(),
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
        }
    }
}

impl Execution {
    /// The pod's name: that of the execution, the node and the attempt, as a name that Kubernetes takes.
    pub fn pod_name(&self) -> String {
        let name = sanitized(&format!("{}-{}-{}", self.name, self.node, self.attempt));
        if name.is_empty() { "task".to_owned() } else { name }
    }
}

/// Lower case, and `-` for what a DNS label can't hold: Flyte's `SanitizeLabelValue`.
pub(crate) fn sanitized(name: &str) -> String {
    let mut safe = String::new();
    let mut replaced = false;
    for character in name.to_lowercase().chars() {
        let fine = character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-';
        if fine {
            safe.push(character);
        } else if !replaced {
            safe.push('-');
        }
        replaced = !fine;
    }
    safe.truncate(63);
    safe.trim_matches('-').to_owned()
}

/// Where a run's data is: what Flyte's template variables stand for. Paths of this machine do, and URIs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Locations {
    /// `{{.input}}`: the file with the inputs.
    pub input: String,
    /// `{{.inputPrefix}}`: the folder of that file.
    pub input_prefix: String,
    /// `{{.outputPrefix}}`: where `outputs.pb` or `error.pb` will be.
    pub output_prefix: String,
    /// `{{.rawOutputDataPrefix}}`: where files and tables go that are outputs.
    pub raw_output_prefix: String,
    /// `{{.checkpointOutputPrefix}}`: where this attempt writes its checkpoints.
    pub checkpoint: String,
    /// `{{.prevCheckpointPrefix}}`: where the attempt before wrote them.
    pub previous_checkpoint: Option<String>,
    /// `{{.taskTemplatePath}}`: a file with the task itself ([`Task::template`](crate::Task::template)).
    pub task_template: Option<String>,
    /// The code that the package brings along.
    pub code: Option<Code>,
}

/// Where the code of a package is, and where it is to be unpacked. Flyte writes these into the task when it is
/// registered; here they are known when it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// `{{ .remote_package_path }}`: the file with [`Package::code`](crate::Package::code), under that name: flytekit
    /// goes by its ending.
    pub archive: String,
    /// `{{ .dest_dir }}`, and instead of the folder that the package names: that one is meant for a container of its
    /// own (`/root`, commonly), not for someone's machine.
    pub folder: String,
}

impl Locations {
    /// Everything below one folder, named as Flyte names it.
    pub fn below(folder: &str) -> Self {
        let folder = folder.trim_end_matches('/');
        Self {
            input: format!("{folder}/inputs/inputs.pb"),
            input_prefix: format!("{folder}/inputs"),
            output_prefix: format!("{folder}/outputs"),
            raw_output_prefix: format!("{folder}/raw"),
            checkpoint: format!("{folder}/raw/_flytecheckpoints"),
            previous_checkpoint: None,
            task_template: Some(format!("{folder}/task.pb")),
            code: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_such_that_kubernetes_takes_them() {
        for (name, safe) in [("Wf.My_Task", "wf-my-task"), ("a..b", "a-b"), ("-x-", "x"), ("é", ""), ("", "")] {
            assert_eq!(sanitized(name), safe, "{name}");
        }
        assert_eq!(sanitized(&"x".repeat(99)).len(), 63);
        assert_eq!(Execution::default().pod_name(), "local-n0-0");
    }
}

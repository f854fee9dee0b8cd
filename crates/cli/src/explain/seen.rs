//! What each container will see: read off the pod as it is after the patch, so that it is what the kubelet reads.

use super::Explained;
use admission::plan::{Plan, Request, Source};
use admission::view::ContainerList;
use secret::FILE_ROOT;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// What one container will see of its secrets.
#[derive(Serialize)]
pub(super) struct Seen {
    pub(super) name: String,
    /// The container's list in the pod's spec.
    pub(super) list: &'static str,
    pub(super) gets_secrets: bool,
    /// Whether it is there to fetch a secret for the others.
    #[serde(skip)]
    pub(super) fetches: bool,
    /// Variables as they stand in the pod's spec, values that are secret left out.
    pub(super) env: Vec<Value>,
    pub(super) files: Vec<File>,
}

/// A file, and for a person what is in it.
#[derive(Clone, PartialEq)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) secret: String,
}

impl Serialize for File {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.path)
    }
}

/// What all containers will see, init containers first.
pub(super) fn all(explained: &Explained<'_>, plan: &Plan, patched: &Value) -> Vec<Seen> {
    let files = files(plan);
    let one = |(list, index, container): (ContainerList, usize, &admission::view::ContainerView<'_>)| {
        let name = container.name.to_string();
        let gets_secrets = !plan.is_empty() && plan.gets(list, index);
        let (mut env, mut own_files) = (Vec::new(), Vec::new());
        if gets_secrets {
            env = variables(plan, patched, list, &name);
            own_files.clone_from(&files);
        }
        let fetches = list == ContainerList::Init && plan.pulls.iter().any(|pull| pull.there == Some(index));
        Seen { name, list: list.member(), gets_secrets, fetches, env, files: own_files }
    };
    explained.pod.all_containers().map(one).collect()
}

fn variables(plan: &Plan, patched: &Value, list: ContainerList, container: &str) -> Vec<Value> {
    let named = |value: &Value, name: &str| value.get("name").and_then(Value::as_str) == Some(name);
    let entries = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let containers = entries(patched.pointer(&format!("/spec/{}", list.member())));
    let Some(container) = containers.iter().find(|one| named(one, container)) else { return Vec::new() };
    let ours = |entry: &Value| plan.env.iter().any(|addition| named(entry, addition.name.as_str()));
    entries(container.get("env")).into_iter().filter(ours).collect()
}

/// Each file once, also where several requests are for it.
fn files(plan: &Plan) -> Vec<File> {
    let mut files: Vec<File> = Vec::new();
    for request in &plan.requests {
        for path in &request.files {
            let file = File { path: format!("{FILE_ROOT}/{path}"), secret: origin(request) };
            if !files.contains(&file) {
                files.push(file);
            }
        }
    }
    files
}

/// What stands behind a request.
fn origin(request: &Request) -> String {
    match &request.source {
        Source::Reference { name, key } => format!("key `{key}` of Secret `{name}`"),
        Source::Sealed | Source::Inline => request.secret.to_string(),
        Source::Pulled(pull) => pull.what.escape_debug().to_string(),
        Source::Annotated(annotated) => annotated.what.escape_debug().to_string(),
    }
}

/// What a variable of the pod's spec holds, in words.
pub(super) fn content(variable: &Value) -> String {
    let text = |pointer: &str| variable.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    match variable.get("valueFrom") {
        None if text("/value").is_empty() => "(empty)".to_owned(),
        None => text("/value").escape_debug().to_string(),
        Some(from) if from.get("secretKeyRef").is_some() => {
            let (name, key) = (text("/valueFrom/secretKeyRef/name"), text("/valueFrom/secretKeyRef/key"));
            format!("key `{key}` of Secret `{name}`")
        }
        Some(from) if from.get("fileKeyRef").is_some() => "what the init container has fetched".to_owned(),
        Some(_) => "the pod's own reference".to_owned(),
    }
}

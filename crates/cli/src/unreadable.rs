//! What is wrong with the shape of a pod, in the words of its manifest and without what stands there: it may be a secret.

use crate::fault::Fault;
use admission::{Object, PodView};
use runner::PodError;
use serde_json::Value;

/// Why admission's reader can't read a pod.
pub(crate) fn by_admission(pod_json: &str) -> Fault {
    let mut input = serde_json::Deserializer::from_str(pod_json);
    match serde_path_to_error::deserialize::<_, Object<PodView<'_>>>(&mut input) {
        Ok(_) => Fault::new("the pod can't be read"),
        Err(error) => told(pod_json, &error.path().to_string(), &error.inner().to_string()),
    }
}

/// Why the runner's reader can't read a pod.
pub(crate) fn by_runner(pod_json: &str, error: &PodError) -> Fault {
    match error {
        PodError::Unreadable { field, problem, .. } => told(pod_json, field, problem),
        other => Fault::new(other),
    }
}

fn told(pod_json: &str, path: &str, problem: &str) -> Fault {
    let pod: Value = serde_json::from_str(pod_json).unwrap_or_default();
    // The line is one of the pod's JSON, which nobody but us has seen.
    let problem = problem.split(" at line ").next().unwrap_or_default();
    let Some((_, expected)) = problem.rsplit_once("expected ") else {
        return Fault::new(format!("`{path}` of the pod can't be read: {problem}"));
    };
    let expected = match expected {
        "a string" => "text",
        "a sequence" => "a list",
        "a boolean" => "`true` or `false`",
        _ if expected.starts_with("struct ") || expected == "a map" => "a map",
        _ if expected.starts_with(['i', 'u']) => "a whole number",
        other => other,
    };
    let found = find(&pod, path);
    let fault =
        Fault::new(format!("`{path}` of the pod has to be {expected}, not {}", found.map_or("what it is", kind)));
    match found {
        Some(Value::Bool(value)) if expected == "text" => fault.hint(format!("quote it: \"{value}\"")),
        Some(Value::Number(_)) if expected == "text" => fault.hint("quote it"),
        _ => fault,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "`true` or `false`",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

/// What stands at a path such as `spec.containers[0].env`; names may hold dots of their own.
fn find<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    let path = path.strip_prefix('.').unwrap_or(path);
    if path.is_empty() {
        return Some(value);
    }
    match value {
        Value::Array(items) => {
            let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
            find(items.get(index.parse::<usize>().ok()?)?, rest)
        }
        Value::Object(members) => members.iter().find_map(|(name, member)| {
            let rest = path.strip_prefix(name.as_str())?;
            if rest.is_empty() || rest.starts_with(['.', '[']) { find(member, rest) } else { None }
        }),
        _ => None,
    }
}

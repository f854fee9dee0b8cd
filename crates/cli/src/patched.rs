//! The pod as it is after its patch.

use crate::fault::Fault;
use admission::Patch;
use serde_json::Value;

/// Applies a patch to a pod's JSON.
pub(crate) fn apply(pod_json: &str, patch: &Patch) -> Result<Value, Fault> {
    let fault = |error: &dyn std::fmt::Display| Fault::new(format!("the pod's patch does not apply: {error}"));
    let mut pod: Value = serde_json::from_str(pod_json).map_err(|error| fault(&error))?;
    let patch: json_patch::Patch = serde_json::from_str(&patch.to_json()).map_err(|error| fault(&error))?;
    json_patch::patch(&mut pod, &patch).map_err(|error| fault(&error))?;
    Ok(pod)
}

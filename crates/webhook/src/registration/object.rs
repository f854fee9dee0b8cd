//! The object.

use super::Spec;
use crate::admit::PATH;
use data_encoding::BASE64;
use serde_json::{Value, json};

/// The name of its only entry: Flyte's.
pub const ENTRY: &str = "flyte-pod-webhook.flyte.org";
/// Who applies it (`fieldManager` of KEP-555).
pub(super) const MANAGER: &str = "keybearer";

/// The label that tells whose it is.
pub(super) const LABEL: (&str, &str) = ("app.kubernetes.io/managed-by", MANAGER);

/// How long the API server waits, in seconds. Nothing is asked over a network, so this is long.
const TIMEOUT: u32 = 10;

/// An owner: the cluster role of the install.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) name: String,
    pub(super) uid: String,
}

/// The entry as it has to be, but for the CA.
pub(crate) fn described(spec: &Spec) -> Value {
    object(spec, None, None)["webhooks"][0].take()
}

/// What is applied. Without a `ca` that field is left to whoever has it.
///
/// Everything that may stand there is said, also what is the default: what is left out would stay as somebody else wrote it.
pub(super) fn object(spec: &Spec, ca: Option<&str>, owner: Option<&Owner>) -> Value {
    let mut metadata = json!({
        "name": spec.service,
        "labels": {LABEL.0: LABEL.1},
    });
    if let Some(owner) = owner {
        metadata["ownerReferences"] = json!([{
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "name": owner.name, "uid": owner.uid,
        }]);
    }
    let mut entry = json!({
        "name": ENTRY,
        "clientConfig": {
            "service": {"name": spec.service, "namespace": spec.namespace, "path": PATH, "port": spec.port},
        },
        "rules": [{
            "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"],
            "scope": "Namespaced",
        }],
        "objectSelector": {"matchLabels": {&spec.label: "true"}},
        "namespaceSelector": spec.namespace_selector.clone().unwrap_or_else(|| json!({})),
        // Whoever asked for secrets and can't have them must not run without.
        "failurePolicy": "Fail",
        // A container that another webhook adds after us gets its secrets, too.
        "reinvocationPolicy": "IfNeeded",
        "matchPolicy": "Equivalent",
        "sideEffects": "None",
        "timeoutSeconds": TIMEOUT,
        "admissionReviewVersions": ["v1", "v1beta1"],
    });
    if let Some(ca) = ca {
        entry["clientConfig"]["caBundle"] = Value::String(BASE64.encode(ca.as_bytes()));
    }
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": metadata,
        "webhooks": [entry],
    })
}

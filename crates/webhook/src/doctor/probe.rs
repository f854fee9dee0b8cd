//! A pod that asks for a secret, made as a dry run: does the API server reach the webhook, and what does that say?

use super::Subject;
use super::finding::Finding;
use crate::cluster::ClusterError;
use crate::registration::ENTRY;
use k8s_openapi::api::core::v1::Pod;
use kube::api::PostParams;
use kube::{Api, Client};
use serde_json::json;

const REACHED: &str = "reachability";

/// The secret that the pod asks for. It need not be there: nothing is looked up at admission.
const ASKED: &str = "[{group: keybearer-doctor, key: probe, mount: file}]";

pub(super) async fn look(client: &Client, subject: &Subject) -> Finding {
    let namespace = &subject.probe_namespace;
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    match pods.create(&dry, &pod(&subject.config.label)).await {
        Ok(pod) => admitted(&pod, namespace),
        Err(error) => refused(&error, namespace),
    }
}

/// One that every admission policy of Kubernetes itself lets pass (Pod Security Standards, level `restricted`).
fn pod(label: &str) -> Pod {
    let pod = json!({
        "metadata": {
            "generateName": "keybearer-doctor-",
            "labels": {label: "true"},
            "annotations": {secret::READABLE_ANNOTATION: ASKED},
        },
        "spec": {
            "automountServiceAccountToken": false,
            "securityContext": {"runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{
                "name": "main",
                "image": "keybearer",
                "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}, "limits": {"cpu": "1m", "memory": "1Mi"}},
                "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
            }],
        },
    });
    match serde_json::from_value(pod) {
        Ok(pod) => pod,
        Err(error) => unreachable!("the pod is one: {error}"),
    }
}

fn admitted(pod: &Pod, namespace: &str) -> Finding {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let mut variables = containers.flat_map(|container| container.env.iter().flatten());
    if variables.any(|variable| variable.name == secret::DEFAULT_DIR_ENV) {
        return Finding::ok(
            REACHED,
            format!("a pod that asks for a secret in namespace `{namespace}` gets it (dry run)"),
        );
    }
    Finding::failed(
        REACHED,
        format!("the API server admits a pod that asks in namespace `{namespace}` without calling the webhook"),
    )
    .hint("look at the registration above, and whether its `namespaceSelector` leaves this namespace out")
}

fn refused(error: &kube::Error, namespace: &str) -> Finding {
    if let kube::Error::Api(status) = error {
        let message = status.message.as_str();
        if message.contains(&format!("failed calling webhook \"{ENTRY}\"")) {
            return Finding::failed(REACHED, format!("the API server can't call the webhook: {message}"))
                .hint("look at the findings above; if they are well, at network policies and firewalls between the API server and port 9443 of the pods");
        }
        if message.contains(&format!("admission webhook \"{ENTRY}\" denied")) {
            return Finding::ok(
                REACHED,
                format!(
                    "the webhook answers, and refuses the pod that was tried in namespace `{namespace}`: {message}"
                ),
            );
        }
        if status.code == 404 {
            return Finding::failed(REACHED, format!("there is no namespace `{namespace}` to try a pod in"))
                .hint("name one with --probe-namespace");
        }
        if status.code != 403 || !message.contains(" cannot create ") {
            return Finding::unknown(
                REACHED,
                format!("the pod that was tried in namespace `{namespace}` was refused by somebody else: {message}"),
            )
            .hint("name another namespace with --probe-namespace");
        }
    }
    Finding::not_seen(REACHED, &ClusterError::asked("create", "pods", "", Some(namespace), error))
}

//! The reviews that are sent: a pod as Flyte makes them, of a size and with secrets as asked.

use secret::{Mount, Secret, Spelling};
use serde_json::{Map, Value, json};

/// What kind of pod is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pod {
    /// How many secrets it asks for; one half as variables, the other as files.
    pub(crate) secrets: usize,
    /// How many bytes its review has, at least.
    pub(crate) bytes: usize,
}

/// A pod of the usual size.
pub(crate) const USUAL: Pod = Pod { secrets: 1, bytes: 6_000 };

impl Pod {
    /// Its review, as an API server sends it.
    pub(crate) fn review(self) -> Vec<u8> {
        let short = review(&pod(self.secrets, ""));
        let missing = self.bytes.saturating_sub(short.len());
        review(&pod(self.secrets, &filler(missing)))
    }
}

/// Text of so many bytes of JSON, cut into arguments and paths as those of a task are.
fn filler(bytes: usize) -> String {
    "s3://bucket/metadata/propeller/project-domain-execution/n0/data/inputs.pb ".chars().cycle().take(bytes).collect()
}

fn pod(secrets: usize, filler: &str) -> Value {
    let list: Vec<_> = (0..secrets)
        .map(|i| Secret {
            group: format!("group-{i}"),
            key: "password".to_owned(),
            mount: if i % 2 == 0 { Mount::EnvVar } else { Mount::File },
            ..Secret::default()
        })
        .collect();
    let written = secret::write(&list, Spelling::Flyte).unwrap_or_else(|error| unreachable!("plain names: {error}"));
    let mut annotations: Map<String, Value> = written.into_iter().map(|(name, value)| (name, value.into())).collect();
    annotations.insert("cluster-autoscaler.kubernetes.io/safe-to-evict".into(), "false".into());
    annotations.insert("example.org/filler".into(), filler.into());
    let env: Vec<_> = (0..9)
        .map(|i| json!({"name": format!("FLYTE_INTERNAL_VARIABLE_{i}"), "value": format!("the value of variable {i}")}))
        .collect();
    let container = |name: &str| {
        json!({
            "name": name, "image": "registry.example/project/task:1", "env": env,
            "args": ["pyflyte-execute", "--inputs", "s3://bucket/inputs.pb", "--output-prefix", "s3://bucket/out",
                "--raw-output-data-prefix", "s3://bucket/raw", "--checkpoint-path", "s3://bucket/checkpoints"],
            "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi"}},
            "volumeMounts": [{"name": "token", "readOnly": true,
                "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}],
            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "FallbackToLogsOnError",
            "imagePullPolicy": "IfNotPresent",
        })
    };
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "f-abc-n0-0", "namespace": "project-domain", "annotations": annotations,
            "labels": {"inject-flyte-secrets": "true", "execution-id": "abc", "project": "p", "domain": "d"},
            "ownerReferences": [{"apiVersion": "flyte.lyft.com/v1alpha1", "kind": "flyteworkflow", "name": "abc",
                "uid": "0b9d9a4c-6d0e-4b8a-9c53-3d7c9c0a8f11", "blockOwnerDeletion": true, "controller": true}]},
        "spec": {"containers": [container("main"), container("side")], "restartPolicy": "Never",
            "serviceAccountName": "default", "schedulerName": "default-scheduler", "priority": 0,
            "volumes": [{"name": "token", "projected": {"defaultMode": 420, "sources": [
                {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}}]}}]},
    })
}

fn review(pod: &Value) -> Vec<u8> {
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "requestKind": {"group": "", "version": "v1", "kind": "Pod"},
        "requestResource": {"group": "", "version": "v1", "resource": "pods"},
        "namespace": "project-domain", "operation": "CREATE", "dryRun": false, "oldObject": null,
        "userInfo": {"username": "system:serviceaccount:flyte:flytepropeller",
            "groups": ["system:serviceaccounts", "system:serviceaccounts:flyte", "system:authenticated"]},
        "object": pod, "options": {"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions"},
    }})
    .to_string()
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use admission::{Config, Globals};

    #[test]
    fn reviews_are_of_the_size_asked_for_and_get_their_secrets() {
        for (secrets, bytes) in [(1, 6_000), (1, 1_000_000), (100, 6_000)] {
            let review = Pod { secrets, bytes }.review();
            assert!(review.len() >= bytes, "{}", review.len());
            assert!(secrets > 1 || review.len() == bytes, "{}", review.len());
            let answer = admission::review::answer(&review, &Config::default(), &Globals::default());
            assert_eq!(answer.outcome.expect("a plan").requests.len(), secrets);
        }
    }
}

//! A Flyte 1 install whose image was swapped: its certificates and its registration are there already.

use crate::Result;
use crate::annotation::Asked;
use crate::case::Case;
use crate::cases;
use crate::cluster::{Cluster, SYSTEM, TASKS, until};
use crate::install::{self, Form, NAME};
use crate::pod::{Pod, variables};
use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;

pub(crate) const CASES: &[Case] = cases![flytes_certificates_are_used_as_they_are, the_registration_is_still_flytes];

/// Makes what Flyte's own image has left, then Flyte's manifests with ours.
pub(crate) fn install(cluster: &Cluster) -> Result {
    let certificates = certificates()?;
    cluster.kubectl.create(&json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": NAME, "namespace": SYSTEM},
        "type": "Opaque",
        "immutable": true,
        "stringData": certificates,
    }))?;
    let secret = cluster.kubectl.json(["get", "secret", "-n", SYSTEM, NAME])?;
    cluster.kubectl.create(&registration(&secret["data"]["ca.crt"]))?;
    Form::FlyteV1.apply(cluster)?;
    install::rolled_out(cluster)?;
    // Flyte's Deployment has no readiness probe: pods are refused until the program listens.
    let asked = Asked { group: "user-info", key: "user_secret", mount: "ENV_VAR", env_var: "" };
    let probe = Pod::prints_env().asks_as_flyte(&[asked]).named(TASKS, "probe");
    let mut last = String::new();
    until(Duration::from_secs(60), "the webhook serves", || {
        let answer = cluster.kubectl.dry_run(&probe);
        let served = answer.as_ref().is_ok_and(|pod| !variables(&pod["spec"]["containers"][0]).is_empty());
        last = answer.map_or_else(|wrong| wrong, |_| "a pod was admitted as it was".to_owned());
        Ok(served.then_some(()))
    })
    .map_err(|wrong| format!("{wrong}: {last}"))
}

/// As Flyte's webhook registers itself.
fn registration(bundle: &Value) -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {
            "name": NAME,
            // Flyte copies its pod's owner, which no garbage collector honours here.
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "flyte-pod-webhook-5d8c7b9f64",
                "uid": "7f0c2b64-9f0d-4b8e-a6b7-0d5a3f1c2e11"}],
        },
        "webhooks": [{
            "name": "flyte-pod-webhook.flyte.org",
            "clientConfig": {
                "service": {"name": NAME, "namespace": SYSTEM, "path": "/mutate--v1-pod", "port": 443},
                "caBundle": bundle,
            },
            "rules": [{"apiGroups": ["*"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
            "failurePolicy": "Fail",
            "sideEffects": "NoneOnDryRun",
            "admissionReviewVersions": ["v1", "v1beta1"],
            "objectSelector": {"matchLabels": {"inject-flyte-secrets": "true"}},
            "namespaceSelector": {"matchLabels": {"keybearer.dev/e2e": "true"}},
        }],
    })
}

/// RSA keys, a CA whose own key is thrown away, 99 years.
fn certificates() -> Result<Value> {
    let folder = std::env::temp_dir().join(format!("keybearer-e2e-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let openssl = |line: &str| {
        let output = Command::new("openssl").args(line.split(' ')).current_dir(&folder).output();
        let output = output.map_err(|error| format!("`openssl` can't be started: {error}"))?;
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.success() { Ok(()) } else { Err(format!("openssl {line}: {said}")) }
    };
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).map_err(|error| error.to_string());
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).map_err(|error| error.to_string());
    let service = format!("{NAME}.{SYSTEM}.svc");
    write(
        "names",
        &format!(
            "subjectAltName=DNS:{NAME},DNS:{NAME}.{SYSTEM},DNS:{service}\nkeyUsage=digitalSignature\n\
             extendedKeyUsage=clientAuth,serverAuth\nsubjectKeyIdentifier=01:02:03:04:06\n"
        ),
    )?;
    openssl(
        "req -x509 -newkey rsa:4096 -nodes -sha256 -days 36135 -set_serial 2021 -subj /O=flyte.org -keyout ca.key \
         -out ca.crt -addext keyUsage=digitalSignature,keyCertSign -addext extendedKeyUsage=clientAuth,serverAuth",
    )?;
    openssl("genrsa -traditional -out tls.key 4096")?;
    openssl(&format!("req -new -key tls.key -subj /O=flyte.org/CN={service} -out tls.csr"))?;
    openssl(
        "x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -set_serial 1658 -days 36135 -sha256 -extfile names -out tls.crt",
    )?;
    let values = json!({"ca.crt": read("ca.crt")?, "tls.crt": read("tls.crt")?, "tls.key": read("tls.key")?});
    let _ = std::fs::remove_dir_all(&folder);
    Ok(values)
}

fn flytes_certificates_are_used_as_they_are(cluster: &Cluster) -> Result {
    let secret = cluster.kubectl.json(["get", "secret", "-n", SYSTEM, NAME])?;
    let keys: Vec<_> = secret["data"].as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
    if keys == ["ca.crt", "tls.crt", "tls.key"] && secret["immutable"] == true {
        return Ok(());
    }
    Err(format!("the Secret has {keys:?} now, and immutable is {}", secret["immutable"]))
}

fn the_registration_is_still_flytes(cluster: &Cluster) -> Result {
    let secret = cluster.kubectl.json(["get", "secret", "-n", SYSTEM, NAME])?;
    let registration = cluster.kubectl.json(["get", "mutatingwebhookconfiguration", NAME])?;
    let webhooks = registration["webhooks"].as_array().map(Vec::as_slice).unwrap_or_default();
    let [webhook] = webhooks else { return Err(format!("it has {} entries", webhooks.len())) };
    if webhook["clientConfig"]["caBundle"] != secret["data"]["ca.crt"] {
        return Err("its caBundle is not Flyte's CA".to_owned());
    }
    if webhook["name"] == "flyte-pod-webhook.flyte.org" { Ok(()) } else { Err(format!("it is {}", webhook["name"])) }
}

//! Pods of Flyte's managers AWS, GCP, Azure and Vault on a real API server and a real kubelet: taken as they are, and the
//! added containers start and are told what was asked for. The vendors' programs are stand-ins that record their arguments.

use crate::support::{Place, until};
use admission::{Config, Globals, review};
use data_encoding::BASE64;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, ServiceAccount};
use kube::Api;
use kube::api::{LogParams, PostParams};
use secret::{Mount, Secret};
use serde_json::{Value, json};

/// An image that the cluster of the tests has: a shell, and little else.
const SHELL: &str = "registry.local/busybox:1";

fn secret(group: &str, group_version: &str, key: &str) -> Secret {
    let [group, group_version, key] = [group, group_version, key].map(str::to_owned);
    Secret { group, group_version, key, mount: Mount::File, ..Secret::default() }
}

/// What becomes of a pod with these secrets; none where it is refused.
fn admitted(version: &str, manager: &str, secrets: &[Secret]) -> Option<Value> {
    let image = json!({"sidecarImage": SHELL, "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}}});
    let text = json!({"compat": format!("flyte-{version}"), "webhook": {"secretManagerType": manager,
        "awsSecretManager": image, "gcpSecretManager": image, "azureSecretManager": image}});
    let text = if manager == "Vault" {
        json!({"compat": text["compat"], "webhook": {"secretManagerType": manager}})
    } else {
        text
    };
    let config = Config::parse(&text.to_string(), "test.yaml").expect("it is served");
    let annotations: serde_json::Map<String, Value> =
        secret::write(secrets, secret::Spelling::Flyte).unwrap().into_iter().map(|(n, v)| (n, v.into())).collect();
    let show = "find /etc/flyte/secrets -type f | while read -r file; do echo \"= $file\"; cat \"$file\"; echo; done";
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": format!("{}-{version}", manager.to_lowercase()), "annotations": annotations},
        "spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": [
            {"name": "main", "image": SHELL, "imagePullPolicy": "Never", "command": ["sh", "-c", show]}]},
    });
    let asked = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {"uid": "u", "operation": "CREATE", "namespace": "n", "object": pod}});
    let answer = review::answer(asked.to_string().as_bytes(), &config, &Globals::default());
    answer.outcome.ok()?;
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    let patch = BASE64.decode(answer["response"]["patch"].as_str().unwrap().as_bytes()).unwrap();
    json_patch::patch(&mut pod, &serde_json::from_slice::<json_patch::Patch>(&patch).unwrap()).unwrap();
    Some(pod)
}

/// The namespace has what the API server wants to see before it takes a pod.
async fn ready(place: &Place) {
    let accounts: Api<ServiceAccount> = Api::namespaced(place.client.clone(), &place.namespace);
    until("the namespace has its service account", async || accounts.get_opt("default").await.unwrap().is_some()).await;
}

#[tokio::test]
async fn a_sample_of_names_is_taken_by_the_api_server() {
    let place = Place::new().await;
    ready(&place).await;
    let pods: Api<Pod> = Api::namespaced(place.client.clone(), &place.namespace);
    let long = "x".repeat(200);
    let names = ["db", "a/b", "A.b-c_d", "$(id)", "`id`; x", "a\nb\tc", "{{ x }}", "\"'\\", "é ü 😀", "%s%d", &long];
    let (mut taken, mut refused) = (0, 0);
    for manager in ["AWS", "GCP", "Azure", "Vault"] {
        for version in ["v1", "v2"] {
            for name in names {
                let asked = [secret(name, "1", name), secret(&format!("other/{name}"), name, "k")];
                let Some(pod) = admitted(version, manager, &asked) else {
                    refused += 1;
                    continue;
                };
                let dry = PostParams { dry_run: true, ..PostParams::default() };
                let answer = pods.create(&dry, &serde_json::from_value(pod.clone()).unwrap()).await;
                assert!(answer.is_ok(), "{manager} {version} {name:?}: {answer:?}\n{pod}");
                taken += 1;
            }
        }
    }
    assert!(taken > 70 && refused < 18, "{taken} taken, {refused} refused");
    place.end().await;
}

/// Gives the vendors' programs to the added containers, as their images would have them.
fn with_stand_ins(mut pod: Value) -> Value {
    for container in pod["spec"]["initContainers"].as_array_mut().unwrap() {
        if container["command"].is_null() {
            let script =
                "mkdir -p \"/tmp${SECRET_FILENAME%/*}\"; printf '%s' \"$SECRET_ARN\" > \"/tmp$SECRET_FILENAME\"";
            container["command"] = json!(["sh", "-ec", script]);
        }
        container["imagePullPolicy"] = json!("Never");
        container["env"].as_array_mut().unwrap().push(json!({"name": "PATH", "value": "/stand-ins:/bin:/usr/bin"}));
        container["volumeMounts"].as_array_mut().unwrap().push(json!({"name": "stand-ins", "mountPath": "/stand-ins"}));
    }
    let volume = json!({"name": "stand-ins", "configMap": {"name": "stand-ins", "defaultMode": 0o755}});
    pod["spec"]["volumes"].as_array_mut().unwrap().push(volume);
    pod
}

#[tokio::test]
async fn added_containers_start_and_are_told_what_was_asked_for() {
    let place = Place::new().await;
    ready(&place).await;
    let maps: Api<ConfigMap> = Api::namespaced(place.client.clone(), &place.namespace);
    let gcloud = "#!/bin/sh\nfor word; do case \"$word\" in --out-file=*) file=\"${word#--out-file=}\";; esac; done\n\
        mkdir -p \"${file%/*}\"\nprintf '%s\\n' \"$@\" > \"$file\"\n";
    let az = "#!/bin/sh\ncase \"$1\" in keyvault) printf '%s\\n' \"$@\";; esac\n";
    let map = json!({"metadata": {"name": "stand-ins"}, "data": {"gcloud": gcloud, "az": az}});
    maps.create(&PostParams::default(), &serde_json::from_value(map).unwrap()).await.unwrap();
    let odd = "My $(id) `id` \"q\" ; $HOME";
    let arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:";
    let uri = "https://v.vault.azure.net/secrets";
    let cases = [
        (
            "AWS",
            vec![secret(arn, "", "db"), secret(arn, "", odd)],
            vec![
                format!("= /etc/flyte/secrets/{arn}/db\n{arn}db\n"),
                format!("= /etc/flyte/secrets/{arn}/{}\n{arn}{odd}\n", odd.to_lowercase()),
            ],
        ),
        (
            "GCP",
            vec![secret("db", "3", ""), secret(odd, "latest", "")],
            vec![
                "= /etc/flyte/secrets/db/3\nsecrets\nversions\naccess\ndb/versions/3\n".to_owned(),
                format!(
                    "= /etc/flyte/secrets/{}/latest\nsecrets\nversions\naccess\n{odd}/versions/latest\n",
                    odd.to_lowercase()
                ),
            ],
        ),
        (
            "Azure",
            vec![secret(&format!("{uri}/db"), "", ""), secret(&format!("{uri}/{odd}"), "V1", "")],
            vec![
                format!("= /etc/flyte/secrets/db\nkeyvault\nsecret\nshow\n--id\n{uri}/db/\n"),
                format!(
                    "= /etc/flyte/secrets/{}/v1\nkeyvault\nsecret\nshow\n--id\n{uri}/{odd}/V1\n",
                    odd.to_lowercase()
                ),
            ],
        ),
    ];
    let pods: Api<Pod> = Api::namespaced(place.client.clone(), &place.namespace);
    for (manager, secrets, files) in cases {
        let pod = with_stand_ins(admitted("v2", manager, &secrets).expect("it is admitted"));
        let name = pod["metadata"]["name"].as_str().unwrap().to_owned();
        pods.create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap();
        until("the pod has ended", async || {
            let phase = pods.get(&name).await.unwrap().status.and_then(|status| status.phase);
            assert_ne!(phase.as_deref(), Some("Failed"), "{manager}: {:?}", pods.get(&name).await.unwrap().status);
            phase.as_deref() == Some("Succeeded")
        })
        .await;
        let log = pods.logs(&name, &LogParams::default()).await.unwrap();
        for file in files {
            assert!(log.contains(&file), "{manager}: no {file:?} in {log}");
        }
    }
    place.end().await;
}

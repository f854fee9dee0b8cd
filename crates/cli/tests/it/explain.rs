//! `explain`: what it tells, in each of its outputs.

use crate::support::{CANARY, Place, pod, script};
use serde_json::{Value, json};
use std::fs;

const ASKED: &str =
    "[{group: db, key: Password, mount: any, env_var: DB}, {group: api, key: token, mount: env, env_var: TOKEN}]";

fn two_containers() -> String {
    pod(
        ASKED,
        "containers: [{name: a, command: [env]}, {name: b, command: [env]}, {name: istio-proxy, command: [env]}]",
    )
}

#[test]
fn a_person_reads_secrets_containers_and_the_patch() {
    let place = Place::new().with("pod.yaml", two_containers());
    let said = place.keybearer(&["explain", "pod.yaml"]).code(0);
    let (head, patch) = said.stdout.split_once("\npatch\n").unwrap();
    assert_eq!(
        head,
        "\
pod task in namespace default, service account default, dialect keybearer

secret db/Password (ANY)
  K8s       gives it by reference to key `Password` of Secret `db` (rule `default: Secrets of the pod's own namespace`)
  in file     /etc/flyte/secrets/db/password
  in file     /etc/flyte/secrets/db/Password
  its path in DB

secret api/token (ENV_VAR)
  K8s       gives it by reference to key `token` of Secret `api` (rule `default: Secrets of the pod's own namespace`)
  in variable _FSEC_API_TOKEN
  in variable TOKEN

container a, container b see
  FLYTE_SECRETS_DEFAULT_DIR       /etc/flyte/secrets
  FLYTE_SECRETS_FILE_PREFIX       (empty)
  FLYTE_SECRETS_ENV_PREFIX        _FSEC_
  DB                              /etc/flyte/secrets/db/password
  _FSEC_API_TOKEN                 key `token` of Secret `api`
  TOKEN                           key `token` of Secret `api`
  /etc/flyte/secrets/db/password  key `Password` of Secret `db`
  /etc/flyte/secrets/db/Password  key `Password` of Secret `db`
container istio-proxy gets nothing: excluded by `targets.exclude`
"
    );
    assert!(patch.contains("+     - name: _FSEC_API_TOKEN\n") && !patch.contains("\n- "), "{patch}");
    assert_eq!(said.stderr, "");
}

#[test]
fn programs_read_the_same() {
    let place = Place::new().with("pod.yaml", two_containers());
    let said = place.keybearer(&["explain", "pod.yaml", "-n", "prod", "--output", "json"]).code(0);
    let report = said.json();
    assert_eq!(report["pod"], "task");
    assert_eq!(report["namespace"], "prod");
    assert_eq!(report["service_account"], "default");
    assert_eq!((&report["labelled"], &report["allowed"]), (&json!(true), &json!(true)));
    assert_eq!(
        report["secrets"][0],
        json!({
            "secret": {"group": "db", "group_version": "", "key": "Password", "mounts": ["ANY"]},
            "manager": "K8s",
            "delivery": "reference",
            "reference": {"name": "db", "key": "Password"},
            "chain": [{"manager": "K8s", "outcome": "chosen", "rule": "default: Secrets of the pod's own namespace"}],
            "env": [],
            "path_env": ["DB"],
            "files": ["/etc/flyte/secrets/db/password", "/etc/flyte/secrets/db/Password"],
        })
    );
    let names = |container: usize| -> Vec<&str> {
        report["containers"][container]["env"].as_array().unwrap().iter().map(|v| v["name"].as_str().unwrap()).collect()
    };
    assert_eq!(names(0)[3..], ["DB", "_FSEC_API_TOKEN", "TOKEN"]);
    assert_eq!((names(0), report["containers"][2]["gets_secrets"].as_bool()), (names(1), Some(false)));
    // What is told first is what a reader asks first.
    let first: Vec<&str> = said.stdout.lines().skip(1).take(4).map(|line| line.split('"').nth(1).unwrap()).collect();
    assert_eq!(first, ["pod", "namespace", "service_account", "dialect"]);
}

#[test]
fn patch_and_review_hold_the_same_patch() {
    let place = Place::new().with("pod.yaml", two_containers());
    let patch = place.keybearer(&["explain", "pod.yaml", "--output", "patch"]).code(0);
    let review = place.keybearer(&["explain", "pod.yaml", "--output", "review"]).code(0);
    let answer = review.json();
    assert_eq!(answer["response"]["uid"], "00000000-0000-0000-0000-000000000000");
    assert_eq!(answer["response"]["patchType"], "JSONPatch");
    let encoded = answer["response"]["patch"].as_str().unwrap();
    let decoded = data_encoding::BASE64.decode(encoded.as_bytes()).unwrap();
    assert_eq!(decoded, patch.stdout.trim_end().as_bytes());
    assert!(!review.stdout.ends_with('\n'), "byte for byte what is sent");
    assert_eq!(place.keybearer(&["explain", "pod.yaml", "--output", "json"]).json()["patch"], patch.json());
}

#[test]
fn a_review_is_answered_with_its_own_uid_and_namespace() {
    let pod: Value = serde_saphyr::from_str(&two_containers()).unwrap();
    let review = json!({"apiVersion": "admission.k8s.io/v1beta1", "kind": "AdmissionReview", "request":
        {"uid": "705ab4f5", "kind": {"group": "", "version": "v1", "kind": "Pod"}, "namespace": "prod", "operation": "CREATE", "object": pod}});
    let place = Place::new().with("review.json", review.to_string());
    let answer = place.keybearer(&["explain", "review.json", "--output", "review"]).code(0).json();
    assert_eq!(answer["apiVersion"], "admission.k8s.io/v1beta1");
    assert_eq!((&answer["response"]["uid"], &answer["response"]["allowed"]), (&json!("705ab4f5"), &json!(true)));
    let said = place.keybearer(&["explain", "review.json", "-n", "dev"]).code(0);
    said.says(&["in namespace prod,"]).complains(&["note: `--namespace` has no effect on a review"]);
    // Whatever the review is, this is what the webhook says to it.
    for broken in
        [json!({"kind": "AdmissionReview"}), json!({"kind": "AdmissionReview", "apiVersion": "x", "request": {}})]
    {
        let said = place.keybearer_reads(broken.to_string(), &["explain", "-", "--output", "review"]).code(1);
        assert_eq!(
            (&said.json()["response"]["allowed"], &said.json()["response"]["status"]["code"]),
            (&json!(false), &json!(400))
        );
    }
    place
        .keybearer(&["run", "review.json"])
        .code(125)
        .complains(&["is an AdmissionReview, not a pod", "hint: `keybearer explain review.json`"]);
}

#[test]
fn the_namespace_is_that_of_the_option_then_the_objects_own() {
    let namespaced = two_containers().replace("  name: task\n", "  name: task\n  namespace: own\n");
    let place = Place::new().with("pod.yaml", two_containers()).with("own.yaml", namespaced);
    let namespace =
        |args: &[&str]| place.keybearer(&[&["explain", "--output", "json"], args].concat()).json()["namespace"].clone();
    assert_eq!(namespace(&["pod.yaml"]), "default");
    assert_eq!(namespace(&["own.yaml"]), "own");
    assert_eq!(namespace(&["own.yaml", "-n", "other"]), "other");
    for wrong in ["", "A", "a b", "-a", "a-", "a.b", &"a".repeat(64)] {
        let said = place.keybearer(&["explain", "own.yaml", &format!("--namespace={wrong}")]).code(2);
        said.complains(&["a namespace has lower case letters, digits and `-` within, up to 63"]);
    }
}

#[test]
fn every_kind_that_makes_pods_is_looked_into() {
    let place = Place::new();
    let template = json!({
        "metadata": {"labels": {"inject-flyte-secrets": "true"}, "annotations": {"keybearer.dev/secrets": ASKED}},
        "spec": {"serviceAccountName": "robot", "containers": [{"name": "main"}]},
    });
    for (kind, spec) in [
        ("Deployment", json!({"template": template})),
        ("StatefulSet", json!({"template": template})),
        ("DaemonSet", json!({"template": template})),
        ("ReplicaSet", json!({"template": template})),
        ("Job", json!({"template": template})),
        ("CronJob", json!({"jobTemplate": {"spec": {"template": template}}})),
    ] {
        let object = json!({"kind": kind, "metadata": {"name": "web", "namespace": "prod"}, "spec": spec}).to_string();
        let said = place.keybearer_reads(object, &["explain", "-"]).code(0);
        said.says(&["pod web-* in namespace prod, service account robot,", "secret api/token", "container main sees"])
            .never_says("warning");
    }
}

#[test]
fn the_classic_mistake_is_named_label_or_annotation_on_the_object() {
    let object = json!({
        "kind": "Deployment",
        "metadata": {"name": "web", "labels": {"inject-flyte-secrets": "true"}, "annotations": {"keybearer.dev/secrets": ASKED}},
        "spec": {"template": {"spec": {"containers": [{"name": "main", "command": ["true"]}]}}},
    });
    let place = Place::new().with("web.json", object.to_string());
    for said in [place.keybearer(&["explain", "web.json"]), place.run(&["web.json"])] {
        said.code(0).complains(&[
            "warning: label `inject-flyte-secrets` is on the Deployment, where it has no effect",
            "hint: move it to its pods: `spec.template.metadata.labels`",
            "warning: annotation `keybearer.dev/secrets` is on the Deployment, where it has no effect",
            "hint: move it to its pods: `spec.template.metadata.annotations`",
        ]);
    }
    let report = place.keybearer(&["explain", "web.json", "--output", "json"]).code(0).json();
    assert_eq!(report["mistakes"].as_array().unwrap().len(), 2);
    assert_eq!(report["mistakes"][0]["remedy"], "move it to its pods: `spec.template.metadata.labels`");

    // Flyte's own annotations are no better there.
    let object = json!({"kind": "Job", "metadata": {"annotations": {"flyte.secrets/s0": "x"}},
        "spec": {"template": {"metadata": {"labels": {"inject-flyte-secrets": "true"}}, "spec": {}}}});
    let said = place.keybearer_reads(object.to_string(), &["explain", "-"]).code(0);
    said.complains(&[
        "annotation `flyte.secrets/s0` is on the Job",
        "the pod has label `inject-flyte-secrets`, but no annotation",
    ]);
}

#[test]
fn without_the_label_the_webhook_is_not_called() {
    let place = Place::new()
        .with("none.yaml", two_containers().replace("inject-flyte-secrets: \"true\"", ""))
        .with("other.yaml", two_containers().replace("\"true\"", "\"yes\""))
        .with("own.yaml", "label: example.com/secrets");
    let said = place.keybearer(&["explain", "none.yaml"]).code(0);
    said.says(&["the webhook is not called for it; with the label, this is what it would do:"]).complains(&[
        "warning: the pod has no label `inject-flyte-secrets: \"true\"`",
        "hint: add it to the pod's labels",
    ]);
    place
        .keybearer(&["explain", "other.yaml"])
        .code(0)
        .complains(&["label `inject-flyte-secrets` is `yes`, not `true`"]);
    let report = place.keybearer(&["explain", "none.yaml", "--output", "json"]).code(0).json();
    assert_eq!((&report["labelled"], &report["allowed"]), (&json!(false), &json!(true)));
    let said = place.keybearer(&["explain", "none.yaml", "--config", "own.yaml"]).code(0);
    said.complains(&["the pod has no label `example.com/secrets: \"true\"`"]);
}

#[test]
fn a_refusal_is_the_webhooks_own() {
    let place = Place::new().with("pod.yaml", script("[{group: db, key: password, group_version: '3'}]", "true"));
    let said = place.keybearer(&["explain", "pod.yaml"]).code(1);
    said.says(&["pod task in namespace default"]).complains(&[
        "error: secret `db/password@3`: no manager gives it (K8s: Kubernetes Secrets have no versions, and `3` was asked for)",
        "hint: ask without `group_version`",
    ]);
    let refusal = place.keybearer(&["explain", "pod.yaml", "--output", "json"]).code(1).json()["refusal"].clone();
    assert_eq!((&refusal["code"], &refusal["reason"]), (&json!(403), &json!("Forbidden")));
    let answer = place.keybearer(&["explain", "pod.yaml", "--output", "review"]).code(1).json();
    assert_eq!(
        answer["response"]["status"]["message"],
        format!("{}; hint: {}", refusal["message"].as_str().unwrap(), refusal["hint"].as_str().unwrap())
    );
    let said = place.keybearer(&["explain", "pod.yaml", "--output", "patch"]).code(1);
    assert!(said.stdout.is_empty());
    said.complains(&["error: secret `db/password@3`"]);
}

/// Global's values come from here: a folder and a variable of `explain` itself.
fn with_globals() -> Place {
    let place = Place::new().env("FLYTE_SECRET_API_TOKEN", &format!("{CANARY}-env"));
    fs::create_dir_all(place.path("secrets/db")).unwrap();
    fs::write(place.path("secrets/db/Password"), format!("{CANARY}-file")).unwrap();
    let prefix = place.path("secrets").to_str().unwrap().to_owned();
    place
        .with(
            "c.yaml",
            format!("compat: flyte-v2\nwebhook: {{secretManagerType: K8s}}\nsecrets: {{secrets-prefix: {prefix}}}"),
        )
        .with("pod.yaml", pod(ASKED, "containers: [{name: main, command: [env]}]"))
}

#[test]
fn global_is_looked_up_here_and_that_is_said() {
    let place = with_globals();
    let said = place.keybearer(&["explain", "pod.yaml", "--config", "c.yaml"]).code(0);
    said.says(&[
        "Global    gives it inline: the value stands in the pod's spec",
        "K8s       never reached",
        "<redacted>",
    ])
    .complains(&[
        "note: Global was looked up in this command's own environment (`FLYTE_SECRET_…`) and in `",
        "the webhook has its own",
    ])
    .never_says(CANARY);
    let said = place.keybearer(&["explain", "pod.yaml", "--config", "c.yaml", "--output", "json"]).code(0);
    assert_eq!(said.json()["notes"].as_array().unwrap().len(), 1);
    said.says(&["<redacted>"]).never_says(CANARY);
}

#[test]
fn what_has_to_hold_values_holds_them_and_warns() {
    let place = with_globals();
    for output in ["patch", "review"] {
        let said = place.keybearer(&["explain", "pod.yaml", "--config", "c.yaml", "--output", output]).code(0);
        let said = said.complains(&["warning: the output holds secret values"]);
        let patch = match output {
            "patch" => said.stdout.clone(),
            _ => {
                let encoded = said.json()["response"]["patch"].as_str().unwrap().to_owned();
                String::from_utf8(data_encoding::BASE64.decode(encoded.as_bytes()).unwrap()).unwrap()
            }
        };
        assert!(patch.contains(&format!("{CANARY}-env")) && patch.contains(&format!("{CANARY}-file")), "{patch}");
        assert!(!said.stderr.contains(CANARY));
    }
}

#[test]
fn a_variable_that_the_pod_has_is_shown_as_the_container_will_see_it() {
    // Flyte v1 leaves a variable that is there alone.
    let spec = "containers: [{name: main, env: [{name: _FSEC_API_TOKEN, value: mine}]}]";
    let place = Place::new().with("pod.yaml", pod("[{group: api, key: token, mount: env}]", spec));
    let report = place.keybearer(&["explain", "pod.yaml", "--compat", "flyte-v1", "--output", "json"]).code(0).json();
    let variable = json!({"name": "_FSEC_API_TOKEN", "value": "mine"});
    assert!(report["containers"][0]["env"].as_array().unwrap().contains(&variable), "{report:#}");
}

#[test]
fn colours_are_for_terminals_and_never_with_no_color() {
    let place = Place::new().with("pod.yaml", two_containers());
    place.keybearer(&["explain", "pod.yaml"]).never_says("\u{1b}");
    let forced = Place::new().with("pod.yaml", two_containers()).env("CLICOLOR_FORCE", "1");
    forced.keybearer(&["explain", "pod.yaml"]).says(&["\u{1b}[32m+     env:\u{1b}"]);
    forced.keybearer(&["explain", "nowhere"]).complains(&["\u{1b}[31m"]);
    forced.keybearer(&["explain", "pod.yaml", "--output", "json"]).never_says("\u{1b}");
    forced.keybearer(&["explain", "pod.yaml", "--output", "review"]).never_says("\u{1b}");
    let never = Place::new().with("pod.yaml", two_containers()).env("NO_COLOR", "1");
    never.keybearer(&["explain", "pod.yaml"]).never_says("\u{1b}");
    never.keybearer(&["explain", "nowhere"]).never_says("\u{1b}");
}

#[test]
fn help_and_version_tell_what_a_user_asks() {
    let place = Place::new();
    place.keybearer(&["--version"]).code(0).says(&[
        "keybearer 0.",
        "dialects: keybearer flyte-v1 flyte-v2",
        "managers: K8s",
        "features: ",
    ]);
    let said = place.keybearer(&["--help"]).code(0);
    said.says(&["Exit codes:", "run ", "explain ", "annotate ", "decode ", "125  run: nothing was started"]);
    for command in ["run", "explain", "annotate", "decode"] {
        place.keybearer(&[command, "--help"]).code(0).says(&["Usage: keybearer ", "Examples:\n"]);
    }
    place.keybearer(&[]).code(2).complains(&["Usage: keybearer <COMMAND>"]);
}

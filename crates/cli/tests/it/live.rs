//! Objects of a cluster. `kubectl` is a script here that says what the real one says; the end-to-end tests ask the real one.

use crate::support::{Place, pod, script, with_kubectl};
use std::fs;

#[test]
fn an_object_of_the_cluster_is_got_and_explained() {
    let place = with_kubectl(
        "echo \"$@\" >> asked; cat object.yaml | python3 -c 'import sys; print(sys.stdin.read())'",
    )
    .with("object.yaml", pod("[{group: db, key: password, mount: file}]", "containers: [{name: main, image: i}]"));
    place.keybearer(&["explain", "pod/task", "-n", "team"]).code(0).says(&["secret db/password", "namespace team"]);
    place.keybearer(&["explain", "deployment.apps/web"]).code(0);
    let asked = fs::read_to_string(place.path("asked")).unwrap();
    assert_eq!(
        asked,
        "get pod/task --output json --request-timeout=20s --namespace team\nget deployment.apps/web --output json --request-timeout=20s\n"
    );
}

#[test]
fn what_kubectl_says_against_it_is_told() {
    let place = with_kubectl("echo 'Error from server (NotFound): pods \"task\" not found' >&2; exit 1");
    place.keybearer(&["explain", "pod/task"]).code(2).complains(&["can't get `pod/task`", "NotFound"]);
}

#[test]
fn without_kubectl_the_remedy_is_told() {
    let place = Place::new().env("PATH", "/nowhere");
    place.keybearer(&["explain", "pod/task"]).code(2).complains(&["`pod/task` is no file", "hint: name a file"]);
}

#[test]
fn a_run_asks_the_configured_managers_for_what_is_not_here() {
    // The value of `password` is `from-the-cluster`.
    let object = r#"{"kind": "Secret", "data": {"password": "ZnJvbS10aGUtY2x1c3Rlcg=="}}"#;
    let asked =
        "[{group: db, key: password, mount: file, env_var: F}, {group: db, key: user, mount: file, env_var: G}]";
    let place = with_kubectl("echo \"$@\" >> asked; cat object.json")
        .with("object.json", object)
        .with("pod.yaml", script(asked, "cat $F $G"))
        .with("webhook.yaml", "webhook: {secretManagerType: K8s}");
    let with_config = ["pod.yaml", "--config", "webhook.yaml", "--no-mask", "-n", "team"];
    let said = place.run(&[&with_config[..], &["--secret", "db/user=me"]].concat()).code(0);
    assert_eq!(said.stdout, "from-the-clusterme");
    let from =
        |secret: &str, from: &str| said.stderr.lines().any(|line| line.split_whitespace().take(2).eq([secret, from]));
    assert!(from("db/password", "K8s") && from("db/user", "--secret"), "{}", said.stderr);
    // Each Secret is read once; what is here is not asked for.
    let asked = fs::read_to_string(place.path("asked")).unwrap();
    assert_eq!(asked, "get secret/db --output json --request-timeout=20s --namespace team\n");
    // What the Secret does not have.
    place.run(&with_config).code(125).complains(&["secret `db/user`: not found (asked: Local, K8s)"]);
    // Without a configuration nobody is asked.
    fs::remove_file(place.path("asked")).unwrap();
    place.run(&["pod.yaml"]).code(125).complains(&["secret `db/password`: not found (asked: Local)\n"]);
    assert!(!place.path("asked").exists());
}

#[test]
fn why_a_manager_had_nothing_is_told() {
    let pod = script("[{group: db, key: password, mount: file}]", "true");
    let place = with_kubectl("echo 'Error from server (Forbidden): secrets \"db\" is forbidden' >&2; exit 1")
        .with("pod.yaml", pod)
        .with("webhook.yaml", "webhook: {secretManagerType: K8s}");
    let said = place.run(&["pod.yaml", "--config", "webhook.yaml"]).code(125);
    said.complains(&[
        "(asked: Local, K8s)",
        "`kubectl` says: Error from server (Forbidden)",
        "hint: give it with --secret",
    ]);
    let said = place.env("PATH", "/nowhere").run(&["pod.yaml", "--config", "webhook.yaml"]).code(125);
    said.complains(&["there is no `kubectl`"]);
}

#[test]
fn global_is_looked_up_here() {
    let pod = script("[{group: db, key: password, mount: env}]", "printenv _FSEC_DB_PASSWORD");
    let place = Place::new().with("pod.yaml", pod).env("FLYTE_SECRET_DB_PASSWORD", "global-value");
    let place = place.with("webhook.yaml", "compat: flyte-v1\nwebhook: {secretManagerType: K8s}");
    let said = place.run(&["pod.yaml", "--config", "webhook.yaml", "--no-mask"]).code(0);
    assert_eq!(said.stdout, "global-value\n");
    said.complains(&["Global"]);
}

#[test]
fn without_the_feature_the_webhook_says_how_to_get_it() {
    let said = Place::new().keybearer(&["webhook", "--no-cluster", "--config", "none.yaml"]);
    if cfg!(feature = "webhook") {
        said.code(1).complains(&["none.yaml"]);
    } else {
        said.code(1).complains(&["built without `webhook`", "--features webhook"]);
    }
}

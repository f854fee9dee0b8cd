//! `keybearer run --on cluster`. `kubectl` is a script here, that plays what a cluster does; the end-to-end tests ask the real one.

use crate::support::{CANARY, Place, with_kubectl};
use std::fs;

/// Each of `watch.1`, `watch.2`, … and `log.1`, `log.2`, … is what one connection gives. Where there is no more, it hangs.
const KUBECTL: &str = r#"
echo "$@" >> asked
next() {
  n=1; while [ -e "$1.$n.read" ]; do n=$((n + 1)); done
  [ -e "$1.$n" ] || exec sleep 3600
  : > "$1.$n.read"; cat "$1.$n"
}
case "$*" in
  "config view"*) printf team;;
  create*) IFS= read -r line || true; printf '%s' "$line" > created; [ ! -e refusal ] || { cat refusal >&2; exit 1; }; cat pod.json;;
  "get events"*) exec sleep 3600;;
  "get pod/"*) next watch;;
  logs*) next log; [ ! -e "log.$n.cut" ] || exit 1;;
  delete*) ;;
  *) echo "error: unexpected: $*" >&2; exit 1;;
esac"#;

const MANIFEST: &str =
    "kind: Pod\nmetadata: {name: task}\nspec: {restartPolicy: Never, containers: [{name: main, image: i}]}";
const POD: &str = r#"{"kind": "Pod", "metadata": {"uid": "u"}, "spec": {"containers": [{"name": "main"}]}}"#;

fn state(status: &str) -> String {
    format!(r#"{{"type": "MODIFIED", "object": {{"metadata": {{"uid": "u"}}, "spec": {{}}, "status": {status}}}}}"#)
}

fn main_is(phase: &str, state_of_main: &str) -> String {
    state(&format!(r#"{{"phase": "{phase}", "containerStatuses": [{{"name": "main", "state": {state_of_main}}}]}}"#))
}

fn place(manifest: &str) -> Place {
    with_kubectl(KUBECTL).with("pod.yaml", manifest).with("pod.json", POD)
}

const RUN: [&str; 4] = ["run", "pod.yaml", "--on", "cluster"];

fn asked(place: &Place) -> String {
    fs::read_to_string(place.path("asked")).unwrap_or_default()
}

#[test]
fn a_lost_connection_loses_no_line_no_end_and_repeats_nothing() {
    let running = main_is("Running", r#"{"running": {}}"#);
    let ended = main_is("Failed", r#"{"terminated": {"exitCode": 7}}"#);
    let time = |second: &str| format!("2026-11-24T12:00:{second}Z");
    let line = |second: &str, text: &str| format!("{} {text}\n", time(second));
    let [one, two] = [line("01.100000000", "one"), line("02.100000000", "two")];
    let [three, four] = [line("02.200000000", "three"), line("03.000000000", "four")];
    let place = place(MANIFEST)
        .with("watch.1", &running)
        .with("watch.2", &ended)
        // Cut off within a line; then everything since that line's second.
        .with("log.1", format!("{one}{two}2026-11-24T12:00:02.200000000Z thr"))
        .with("log.1.cut", "")
        .with("log.2", format!("{two}{three}{four}"))
        .with("log.3", &four);
    let said = place.keybearer(&RUN).code(7);
    assert_eq!(said.stdout, "one\ntwo\nthree\nfour\n");
    let asked = asked(&place);
    assert!(asked.contains("--since-time=2026-11-24T12:00:02Z"), "{asked}");
    assert!(asked.lines().any(|line| line.starts_with("delete pod task-")), "{asked}");
}

#[test]
fn the_pod_is_the_manifests_once_and_under_a_name_of_its_own() {
    let job = "kind: Job\nmetadata: {name: batch}\nspec: {template: {metadata: {labels: {app: web, project: p}}, spec: \
               {restartPolicy: OnFailure, containers: [{name: main, image: i}]}}}";
    let place = place(job).with("watch.1", main_is("Succeeded", r#"{"terminated": {"exitCode": 0}}"#));
    let place = place.with("log.1", "").with("log.2", "");
    place.keybearer(&[&RUN[..], &["--service-account", "robot"]].concat()).code(0).complains(&["run once"]);
    let created: serde_json::Value = serde_json::from_slice(&fs::read(place.path("created")).unwrap()).unwrap();
    let name = created["metadata"]["name"].as_str().unwrap();
    assert!(name.starts_with("batch-") && name.len() == "batch-".len() + 5, "{name}");
    assert_eq!(created["metadata"]["namespace"], "team");
    // No Service and no controller takes it for one of its own.
    assert_eq!(created["metadata"]["labels"], serde_json::json!({"project": "p", "keybearer.dev/run": name}));
    assert_eq!(created["spec"]["restartPolicy"], "Never");
    assert_eq!(created["spec"]["serviceAccountName"], "robot");
}

#[test]
fn exit_codes_are_those_of_a_run_on_this_machine() {
    let failed = |reason: &str, code: u8, message: &str| {
        let terminated = format!(r#"{{"exitCode": {code}, "reason": "{reason}", "message": "{message}"}}"#);
        main_is("Failed", &format!(r#"{{"terminated": {terminated}}}"#))
    };
    for (seen, code, words) in [
        (failed("Error", 3, ""), 3, &[][..]),
        (failed("OOMKilled", 137, ""), 137, &["more memory than it may", "limits.memory"]),
        (failed("StartError", 128, "exec: x: executable file not found"), 127, &["can't be started"]),
        (
            state(r#"{"phase": "Failed", "reason": "Evicted", "message": "the node was low on memory"}"#),
            1,
            &["the cluster ended the pod: Evicted", "low on memory", "resources.requests"],
        ),
        (
            r#"{"type": "DELETED", "object": {"status": {"phase": "Running"}}}"#.to_owned(),
            1,
            &["deleted before it had ended"],
        ),
    ] {
        let place = place(MANIFEST).with("watch.1", seen).with("log.1", "").with("log.2", "");
        place.keybearer(&RUN).code(code).complains(words);
    }
}

#[test]
fn a_pod_that_can_not_start_is_given_up_with_the_remedy() {
    let waits = |reason: &str, message: &str| {
        main_is("Pending", &format!(r#"{{"waiting": {{"reason": "{reason}", "message": "{message}"}}}}"#))
    };
    for (seen, more, words) in [
        (waits("ErrImageNeverPull", "not present"), &[][..], &["can't start", "load the image"][..]),
        (
            waits("CreateContainerConfigError", "couldn't find key password in Secret team/db"),
            &[],
            &["keybearer secret set db/password --cluster -n team"],
        ),
        (
            state(
                r#"{"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}]}"#,
            ),
            &["--start-timeout", "3"],
            &["can't start within 3 s", "Unschedulable: 0/1 nodes", "nodeSelector", "--start-timeout"],
        ),
    ] {
        let place = place(MANIFEST).with("watch.1", seen);
        place.keybearer(&[&RUN[..], more].concat()).code(125).complains(words);
        assert!(asked(&place).contains("delete pod task-"));
    }
    let place = place(MANIFEST).with("watch.1", waits("InvalidImageName", "x"));
    place
        .keybearer(&[&RUN[..], &["--keep"]].concat())
        .code(125)
        .complains(&["is left in the cluster", "kubectl delete pod task-"]);
    assert!(!asked(&place).contains("delete pod"));
}

#[test]
fn a_refusal_has_the_webhooks_own_words() {
    let refusal = "Error from server (Forbidden): error when creating \"STDIN\": admission webhook \"w\" denied the request: secret `a/b`: no manager";
    let place = place(MANIFEST).with("refusal", refusal);
    place.keybearer(&RUN).code(125).complains(&[
        "`w`".trim_matches('`'),
        "refuses the pod",
        "secret `a/b`: no manager",
    ]);
}

#[test]
fn a_pod_that_nobody_serves_is_not_started() {
    let asks = MANIFEST.replace(
        "{name: task}",
        "{name: task, labels: {inject-flyte-secrets: \"true\"}, annotations: {keybearer.dev/secrets: '[{group: g, key: k}]'}}",
    );
    let place = place(&asks);
    place.keybearer(&RUN).code(125).complains(&["no webhook of the cluster gives it any", "keybearer doctor"]);
    let asked = asked(&place);
    assert!(asked.contains("--dry-run=server") && asked.lines().filter(|line| line.starts_with("create")).count() == 1);
}

#[test]
fn options_for_here_and_for_there_are_not_mixed() {
    let value = format!("a/b={CANARY}");
    for (option, words) in [
        (&["--secret", value.as_str()][..], "keybearer secret set --cluster"),
        (&["--secret-file", "a/b=pod.yaml"], "keybearer secret set --cluster"),
        (&["--isolation", "none"], "--isolation"),
        (&["--no-mask"], "not known here"),
        (&["--output", "json"], "keybearer explain"),
        (&["--task", "t"], "register the package"),
    ] {
        let said = place(MANIFEST).keybearer(&[&RUN[..], option].concat()).code(125);
        said.complains(&[words]).never_says(CANARY);
    }
    for option in [&["--keep"][..], &["--context", "x"], &["--start-timeout", "5"]] {
        let said = place(MANIFEST).keybearer(&[&["run", "pod.yaml"][..], option].concat()).code(125);
        said.complains(&["--on cluster"]);
    }
    let said = Place::new().with("pod.yaml", MANIFEST).env("PATH", "/nowhere").keybearer(&RUN).code(125);
    said.complains(&["there is no `kubectl`"]);
}

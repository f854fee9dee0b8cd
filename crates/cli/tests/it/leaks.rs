//! A secret's value is where it belongs and nowhere else: not in what is printed, not in what is left behind.

use crate::support::{CANARY, Place, Said, pod, script};
use std::path::PathBuf;

const ASKED: &str = "[{group: g, key: k, mount: any, env_var: F}, {group: g, key: e, mount: env}]";

/// Runs the pod with the canary in each of its secrets: printed nowhere, in no file afterwards. `end` is added to each value.
fn run_with(place: &Place, end: &str, more: &[&str]) -> Said {
    let values = ["k", "e"].map(|key| format!("g/{key}={CANARY}{end}"));
    let mut args = vec!["pod.yaml", "--secret", &values[0], "--secret", &values[1]];
    args.extend(more);
    let said = place.run(&args).never_says(CANARY);
    assert_eq!(place.files_with(CANARY), Vec::<PathBuf>::new());
    said
}

fn run(spec: &str, code: i32) -> Said {
    let place = Place::new().with("pod.yaml", pod(ASKED, spec)).env("RUST_BACKTRACE", "full");
    for output in ["table", "json"] {
        run_with(&place, "", &["--output", output]).code(code);
    }
    run_with(&place, "", &[]).code(code)
}

#[test]
fn it_arrives_and_is_not_told() {
    let place = Place::new().with("pod.yaml", script(ASKED, "[ $(cat $F) = $_FSEC_G_E ] && echo ${#_FSEC_G_E}"));
    let said = run_with(&place, "", &[]).code(0);
    assert_eq!(said.stdout, format!("{}\n", CANARY.len()));
}

#[test]
fn however_the_containers_end() {
    run("containers: [{name: m, command: [sh, -c, exit 3]}]", 3);
    run("containers: [{name: m, command: [sh, -c, kill -SEGV $$$$]}]", 139);
    run("containers: [{name: m, command: [sh, -c, 'cat $F >/dev/null; cd /; exit 0']}]", 0);
    run("initContainers: [{name: i, command: [sh, -c, exit 4]}]\ncontainers: [{name: m, command: [env]}]", 4);
    run(
        "initContainers: [{name: s, restartPolicy: Always, command: [sh, -c, exit 1]}]\n\
         containers: [{name: m, command: [sh, -c, sleep 0.2]}]",
        0,
    );
    // A copy that a task makes in its own folder goes with that folder.
    run("containers: [{name: m, command: [sh, -c, 'cp $F ${F}2 2>/dev/null; chmod 000 $(dirname $F); exit 5']}]", 5);
}

#[test]
fn where_nothing_is_started() {
    let refused = |spec: &str| run(spec, 125);
    refused("containers: [{name: m, command: [no-such-program]}]");
    refused("containers: [{name: m}]");
    refused(
        "volumes: [{name: h, hostPath: {path: /}}]\ncontainers: [{name: m, command: [env], volumeMounts: [{name: h, mountPath: /h}]}]",
    );
    refused(
        "containers: [{name: m, command: [env], env: [{name: X, valueFrom: {secretKeyRef: {name: none, key: k}}}]}]",
    );
    refused("containers: [{name: m, command: [env], env: [{name: _FSEC_G_E, value: mine}]}]");
    refused("containers: [{name: m, command: [env], volumeMounts: [{name: x, mountPath: /etc/flyte/secrets}]}]");
    refused("containers: 3");

    let place = Place::new().with("pod.yaml", script("[{group: other, key: k}]", "env"));
    run_with(&place, "", &[]).code(125);
    let place = Place::new().with("pod.yaml", script(ASKED, "env"));
    for end in ["'", "\r\n", "\u{0}"] {
        // A NUL can't be on a command line.
        if end != "\0" {
            run_with(&place, end, &[]).code(125).complains(&["g/e"]);
        }
    }
    run_with(&place, &"x".repeat(100_000), &[]).code(125);
    let place = Place::new().with("pod.yaml", "kind: Pod\nspec: {containers: [");
    run_with(&place, "", &[]).code(125);
    let place = Place::new().with("pod.yaml", script(ASKED, "env")).with("c.yaml", "polcy: []");
    run_with(&place, "", &["--config", "c.yaml"]).code(125);
}

#[test]
fn values_from_files() {
    let input = Place::new()
        .with("value", CANARY)
        .with("quote", format!("{CANARY}'"))
        .with("nul", format!("{CANARY}\0"))
        .with("latin", [CANARY.as_bytes(), b"\xe9"].concat())
        .with("large", CANARY.repeat(100_000));
    let path = |name: &str| input.path(name).to_str().unwrap().to_owned();
    let place = Place::new().with("pod.yaml", script(ASKED, "exit 6"));
    for (name, code) in [("value", 6), ("quote", 125), ("nul", 125), ("latin", 125), ("large", 125)] {
        let (k, e) = (format!("g/k={}", path("value")), format!("g/e={}", path(name)));
        let said = place.run(&["pod.yaml", "--secret-file", &k, "--secret-file", &e]).code(code);
        said.never_says(CANARY);
        assert_eq!(place.files_with(CANARY), Vec::<PathBuf>::new());
    }
    // As a file only: the kinds that no variable can hold arrive, or are too large.
    let place = Place::new().with("pod.yaml", script("[{group: g, key: k}]", "exit 6"));
    for (name, code) in [("quote", 6), ("nul", 6), ("latin", 6), ("large", 125)] {
        let said = place.run(&["pod.yaml", "--secret-file", &format!("g/k={}", path(name))]).code(code);
        said.never_says(CANARY);
    }
}

#[test]
fn a_signal_in_the_middle() {
    for signal in ["INT", "TERM"] {
        let place = Place::new().with("pod.yaml", script(ASKED, "echo up; sleep 1000"));
        let values = ["k", "e"].map(|key| format!("g/{key}={CANARY}"));
        let started = place.start(&["pod.yaml", "--secret", &values[0], "--secret", &values[1]]);
        started.until_it_says("up");
        started.signal(signal);
        started.end().never_says(CANARY);
        assert_eq!(place.files_with(CANARY), Vec::<PathBuf>::new());
    }
}

#[test]
fn command_lines_that_went_wrong() {
    let place = Place::new().with("pod.yaml", script(ASKED, "env"));
    let with_key = format!("g/k={CANARY}");
    let wrong: [&[&str]; 12] = [
        &["--secret", CANARY],
        &["--secret", &format!("{CANARY}==")],
        &["--secret", &format!("=g/k{CANARY}")],
        &["--secret", "g/k", CANARY],
        &["--secret", "g/k", "=", CANARY],
        &["--secret-file", &format!("{CANARY}=x")],
        &["--secrets", &with_key],
        &[&format!("--secrets={with_key}")],
        &["--secret", &with_key, "--secret", &with_key],
        &["--secret", &with_key, "--output", "none"],
        &["--secret", &with_key, "--unknown"],
        &["--secret", &with_key, "again", CANARY],
    ];
    for args in wrong {
        let said = place.run(&[&["pod.yaml"], args].concat());
        assert!(matches!(said.code, Some(2 | 125)), "{args:?}: {said:#?}");
        said.never_says(CANARY);
    }
    place.keybearer(&["annotate", &format!("g/k={CANARY} é")]).code(2).never_says(CANARY);
}

/// So that the tests above do not pass because they would find nothing anyway.
#[test]
fn what_does_leak_is_found() {
    let place = Place::new().with("pod.yaml", script(&format!("[{{group: {CANARY}, key: k}}]"), "env"));
    place.run(&["pod.yaml"]).code(125).complains(&[CANARY]);
    let place = Place::new().with("pod.yaml", script(ASKED, "cat $F > copy"));
    let values = ["k", "e"].map(|key| format!("g/{key}={CANARY}"));
    place.run(&["pod.yaml", "--secret", &values[0], "--secret", &values[1]]).code(0);
    assert_eq!(place.files_with(CANARY), [place.path("copy")]);
}

#[test]
fn an_option_that_was_forgotten_or_taken_for_another_does_not_tell_the_value() {
    let place = Place::new().with("pod.yaml", script(ASKED, "true")).with("value", CANARY);
    let assignment = format!("g/k={CANARY}");
    let word = format!("password={CANARY}");
    for args in [
        &["run", "pod.yaml", &assignment][..],
        &["run", "pod.yaml", &word],
        &["run", "--", "pod.yaml", &assignment],
        &["run", "pod.yaml", "--secret-file", &assignment],
        &["explain", "pod.yaml", &assignment],
        &["decode", "value"],
    ] {
        place.keybearer(args).never_says(CANARY).complains(&["error:"]);
    }
    place.keybearer_reads(CANARY, &["decode", "-"]).never_says(CANARY).code(2);
}

//! Which container runs when, and whose exit code counts.

use runner::{Builtin, Decider, End, Note, Role};
use serde_json::{Value, json};

use crate::support::{Ran, Secrets, one, pod, run, run_with, sh};

/// A directory that all containers of a pod share.
fn shared(containers: Vec<Value>) -> Vec<Value> {
    containers
        .into_iter()
        .map(|mut container| {
            container["env"] = json!([{"name": "DIR", "value": "/etc/flyte/secrets"}]);
            container["volumeMounts"] = json!([{"name": "v", "mountPath": "/etc/flyte/secrets"}]);
            container
        })
        .collect()
}

fn run_all(init: Vec<Value>, regular: Vec<Value>) -> Ran {
    let more = json!({"initContainers": shared(init), "volumes": [{"name": "v", "emptyDir": {}}]});
    run(&pod(&json!(shared(regular)), &more), &Secrets::default())
}

fn container(name: &str, script: &str) -> Value {
    sh(name, script, &json!({}))
}

fn sidecar(name: &str, script: &str) -> Value {
    sh(name, script, &json!({"restartPolicy": "Always"}))
}

fn ends(ran: &Ran) -> Vec<(&str, End)> {
    ran.outcome.containers.iter().map(|one| (one.name.as_str(), one.end)).collect()
}

#[test]
fn init_containers_in_order_then_containers_side_by_side() {
    let meet = |me: &str, other: &str| {
        format!("cat $DIR/log; touch $DIR/{me}; until test -e $DIR/{other}; do sleep 0.01; done")
    };
    let ran = run_all(
        vec![container("one", "sleep 0.05; echo 1 >> $DIR/log"), container("two", "echo 2 >> $DIR/log")],
        vec![container("a", &meet("a", "b")), container("b", &meet("b", "a"))],
    );
    assert_eq!((ran.outcome.exit_code, &ran.outcome.decided_by), (0, &Decider::AllSucceeded));
    assert_eq!((ran.text("a"), ran.text("b")), ("1\n2\n".into(), "1\n2\n".into()));
    let roles: Vec<Role> = ran.outcome.containers.iter().map(|one| one.role).collect();
    assert_eq!(roles, [Role::Init, Role::Init, Role::Regular, Role::Regular]);
}

#[test]
fn an_init_container_that_fails_ends_the_pod() {
    let ran = run_all(vec![container("one", "exit 7"), container("two", "touch $DIR/x")], vec![container("a", "true")]);
    assert_eq!((ran.outcome.exit_code, &ran.outcome.decided_by), (7, &Decider::Container("one".into())));
    assert_eq!(ends(&ran), [("one", End::Exited(7)), ("two", End::NotReached), ("a", End::NotReached)]);
}

#[test]
fn a_builtin_that_fails_ends_the_pod() {
    let init = json!([{"name": "fetch", "image": "x"}]);
    let pod = pod(&json!([container("a", "true")]), &json!({"initContainers": init}));
    let ran = run_with(&pod, &Secrets::default(), |options| {
        options.builtin = Some(Builtin::new("fetch", |_| Err("no such secret".into())));
    });
    assert_eq!(ran.outcome.exit_code, 125);
    assert_eq!(ends(&ran), [("fetch", End::Exited(125)), ("a", End::NotReached)]);
    assert!(ran.record.notes().contains(&"container `fetch` failed: its work failed: no such secret".into()));
}

#[test]
fn the_exit_code() {
    let codes = |primary: Option<&str>| {
        let mut pod = pod(
            &json!([container("a", "exit 0"), container("b", "kill -9 $$$$"), container("c", "exit 3")]),
            &json!({}),
        );
        if let Some(primary) = primary {
            pod["metadata"]["annotations"] = json!({"primary_container_name": primary});
        }
        let ran = run(&pod, &Secrets::default());
        let notes = ran.record.notes();
        (ran.outcome.exit_code, ran.outcome.decided_by, notes.iter().any(|note| note.contains("names `none`")))
    };
    let by = |name: &str| Decider::Container(name.into());
    assert_eq!(codes(None), (137, by("b"), false));
    assert_eq!(codes(Some("a")), (0, by("a"), false));
    assert_eq!(codes(Some("c")), (3, by("c"), false));
    assert_eq!(codes(Some("none")), (137, by("b"), true));
}

#[test]
fn when_the_primary_ends_and_others_do_not_that_is_said() {
    let mut pod = pod(
        &json!(shared(vec![
            container("other", "until test -e $DIR/x; do sleep 0.01; done"),
            container("main", "touch $DIR/x")
        ])),
        &json!({"volumes": [{"name": "v"}]}),
    );
    pod["metadata"]["annotations"] = json!({"primary_container_name": "main"});
    let ran = run(&pod, &Secrets::default());
    assert_eq!(ran.outcome.exit_code, 0);
    // Whether the other one was still there is chance.
    for note in &ran.record.notes {
        assert_eq!(note.to_string(), "primary container `main` ended; still running: other");
    }
}

#[test]
fn args_alone_and_programs_that_cant_be_started() {
    let args = json!({"name": "args", "args": ["echo", "from args"]});
    assert_eq!(run(&pod(&json!([args]), &json!({})), &Secrets::default()).text("args"), "from args\n");

    let dir = json!({"name": "dir", "command": ["/etc"]});
    let ran = run(&pod(&json!([dir, container("other", "echo ran")]), &json!({})), &Secrets::default());
    assert_eq!((ran.outcome.exit_code, ran.text("other").as_str()), (126, "ran\n"));
    assert!(ran.record.notes()[0].starts_with("container `dir` failed: program `/etc` can't be started: "));

    let relative = json!({"name": "relative", "command": ["./no-such-program"]});
    let ran = run(&pod(&json!([relative]), &json!({})), &Secrets::default());
    assert_eq!((ran.outcome.exit_code, ends(&ran)), (127, vec![("relative", End::NotStarted(127))]));
}

#[test]
fn stdin_is_empty() {
    assert_eq!(run(&one("cat; echo done", &json!({})), &Secrets::default()).text("main"), "done\n");
}

#[test]
fn sidecars_run_beside_all_that_follows_and_end_in_reverse() {
    let side = |name: &str| {
        let script = format!(
            "trap 'echo {name} >> $DIR/log; cat $DIR/log; exit 9' TERM; touch $DIR/{name}; while :; do sleep 0.01; done"
        );
        sidecar(name, &script)
    };
    let wait = |name: &str| format!("until test -e $DIR/{name}; do sleep 0.01; done");
    let ran = run_all(
        vec![side("one"), container("init", &wait("one")), side("two")],
        vec![container("main", &format!("{}; echo main >> $DIR/log", wait("two")))],
    );
    assert_eq!((ran.outcome.exit_code, &ran.outcome.decided_by), (0, &Decider::AllSucceeded));
    assert_eq!(ran.text("one"), "main\ntwo\none\n");
    assert_eq!(
        ends(&ran),
        [("one", End::Exited(9)), ("init", End::Exited(0)), ("two", End::Exited(9)), ("main", End::Exited(0))]
    );
}

#[test]
fn a_sidecar_that_dies_is_started_again() {
    let ran = run_all(
        vec![sidecar("side", "echo x >> $DIR/starts; exit 3")],
        vec![container("main", "until test $(wc -l < $DIR/starts) -ge 3; do sleep 0.01; done")],
    );
    assert_eq!(ran.outcome.exit_code, 0);
    let again =
        ran.record.notes.iter().filter(|note| matches!(note, Note::SidecarEnded { end: End::Exited(3), .. })).count();
    assert!(again >= 2, "{:?}", ran.record.notes());
}

#[test]
fn a_sidecar_that_will_not_end_is_killed() {
    let stubborn = sidecar("side", "trap '' TERM; touch $DIR/ready; while :; do sleep 0.01; done");
    let more = json!({"initContainers": shared(vec![stubborn]), "volumes": [{"name": "v"}], "terminationGracePeriodSeconds": 0});
    let pod = pod(&json!(shared(vec![container("main", "until test -e $DIR/ready; do sleep 0.01; done")])), &more);
    let ran = run(&pod, &Secrets::default());
    assert_eq!(ran.outcome.exit_code, 0);
    assert_eq!(ends(&ran), [("side", End::Signalled(9)), ("main", End::Exited(0))]);
    assert!(ran.record.notes().contains(&"killed: side".into()));
}

#[test]
fn a_sidecar_ends_with_a_pod_that_fails_early() {
    let ran =
        run_all(vec![sidecar("side", "sleep 1000"), container("init", "exit 5")], vec![container("main", "true")]);
    assert_eq!(ran.outcome.exit_code, 5);
    assert_eq!(ends(&ran), [("side", End::Signalled(15)), ("init", End::Exited(5)), ("main", End::NotReached)]);

    let ran = run_all(
        vec![sidecar("side", "sleep 1000"), json!({"name": "bad", "command": ["/etc"], "restartPolicy": "Always"})],
        vec![container("main", "true")],
    );
    assert_eq!((ran.outcome.exit_code, ran.outcome.decided_by), (126, Decider::Container("bad".into())));
}

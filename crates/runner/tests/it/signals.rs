//! Signals to the process that runs the pod, and what is left of it afterwards: nothing.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::helper::Helper;
use crate::support::{GUARD, in_namespace, is_running, pod, sh, until};

const LOOP: &str = "while :; do sleep 0.01; done";

/// Containers that see the same directory at `$DIR`, where a secret lies.
fn with_dir(containers: &[Value], init: &[Value]) -> Value {
    let mount = |container: &Value| {
        let mut container = container.clone();
        container["env"] = json!([{"name": "DIR", "value": "/etc/flyte/secrets"}]);
        container["volumeMounts"] = json!([{"name": "v", "mountPath": "/etc/flyte/secrets"}]);
        container
    };
    let all = |list: &[Value]| list.iter().map(mount).collect::<Vec<_>>();
    pod(
        &json!(all(containers)),
        &json!({"initContainers": all(init), "volumes": [{"name": "v"}], "terminationGracePeriodSeconds": 1000}),
    )
}

/// How many private directories a run has.
fn directories() -> usize {
    usize::from(!in_namespace())
}

fn container(name: &str, script: &str) -> Value {
    sh(name, script, &json!({}))
}

#[test]
fn the_first_signal_asks_all_to_end() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let polite = |name: &str| {
            container(
                name,
                &format!("trap 'echo {name} ends; exit 0' TERM; echo secret > $DIR/{name}; echo ready; {LOOP}"),
            )
        };
        let mut side = container("side", &format!("trap 'echo side ends; exit 0' TERM; echo ready; {LOOP}"));
        side["restartPolicy"] = json!("Always");
        let mut helper = Helper::start(&with_dir(&[polite("a"), polite("b")], &[side]), GUARD, &[]);
        for name in ["a", "b", "side"] {
            helper.wait_for(&format!("{name} | ready"));
        }
        assert_eq!(helper.left(), directories());
        helper.signal(signal);
        // Under nohup a hang-up ends nothing; then the run is ended otherwise.
        let code = if signal == Signal::HUP && hangup_is_ignored() {
            helper.signal(Signal::TERM);
            143
        } else {
            code
        };
        assert_eq!(helper.end(), Some(code), "{}", helper.log());
        let log = helper.log();
        for name in ["a", "b", "side"] {
            assert!(log.contains(&format!("{name} | {name} ends")), "{log}");
        }
        assert!(log.find("side ends") > log.find("a ends"), "{log}");
    }
}

#[test]
fn who_does_not_end_is_killed_when_the_time_is_over() {
    let stubborn = container("main", &format!("trap '' TERM; echo $$$$; {LOOP}"));
    let mut helper = Helper::start(&with_dir(&[stubborn], &[]), Duration::from_millis(50), &[]);
    helper.wait_for("main | ");
    helper.signal(Signal::TERM);
    assert_eq!(helper.end(), Some(143));
    assert!(helper.log().contains("note: killed: main"), "{}", helper.log());
}

#[test]
fn a_second_signal_kills_at_once() {
    let stubborn = container("main", &format!("trap 'echo asked' TERM; echo $$$$; (trap '' TERM; {LOOP}) & {LOOP}"));
    let mut helper = Helper::start(&with_dir(&[stubborn], &[]), Duration::from_secs(1000), &[]);
    helper.wait_for("main | ");
    helper.signal(Signal::TERM);
    helper.wait_for("main | asked");
    helper.signal(Signal::INT);
    assert_eq!(helper.end(), Some(143));
    assert!(helper.log().contains("note: killed: main"), "{}", helper.log());
}

#[test]
fn a_signal_during_an_init_container_ends_the_pod() {
    let init = container("init", &format!("trap 'exit 0' TERM; echo ready; {LOOP}"));
    let mut helper = Helper::start(&with_dir(&[container("main", "echo started")], &[init]), GUARD, &[]);
    helper.wait_for("init | ready");
    helper.signal(Signal::INT);
    assert_eq!(helper.end(), Some(130));
    assert!(!helper.log().contains("started"), "{}", helper.log());
}

#[test]
fn a_crash_of_the_task_leaves_nothing() {
    let mut helper =
        Helper::start(&with_dir(&[container("main", "echo x > $DIR/x; kill -SEGV $$$$")], &[]), GUARD, &[]);
    assert_eq!(helper.end(), Some(128 + 11));
}

#[test]
fn a_panic_of_the_caller_leaves_nothing() {
    // There a process has another number than here, and ends with the run: see `namespace.rs`.
    if in_namespace() {
        return;
    }
    let main = container("main", &format!("echo $$$$; echo panic; trap '' TERM; {LOOP}"));
    let mut helper = Helper::start(&with_dir(&[main], &[]), GUARD, &[("PANIC", "panic")]);
    assert_eq!(helper.end(), Some(101), "{}", helper.log());
    let log = helper.log();
    let pid = log.trim_start_matches("main | ").lines().next().unwrap().to_owned();
    until("the container's end", || !is_running(&pid));
}

#[test]
fn what_a_killed_run_left_is_gone_after_the_next() {
    // There a process has another number than here, and ends with the run: see `namespace.rs`.
    if in_namespace() {
        return;
    }
    let mut helper = Helper::start(
        &with_dir(&[container("main", &format!("echo secret > $DIR/x; echo $$$$; {LOOP}"))], &[]),
        GUARD,
        &[],
    );
    helper.wait_for("main | ");
    let log = helper.log();
    let pid = log.trim_start_matches("main | ").trim();
    helper.signal(Signal::KILL);
    helper.wait();
    assert_eq!(helper.left(), 1);

    let mut next = Helper::start_in(helper.dir(), &with_dir(&[container("main", "true")], &[]), GUARD, &[]);
    assert_eq!(next.end(), Some(0));
    assert!(next.log().contains("removed the private directory of an earlier run that was killed"), "{}", next.log());
    // Nobody was there to end it.
    let pid = pid.parse().ok().and_then(rustix::process::Pid::from_raw).unwrap();
    rustix::process::kill_process_group(pid, Signal::KILL).unwrap();
}

#[test]
fn a_run_beside_another_keeps_its_directory() {
    let mut first = Helper::start(
        &with_dir(&[container("main", &format!("trap 'exit 0' TERM; echo ready; {LOOP}"))], &[]),
        GUARD,
        &[],
    );
    first.wait_for("main | ready");
    let parent = first.parent();
    let mut record = crate::support::Record::default();
    let pod = crate::support::read(&with_dir(&[container("main", "true")], &[]));
    let outcome =
        runner::run(&pod, &crate::support::Secrets::default(), crate::support::options(&parent), &mut record).unwrap();
    assert_eq!((outcome.exit_code, record.notes.len(), first.left()), (0, 0, directories()));
    first.signal(Signal::TERM);
    assert_eq!(first.end(), Some(143));
}

#[test]
fn after_a_run_signals_have_their_effect_again() {
    let mut helper = Helper::start(&with_dir(&[container("main", "true")], &[]), GUARD, &[("AFTER", "1")]);
    assert_eq!(helper.wait().signal(), Some(15), "{}", helper.log());
    assert_eq!(helper.left(), 0);
}

/// Whether this process was started to outlive its terminal; what it starts is, too.
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 != 0)
}

//! However a run in namespaces ends, it ends whole: no process is left, and no file.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::helper::Helper;
use crate::namespace::{ROOT, run};
use crate::support::{GUARD, NAMESPACE, Secrets, marked, no_namespace, pod, sh, state, until};

/// A word that no other process has in its environment.
fn mark() -> String {
    static LAST: AtomicUsize = AtomicUsize::new(0);
    format!("mark-{}-{}-", std::process::id(), LAST.fetch_add(1, Ordering::Relaxed))
}

fn helper(pod: &Value, more: &[(&str, &str)]) -> Helper {
    let namespace = NAMESPACE.strip_prefix("RUNNER_TEST_").unwrap();
    Helper::start(pod, GUARD, &[more, &[(namespace, "1")]].concat())
}

/// Starts a process that leaves its group, keeps nothing open, and does not want to end.
const DAEMON: &str = r"
import os, signal, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.close(1); os.close(2)
        time.sleep(1000)
    os._exit(0)
os.wait()
";

#[test]
fn a_daemon_ends_with_the_pod_and_is_counted() {
    if no_namespace() {
        return;
    }
    let mark = mark();
    let main = json!({"name": "main", "command": ["python3", "-c", DAEMON], "env": [{"name": "MARK", "value": mark}]});
    let ran = run(&pod(&json!([main]), &json!({})), &Secrets::default());
    assert_eq!(ran.record.notes(), ["killed: 1 process that had left its container"]);
    assert_eq!(marked(&mark), Vec::<String>::new());
}

#[test]
fn what_a_container_leaves_in_its_group_ends_with_it() {
    if no_namespace() {
        return;
    }
    let mark = mark();
    let first = sh(
        "first",
        "trap '' TERM; (trap '' TERM; sleep 1000) & sleep 1000 & true",
        &json!({"env": [{"name": "MARK", "value": mark}]}),
    );
    let other = sh(
        "other",
        &format!("while grep -qa {mark} /proc/[0-9]*/environ 2>/dev/null; do sleep 0.01; done"),
        &json!({}),
    );
    let ran = run(&pod(&json!([first, other]), &json!({})), &Secrets::default());
    assert_eq!((ran.outcome.exit_code, ran.record.notes().len()), (0, 0), "{:?}", ran.record.notes());
    assert_eq!(marked(&mark), Vec::<String>::new());
}

/// A pod that keeps secrets in files and processes in every corner.
fn busy(mark: &str, script: &str) -> Value {
    let env = json!([{"name": "MARK", "value": mark}]);
    let mounts = json!([{"name": "m", "mountPath": ROOT}]);
    let daemon = json!({"name": "daemon", "command": ["python3", "-c", DAEMON], "env": env, "volumeMounts": mounts});
    let init = sh("init", &format!("echo {mark}in-a-file > {ROOT}/file"), &json!({"env": env, "volumeMounts": mounts}));
    let script = format!("(trap '' TERM; sleep 1000) & cat {ROOT}/file; echo ready; {script}");
    let main = sh("main", &script, &json!({"env": env, "volumeMounts": mounts}));
    pod(
        &json!([main]),
        &json!({"initContainers": [init, daemon], "volumes": [{"name": "m"}], "terminationGracePeriodSeconds": 1000}),
    )
}

/// Whether a file somewhere below holds the text.
fn holds(dir: &Path, text: &str) -> bool {
    let entries = std::fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
    entries.map(|entry| entry.path()).any(|path| match path.symlink_metadata() {
        Ok(data) if data.is_dir() => holds(&path, text),
        Ok(data) if data.is_file() => {
            std::fs::read(&path).is_ok_and(|bytes| bytes.windows(text.len()).any(|part| part == text.as_bytes()))
        }
        _ => false,
    })
}

#[test]
fn a_run_that_is_killed_leaves_neither_a_process_nor_a_file() {
    if no_namespace() {
        return;
    }
    for signal in [Signal::KILL, Signal::ILL] {
        let mark = mark();
        let mut helper = helper(&busy(&mark, "trap '' TERM; while :; do sleep 0.01; done"), &[]);
        helper.wait_for("main | ready");
        let file = format!("{mark}in-a-file");
        // While it runs, the file is where the pod wants it, and nowhere else.
        assert!(helper.log().contains(&file), "{}", helper.log());
        assert!(!Path::new(ROOT).exists() && helper.left() == 0);
        assert!(marked(&mark).len() >= 3);
        helper.signal(signal);
        helper.wait();
        until("the end of all processes", || marked(&mark).is_empty());
        assert_eq!(helper.left(), 0);
        assert!(!holds(Path::new("/dev/shm"), &file) && !holds(&helper.parent(), &file));
    }
}

#[test]
fn a_run_whose_init_is_killed_says_so_and_ends() {
    if no_namespace() {
        return;
    }
    let mark = mark();
    let mut helper = helper(&busy(&mark, "while :; do sleep 0.01; done"), &[]);
    helper.wait_for("main | ready");
    // Of all processes of the pod, init is the parent.
    let parent = |pid: &String| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse::<i32>().ok()
    };
    let daemon = marked(&mark).iter().filter_map(parent).find(|pid| {
        std::fs::read_to_string(format!("/proc/{pid}/status"))
            .is_ok_and(|status| status.lines().any(|line| line.starts_with("NSpid:") && line.ends_with("\t1")))
    });
    let init = rustix::process::Pid::from_raw(daemon.unwrap()).unwrap();
    rustix::process::kill_process(init, Signal::KILL).unwrap();
    assert_eq!(helper.end(), Some(101), "{}", helper.log());
    assert_eq!(marked(&mark), Vec::<String>::new());
}

#[test]
fn a_panic_of_the_caller_leaves_nothing_either() {
    if no_namespace() {
        return;
    }
    let mark = mark();
    let mut helper = helper(&busy(&mark, "trap '' TERM; while :; do sleep 0.01; done"), &[("PANIC", "ready")]);
    assert_eq!(helper.end(), Some(101), "{}", helper.log());
    assert_eq!(marked(&mark), Vec::<String>::new());
}

#[test]
fn a_stopped_group_still_ends() {
    if no_namespace() {
        return;
    }
    let mark = mark();
    let main = sh(
        "main",
        "trap 'echo bye; exit 4' TERM; kill -STOP $$$$; while :; do sleep 0.01; done",
        &json!({"env": [{"name": "MARK", "value": mark}]}),
    );
    let mut helper = helper(&pod(&json!([main]), &json!({"terminationGracePeriodSeconds": 1000})), &[]);
    until("the stop", || marked(&mark).iter().any(|pid| state(pid) == Some('T')));
    helper.signal(Signal::TERM);
    assert_eq!(helper.end(), Some(143));
    assert!(helper.log().contains("main | bye"), "{}", helper.log());
}

#[test]
fn signals_of_the_terminal_are_the_runs_alone() {
    if no_namespace() {
        return;
    }
    // As Ctrl-C does: to all of the foreground group.
    let main = sh("main", "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.01; done", &json!({}));
    let mut helper = helper(&pod(&json!([main]), &json!({"terminationGracePeriodSeconds": 1000})), &[("GROUP", "1")]);
    helper.wait_for("main | ready");
    helper.signal_group(Signal::INT);
    assert_eq!(helper.end(), Some(130), "{}", helper.log());
    assert!(helper.log().contains("main | bye") && !helper.log().contains("killed"), "{}", helper.log());
}

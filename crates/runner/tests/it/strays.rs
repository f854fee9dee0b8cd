//! Processes that a container leaves behind.

use std::time::Duration;

use serde_json::json;

use crate::helper::Helper;
use crate::support::{Secrets, in_namespace, is_running, one, run, state, until};

#[test]
fn what_is_left_in_the_group_is_killed() {
    // There a process has another number than here, and ends with the run: see `namespace.rs`.
    if in_namespace() {
        return;
    }
    let ran = run(
        &one("sleep 1000 & echo $!; trap '' TERM; (trap '' TERM; sleep 1000) & echo $!", &json!({})),
        &Secrets::default(),
    );
    assert_eq!(ran.outcome.exit_code, 0);
    for pid in ran.text("main").lines() {
        until("the end of a process of the group", || !is_running(pid));
    }
}

#[test]
fn one_that_left_the_group_and_holds_the_pipe_hangs_nothing() {
    // There a process has another number than here, and ends with the run: see `namespace.rs`.
    if in_namespace() {
        return;
    }
    let script = r"
import os, time
print('before', flush=True)
read, write = os.pipe()
if os.fork() == 0:
    os.setsid()
    print(os.getpid(), flush=True)
    os.write(write, b'x')
    time.sleep(1000)
os.read(read, 1)
";
    let main = json!({"spec": {"containers": [{"name": "main", "command": ["python3", "-c", script]}]}});
    let ran = run(&main, &Secrets::default());
    assert_eq!(ran.outcome.exit_code, 0);
    let text = ran.text("main");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "before");
    // It is the system's now, and ours to end.
    let pid = lines[1].parse().ok().and_then(rustix::process::Pid::from_raw).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_daemon_ends_with_the_pod_if_asked() {
    let script = r"
import os, time
for _ in range(2):
    child = os.fork()
    if child == 0:
        os.setsid()
        if os.fork() == 0:
            os.close(1); os.close(2)
            time.sleep(1000)
        os._exit(0)
    os.waitpid(child, 0)
";
    let mark = format!("stray-{}", std::process::id());
    let pod = json!({"spec": {"containers": [{"name": "main", "command": ["python3", "-c", script, mark]}]}});
    let mut helper = Helper::start(&pod, crate::support::GUARD, &[("STRAYS", "1")]);
    assert_eq!(helper.end(), Some(0), "{}", helper.log());
    assert!(helper.log().contains("killed: 2 processes that had left their container"), "{}", helper.log());
    assert!(!all_commands().contains(&mark));
}

#[cfg(target_os = "linux")]
fn all_commands() -> String {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let commands = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    String::from_utf8_lossy(&commands.flatten().collect::<Vec<u8>>()).into_owned()
}

#[test]
fn a_stopped_group_still_ends() {
    // There a process has another number than here, and ends with the run: see `namespace.rs`.
    if in_namespace() {
        return;
    }
    let pod = json!({"spec": {"terminationGracePeriodSeconds": 1000, "containers": [
        {"name": "main", "command": ["sh", "-c", "trap 'echo bye; exit 4' TERM; echo $$$$; kill -STOP $$$$; while :; do sleep 0.01; done"]}]}});
    let mut helper = Helper::start(&pod, Duration::from_secs(1000), &[]);
    helper.wait_for("main | ");
    let log = helper.log();
    let pid = log.trim_start_matches("main | ").lines().next().unwrap();
    until("the stop", || state(pid) == Some('T'));
    helper.signal(rustix::process::Signal::TERM);
    assert_eq!(helper.end(), Some(143));
    assert!(helper.log().contains("main | bye"), "{}", helper.log());
}

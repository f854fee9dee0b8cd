//! A run that is ended from outside leaves nothing behind.

use crate::support::{Place, Started, private_dirs, script, until};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

const ASKED: &str = "[{group: g, key: k, mount: file, env_var: F}]";

fn is_there(process: &str) -> bool {
    // One that has ended and that nobody has waited for is not there any more.
    fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// Starts a task (`$$` is a `$` there, as in a cluster) that prints its number, that of a process it starts, and where its secret is.
fn started<'p>(place: &'p Place, rest: &str) -> (Started<'p>, Vec<String>, String) {
    let task = format!("sleep 1000 & echo $$$$ $!; echo $F; {rest}");
    fs::write(
        place.path("pod.yaml"),
        script(ASKED, &task).replace("restartPolicy", "terminationGracePeriodSeconds: 1\n  restartPolicy"),
    )
    .unwrap();
    let started = place.start(&["pod.yaml", "--secret", "g/k=v"]);
    started.until_it_says("/g/k\n");
    let stdout = started.stdout();
    let mut lines = stdout.lines();
    let processes = lines.next().unwrap().split(' ').map(str::to_owned).collect();
    let file = lines.next().unwrap().to_owned();
    (started, processes, file)
}

fn nothing_is_left(processes: &[String], file: &str) {
    assert!(!Path::new(file).exists());
    for process in processes {
        until(|| !is_there(process));
    }
}

#[test]
fn an_interrupt_and_a_request_to_end() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("QUIT", 131), ("HUP", 129)] {
        let place = Place::new();
        let (started, processes, file) = started(&place, "wait");
        assert_eq!(fs::read_to_string(&file).unwrap(), "v");
        started.signal(signal);
        // Under nohup a hang-up ends nothing; then the run is ended otherwise.
        let code = if signal == "HUP" && hangup_is_ignored() {
            started.signal("TERM");
            143
        } else {
            code
        };
        started.end().code(code).complains(&[&format!("note: signal {}", code - 128)]);
        nothing_is_left(&processes, &file);
    }
}

/// Whether this process was started to outlive its terminal; what it starts is, too.
fn hangup_is_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 != 0)
}

#[test]
fn a_task_may_tidy_up_first_and_its_code_is_the_signals() {
    let place = Place::new();
    let (started, processes, file) = started(&place, "trap 'echo tidy; exit 7' TERM; wait");
    started.signal("TERM");
    started.end().code(143).says(&["tidy\n"]);
    nothing_is_left(&processes, &file);
}

#[test]
fn a_task_that_does_not_listen_is_killed_after_its_time() {
    let place = Place::new();
    let (started, processes, file) = started(&place, "trap '' TERM INT; while :; do sleep 0.1; done");
    started.signal("INT");
    started.end().code(130).complains(&["note: killed: main"]);
    nothing_is_left(&processes, &file);
}

#[test]
fn a_second_signal_does_not_wait() {
    let place = Place::new();
    let (started, processes, file) = started(&place, "trap '' TERM INT; while :; do sleep 0.1; done");
    let start = Instant::now();
    started.signal("INT");
    until(|| started.stderr().contains("note: signal 2"));
    started.signal("INT");
    started.end().code(130);
    assert!(start.elapsed() < Duration::from_millis(900), "{:?}", start.elapsed());
    nothing_is_left(&processes, &file);
}

#[test]
fn a_signal_before_the_first_container_has_ended() {
    let place = Place::new();
    let spec = "initContainers: [{name: i, command: [sh, -c, 'echo up; sleep 1000']}]\ncontainers: [{name: m, command: [echo, started]}]";
    fs::write(place.path("pod.yaml"), crate::support::pod("[]", spec)).unwrap();
    let started = place.start(&["pod.yaml"]);
    started.until_it_says("up");
    started.signal("TERM");
    let said = started.end().code(143);
    assert!(!said.stdout.contains("started"));
}

#[test]
fn a_task_that_crashes_or_leaves_processes_behind() {
    for rest in ["kill -SEGV $$$$", "exit 1", "exit 0", "setsid sleep 1000 & exit 0"] {
        let place = Place::new();
        let (started, processes, file) = started(&place, rest);
        let said = started.end();
        let code = if rest.contains("SEGV") { 139 } else { i32::from(rest == "exit 1") };
        said.code(code);
        nothing_is_left(&processes, &file);
    }
}

#[test]
fn what_a_killed_run_left_the_next_one_removes() {
    let place = Place::new();
    let (started, processes, file) = started(&place, "wait");
    let id = started.id();
    started.signal("KILL");
    assert_eq!(started.end_as_it_may().code, None);
    assert!(Path::new(&file).exists() || private_dirs(id).is_empty(), "a run beside this one may have been the next");
    fs::write(place.path("pod.yaml"), script("[]", "true")).unwrap();
    place.run(&["pod.yaml"]).code(0);
    until(|| private_dirs(id).is_empty());
    for process in processes {
        let _ = std::process::Command::new("kill").args(["-KILL", &process]).status();
    }
}

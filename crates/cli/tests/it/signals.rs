//! A run that is ended from outside leaves nothing behind.

use crate::support::{CANARY, Place, Said, Started, private_dirs, script, until};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const ASKED: &str = "[{group: g, key: k, mount: file, env_var: F}]";

/// Both ways to keep a run's files.
const ISOLATIONS: [&str; 2] = ["namespace", "none"];

/// A run under way, whose processes can be told from all others.
struct Task<'p> {
    run: Started<'p>,
    mark: String,
    /// Where the task finds its secret.
    file: String,
}

impl<'p> Task<'p> {
    /// Starts a task (`$$` is a `$` there, as in a cluster) that starts another process, and says where its secret is.
    fn start(place: &'p Place, isolation: &str, rest: &str) -> Self {
        let mark = format!("MARK={}", place.path("").display());
        let task = format!("export {mark}; sleep 1000 & echo $F; {rest}");
        let pod = script(ASKED, &task).replace("restartPolicy", "terminationGracePeriodSeconds: 1\n  restartPolicy");
        fs::write(place.path("pod.yaml"), pod).unwrap();
        let run = place.start(&["pod.yaml", "--secret", &format!("g/k={CANARY}"), "--isolation", isolation]);
        run.until_it_says("/g/k\n");
        let file = run.stdout().trim().to_owned();
        Self { run, mark, file }
    }

    /// What the task finds in the file, as long as it has a process.
    fn secret(&self) -> String {
        // The other process carries the mark once it has become `sleep`.
        until(|| !with_environment(&self.mark).is_empty());
        let process = with_environment(&self.mark).into_iter().next().expect("it runs");
        fs::read_to_string(format!("/proc/{process}/root{}", self.file)).unwrap()
    }

    /// Waits for the end; nothing of it is left.
    fn end(self) -> Said {
        let said = self.run.end();
        assert!(!Path::new(&self.file).exists());
        until(|| with_environment(&self.mark).is_empty());
        said
    }
}

/// The processes, of any PID namespace, that were started with this env var.
pub(crate) fn with_environment(variable: &str) -> Vec<u32> {
    let has = |process: &u32| {
        let environment = fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|one| one == variable.as_bytes())
    };
    processes().filter(has).collect()
}

fn processes() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// What a process has started, and so on.
pub(crate) fn below(process: u32) -> Vec<u32> {
    let parent = |process: &u32| {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        stat.rsplit(") ").next()?.split(' ').nth(1)?.parse::<u32>().ok()
    };
    let children: Vec<u32> = processes().filter(|one| parent(one) == Some(process)).collect();
    children.iter().flat_map(|child| below(*child)).chain(children.iter().copied()).collect()
}

/// One that has ended and that nobody has waited for is not there any more.
pub(crate) fn is_there(process: u32) -> bool {
    fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn an_interrupt_and_a_request_to_end() {
    for isolation in ISOLATIONS {
        for (signal, code) in
            [("INT", 130), ("TERM", 143), ("QUIT", 131), ("HUP", 129), ("ABRT", 134), ("ALRM", 142), ("USR1", 138)]
        {
            let place = Place::new();
            let task = Task::start(&place, isolation, "wait");
            assert_eq!(task.secret(), CANARY);
            task.run.signal(signal);
            // Under nohup a hang-up ends nothing; then the run is ended otherwise.
            let (signal, code) = if signal == "HUP" && hangup_is_ignored() {
                task.run.signal("TERM");
                ("TERM", 143)
            } else {
                (signal, code)
            };
            task.end().code(code).complains(&[&format!("note: SIG{signal}: ")]);
        }
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
    for isolation in ISOLATIONS {
        let place = Place::new();
        let task = Task::start(&place, isolation, "trap 'echo tidy; exit 7' TERM; wait");
        task.run.signal("TERM");
        task.end().code(143).says(&["tidy\n"]);
    }
}

const DEAF: &str = "trap '' TERM INT; while :; do sleep 0.1; done";

#[test]
fn a_task_that_does_not_listen_is_killed_after_its_time() {
    for isolation in ISOLATIONS {
        let place = Place::new();
        let task = Task::start(&place, isolation, DEAF);
        task.run.signal("INT");
        task.end().code(130).complains(&["note: killed: main"]);
    }
}

#[test]
fn a_second_signal_does_not_wait() {
    for isolation in ISOLATIONS {
        let place = Place::new();
        let task = Task::start(&place, isolation, DEAF);
        let start = Instant::now();
        task.run.signal("INT");
        until(|| task.run.stderr().contains("note: SIGINT: "));
        task.run.signal("INT");
        task.end().code(130);
        assert!(start.elapsed() < Duration::from_millis(900), "{:?}", start.elapsed());
    }
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
    for isolation in ISOLATIONS {
        for (rest, code) in [("kill -SEGV $$$$", 139), ("exit 1", 1), ("exit 0", 0), ("setsid sleep 1000 & exit 0", 0)]
        {
            let place = Place::new();
            Task::start(&place, isolation, rest).end().code(code);
        }
    }
}

#[test]
fn a_run_that_is_killed_in_its_namespaces_leaves_neither_process_nor_file() {
    let place = Place::new();
    let Task { run, mark, file } = Task::start(&place, "namespace", "setsid sleep 1000 & wait");
    let (id, all) = (run.id(), below(run.id()));
    // Launcher, init, the shell and what that has started: all that could hold the memory in which the secret is.
    assert!(all.len() >= 5, "{all:?}");
    run.signal("KILL");
    assert_eq!(run.end_as_it_may().code, None);
    for process in all {
        until(|| !is_there(process));
    }
    until(|| with_environment(&mark).is_empty());
    assert!(!Path::new(&file).exists());
    assert_eq!(private_dirs(id), Vec::<PathBuf>::new());
    assert_eq!(place.files_with(CANARY), Vec::<PathBuf>::new());
}

#[test]
fn what_a_killed_run_left_the_next_one_removes() {
    let place = Place::new();
    let Task { run, mark, file } = Task::start(&place, "none", "wait");
    let id = run.id();
    run.signal("KILL");
    assert_eq!(run.end_as_it_may().code, None);
    assert!(Path::new(&file).exists() || private_dirs(id).is_empty(), "a run beside this one may have been the next");
    fs::write(place.path("pod.yaml"), script("[]", "true")).unwrap();
    place.run(&["pod.yaml"]).code(0);
    until(|| private_dirs(id).is_empty());
    for process in with_environment(&mark) {
        let _ = std::process::Command::new("kill").args(["-KILL", &process.to_string()]).status();
    }
}

//! The runner in a process of its own, for tests that end it: this test program again, with a pod in an env var.

use std::ffi::OsString;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use runner::{Note, Outcome, Output, Pod, Stream};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{GUARD, Secrets, options, until};

const POD: &str = "RUNNER_TEST_POD";
const PARENT: &str = "RUNNER_TEST_PARENT";
const GRACE: &str = "RUNNER_TEST_GRACE_MS";
const STRAYS: &str = "RUNNER_TEST_STRAYS";
const PANIC: &str = "RUNNER_TEST_PANIC";
const AFTER: &str = "RUNNER_TEST_AFTER";

/// Writes all to one file, a line each, and may panic at a word.
struct Log(std::fs::File, Option<String>);

impl Output for Log {
    fn piece(&mut self, container: &str, _: Stream, bytes: &[u8]) -> ControlFlow<()> {
        let text = String::from_utf8_lossy(bytes);
        // In one piece, for the test reads along.
        self.0.write_all(format!("{container} | {text}").as_bytes()).unwrap();
        assert!(self.1.as_ref().is_none_or(|word| !text.contains(word)), "as asked");
        ControlFlow::Continue(())
    }

    fn note(&mut self, note: &Note) {
        writeln!(self.0, "note: {note}").unwrap();
    }
}

/// Not a test but the process that the tests start.
#[test]
#[expect(clippy::exit, reason = "the exit code is what is tested")]
fn in_a_process_of_its_own() {
    let Some(pod) = std::env::var_os(POD) else { return };
    let parent = PathBuf::from(std::env::var_os(PARENT).unwrap());
    let log = std::fs::File::create(parent.with_extension("log")).unwrap();
    let mut options = options(&parent);
    options.grace = Duration::from_millis(std::env::var(GRACE).unwrap().parse().unwrap());
    options.own_strays = std::env::var_os(STRAYS).is_some();
    let pod = Pod::from_json(pod.to_str().unwrap()).unwrap();
    let mut log = Log(log, std::env::var(PANIC).ok());
    let Outcome { exit_code, .. } = runner::run(&pod, &Secrets::default(), options, &mut log).unwrap();
    if std::env::var_os(AFTER).is_some() {
        kill_process(rustix::process::getpid(), Signal::TERM).unwrap();
        // Another thread may be the one that it is delivered to.
        std::thread::sleep(GUARD);
    }
    std::process::exit(exit_code.into());
}

/// The words for this test program to do one test, on its first thread.
pub(crate) fn args(test: &str) -> Vec<OsString> {
    ["--exact", test, "--nocapture", "--test-threads=1", "--quiet"].map(OsString::from).into()
}

/// A process that runs a pod.
pub(crate) struct Helper {
    child: Child,
    dir: Arc<tempfile::TempDir>,
}

impl Helper {
    pub(crate) fn start(pod: &Value, grace: Duration, more: &[(&str, &str)]) -> Helper {
        Helper::start_in(Arc::new(tempfile::tempdir().unwrap()), pod, grace, more)
    }

    pub(crate) fn start_in(dir: Arc<tempfile::TempDir>, pod: &Value, grace: Duration, more: &[(&str, &str)]) -> Helper {
        let parent = dir.path().join("private");
        if !parent.exists() {
            std::fs::create_dir(&parent).unwrap();
        }
        let mut command = Command::new(std::env::current_exe().unwrap());
        if more.iter().any(|(name, _)| *name == "GROUP") {
            command.process_group(0);
        }
        let child = command
            .args(args("helper::in_a_process_of_its_own"))
            .env(POD, pod.to_string())
            .env(PARENT, parent)
            .env(GRACE, grace.as_millis().to_string())
            .envs(more.iter().map(|(name, value)| (format!("RUNNER_TEST_{name}"), value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Helper { child, dir }
    }

    /// Where the run's private directory is.
    pub(crate) fn parent(&self) -> PathBuf {
        self.dir.path().join("private")
    }

    /// What outlives this run, for another one in the same place.
    pub(crate) fn dir(&self) -> Arc<tempfile::TempDir> {
        Arc::clone(&self.dir)
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.parent().with_extension("log")).unwrap_or_default()
    }

    pub(crate) fn wait_for(&self, text: &str) {
        until(text, || self.log().contains(text));
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// To all of its group; it must have been started with `GROUP`.
    #[cfg(target_os = "linux")]
    pub(crate) fn signal_group(&self, signal: Signal) {
        rustix::process::kill_process_group(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        until("the helper's end", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    /// Waits for the end; gives the exit code. The private directory must be gone.
    pub(crate) fn end(&mut self) -> Option<i32> {
        let status = self.wait();
        assert_eq!(self.left(), 0, "the private directory is still there\n{}", self.log());
        status.code()
    }

    /// The number of private directories.
    pub(crate) fn left(&self) -> usize {
        std::fs::read_dir(self.parent()).unwrap().count()
    }
}

/// A test that fails leaves nothing behind either.
impl Drop for Helper {
    fn drop(&mut self) {
        for _ in 0..2 {
            if matches!(self.child.try_wait(), Ok(None)) {
                _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
                std::thread::sleep(Duration::from_millis(100));
            }
        }
        _ = self.child.wait();
    }
}

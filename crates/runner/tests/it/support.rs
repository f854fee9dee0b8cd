//! A pod in JSON, Secrets in a map, and what a run said.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use runner::{
    Framing, Isolation, Note, Options, Outcome, Output, Pod, Prepared, Problem, RunError, SecretObjects, Stream,
};
use serde_json::{Value, json};

/// Long enough for any machine; only a test that hangs ever waits for it.
pub(crate) const GUARD: Duration = Duration::from_secs(50);

#[derive(Default, Clone)]
pub(crate) struct Secrets(pub(crate) BTreeMap<String, BTreeMap<String, Vec<u8>>>);

impl Secrets {
    pub(crate) fn with(mut self, name: &str, key: &str, value: impl Into<Vec<u8>>) -> Self {
        self.0.entry(name.into()).or_default().insert(key.into(), value.into());
        self
    }
}

impl SecretObjects for Secrets {
    fn get(&self, name: &str, key: &str) -> Option<Vec<u8>> {
        self.0.get(name)?.get(key).cloned()
    }

    fn keys(&self, name: &str) -> Option<Vec<String>> {
        Some(self.0.get(name)?.keys().cloned().collect())
    }
}

/// What a run said.
#[derive(Default)]
pub(crate) struct Record {
    pub(crate) pieces: Vec<(String, Stream, Vec<u8>)>,
    pub(crate) notes: Vec<Note>,
    pub(crate) framing: Framing,
}

impl Output for Record {
    fn piece(&mut self, container: &str, stream: Stream, bytes: &[u8]) -> ControlFlow<()> {
        self.pieces.push((container.into(), stream, bytes.into()));
        ControlFlow::Continue(())
    }

    fn note(&mut self, note: &Note) {
        self.notes.push(note.clone());
    }

    fn framing(&mut self, _: &str) -> Framing {
        self.framing
    }
}

impl Record {
    /// All that a container wrote to standard output.
    pub(crate) fn bytes(&self, container: &str) -> Vec<u8> {
        let mine = self.pieces.iter().filter(|(name, stream, _)| name == container && *stream == Stream::Stdout);
        mine.flat_map(|(_, _, bytes)| bytes.clone()).collect()
    }

    pub(crate) fn text(&self, container: &str) -> String {
        String::from_utf8(self.bytes(container)).unwrap()
    }

    pub(crate) fn notes(&self) -> Vec<String> {
        self.notes.iter().map(Note::to_string).collect()
    }
}

/// The env var by which all tests use namespaces; see `both.rs`.
pub(crate) const NAMESPACE: &str = "RUNNER_TEST_NAMESPACE";

/// The env var that names [`init`].
pub(crate) const INIT: &str = "RUNNER_TEST_INIT";

pub(crate) fn in_namespace() -> bool {
    std::env::var_os(NAMESPACE).is_some()
}

/// The program that becomes the first process of a namespace. Where it was built, another user may not see it.
pub(crate) fn init() -> OsString {
    std::env::var_os(INIT).unwrap_or_else(|| env!("CARGO_BIN_EXE_runner-test-init").into())
}

/// Options as the program would set them, with a directory of the test's own.
pub(crate) fn options(parent: &Path) -> Options<'static> {
    Options {
        isolation: if in_namespace() { Isolation::Namespace } else { Isolation::Directory },
        init_command: Some(vec![init()]),
        host_env: std::env::vars_os().collect(),
        private_parent: Some(parent.into()),
        grace: GUARD,
        restart_delay: Duration::from_millis(5),
        ..Options::default()
    }
}

/// A run that was not refused, and the directory that it must have left empty.
pub(crate) struct Ran {
    pub(crate) outcome: Outcome,
    pub(crate) record: Record,
}

impl Ran {
    pub(crate) fn text(&self, container: &str) -> String {
        self.record.text(container)
    }
}

pub(crate) fn run(pod: &Value, secrets: &Secrets) -> Ran {
    run_with(pod, secrets, |_| {})
}

pub(crate) fn run_with<'a>(pod: &Value, secrets: &Secrets, change: impl FnOnce(&mut Options<'a>)) -> Ran {
    record(pod, secrets, Framing::Lines, change)
}

/// A run without Secrets whose output is cut that way.
pub(crate) fn told<'a>(pod: &Value, framing: Framing, change: impl FnOnce(&mut Options<'a>)) -> Ran {
    record(pod, &Secrets::default(), framing, change)
}

fn record<'a>(pod: &Value, secrets: &Secrets, framing: Framing, change: impl FnOnce(&mut Options<'a>)) -> Ran {
    let dir = tempfile::tempdir().unwrap();
    let mut options = options(dir.path());
    change(&mut options);
    let mut record = Record { framing, ..Record::default() };
    let outcome = runner::run(&read(pod), secrets, options, &mut record).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "the private directory is still there");
    Ran { outcome, record }
}

pub(crate) fn prepare(pod: &Value, secrets: &Secrets) -> Result<Prepared<'static>, RunError> {
    Ok(runner::prepare(&read(pod), secrets, options(Path::new("/nowhere")))?)
}

/// The reasons why a pod is refused.
pub(crate) fn problems(pod: &Value, secrets: &Secrets) -> Vec<Problem> {
    match prepare(pod, secrets) {
        Err(RunError::Refused(refusal)) => refusal.problems,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("not refused"),
    }
}

pub(crate) fn read(pod: &Value) -> Pod {
    Pod::from_json(&pod.to_string()).unwrap()
}

/// A pod with containers, and whatever else its spec has.
pub(crate) fn pod(containers: &Value, more: &Value) -> Value {
    let mut spec = json!({"restartPolicy": "Never", "containers": containers});
    merge(&mut spec, more);
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "test"}, "spec": spec})
}

/// A container that runs a script.
pub(crate) fn sh(name: &str, script: &str, more: &Value) -> Value {
    let mut container = json!({"name": name, "command": ["sh", "-c"], "args": [script]});
    merge(&mut container, more);
    container
}

fn merge(object: &mut Value, more: &Value) {
    for (key, value) in more.as_object().into_iter().flatten() {
        object[key] = value.clone();
    }
}

/// A pod of one container that runs a script.
pub(crate) fn one(script: &str, more: &Value) -> Value {
    pod(&json!([sh("main", script, more)]), &json!({}))
}

/// Waits until something is so.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < GUARD, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether a process still runs. One that has ended but that nobody has waited for does not.
pub(crate) fn is_running(pid: &str) -> bool {
    !matches!(state(pid), None | Some('Z'))
}

/// The letter for a process's state: `R`, `S`, `T` (stopped), `Z` (ended). Not every Linux has `ps`, and only Linux has `/proc`.
pub(crate) fn state(pid: &str) -> Option<char> {
    if Path::new("/proc/self/stat").exists() {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        return stat.rsplit_once(')')?.1.trim_start().chars().next();
    }
    let output = std::process::Command::new("ps").args(["-o", "stat=", "-p", pid]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim_start().chars().next()
}

/// Whether this user can't have namespaces here.
#[cfg(target_os = "linux")]
#[expect(clippy::print_stdout, reason = "what is not tested should not go unnoticed")]
pub(crate) fn no_namespace() -> bool {
    let options = Options { isolation: Isolation::Namespace, ..options(Path::new("/nowhere")) };
    match runner::prepare(&read(&one("true", &json!({}))), &Secrets::default(), options) {
        Ok(_) => false,
        Err(refusal) => {
            println!("not tested: {refusal}");
            true
        }
    }
}

/// The processes with this text in their environment that have not ended.
#[cfg(target_os = "linux")]
pub(crate) fn marked(mark: &str) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let numbers = processes.filter_map(|process| process.file_name().into_string().ok());
    let has_mark = |pid: &String| {
        let env = std::fs::read(format!("/proc/{pid}/environ"));
        env.is_ok_and(|env| env.windows(mark.len()).any(|part| part == mark.as_bytes())) && is_running(pid)
    };
    numbers.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())).filter(has_mark).collect()
}

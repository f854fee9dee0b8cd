//! `cargo xtask test`: every test of the repo.

use crate::failure::Failure;
use crate::workspace::Workspace;
use crate::{process, python, readme};
use std::path::Path;
use std::process::Command;

/// How many failed tests are named at the end.
const NAMED: usize = 20;

/// Runs everything, even if something fails, and says at the end what to run again.
pub(crate) fn run(filter: Option<&str>) -> Result<(), Failure> {
    let workspace = Workspace::read()?;
    let python = python::for_tests(&workspace)?;
    let mut failed = Vec::new();
    let mut failures = Vec::new();
    // `--all-targets` leaves out the doc tests, so they are asked for by themselves.
    for targets in ["--all-targets", "--doc"] {
        let mut cargo = cargo(&workspace, &python, targets, filter);
        let result = process::watch(&mut cargo, |line| failed.extend(failed_test(line).map(str::to_owned)));
        failures.extend(result.err());
    }
    let docs = readme::with(&workspace, &python, filter).err();
    if failures.is_empty() && docs.is_none() {
        return Ok(());
    }
    for failure in failures.iter().chain(&docs) {
        eprintln!("{failure}");
    }
    let mut failure = Failure::new("not every test passed; to run again");
    failed.sort();
    failed.dedup();
    for name in failed.iter().take(NAMED) {
        failure = failure.hint(format!("cargo xtask test --filter '{name}'"));
    }
    if docs.is_some() {
        failure = failure.hint("cargo xtask readme");
    }
    Err(failure)
}

fn cargo(workspace: &Workspace, python: &Path, targets: &str, filter: Option<&str>) -> Command {
    let mut cargo = process::cargo(&workspace.root);
    cargo.args(["test", "--workspace", targets, "--all-features", "--locked", "--no-fail-fast"]);
    cargo.args(filter).env(python::TEST_PYTHON, python);
    cargo
}

/// The name in `test places::nested ... FAILED`, or of a doc test, `crates/x/src/lib.rs - y (line 7)`.
fn failed_test(line: &str) -> Option<&str> {
    let name = line.strip_prefix("test ")?.strip_suffix(" ... FAILED")?;
    Some(name.split_once(" - ").map_or(name, |(_, item)| item))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_tests_are_told_by_the_runners_own_lines() {
        assert_eq!(failed_test("test places::nested ... FAILED"), Some("places::nested"));
        assert_eq!(failed_test("test crates/x/src/lib.rs - get (line 7) ... FAILED"), Some("get (line 7)"));
        assert_eq!(failed_test("test places::nested ... ok"), None);
        assert_eq!(failed_test("test result: FAILED. 1 passed; 1 failed; 0 ignored"), None);
    }

    #[test]
    fn flytekit_answers_where_the_environment_was_made() {
        let Some(python) = std::env::var_os(python::TEST_PYTHON) else {
            panic!("{} is not set: run `cargo xtask test`, which makes that environment", python::TEST_PYTHON);
        };
        let folder = tempfile::tempdir().expect("a folder can be made");
        let question = r#"{"group": "G", "key": "k", "files": {"g/k": " v\n"}}"#;
        let questions = folder.path().join("questions.jsonl");
        crate::workspace::write(&questions, question).expect("a small file can be written");
        let mut probe = Command::new(python);
        probe.arg(crate::workspace::root().join("xtask/python/flytekit_names.py"));
        probe.stdin(std::fs::File::open(&questions).expect("it was just written"));
        let answer = process::output(&mut probe).expect("flytekit answers");
        let answer: serde_json::Value = serde_json::from_str(&answer).expect("in JSON");
        assert_eq!(answer["env_var"]["ok"], "_FSEC_G_K");
        assert_eq!(answer["file"]["ok"], "{dir}/g/k");
        assert_eq!(answer["get"]["ok"], "v");
    }
}

//! `cargo xtask readme`: what the README and the docs show is what happens.
//!
//! In each Markdown file, in order, in a copy of the repo of its own:
//! - `console` blocks are run: lines that start with `$ ` are commands, the lines below each are what it prints, where
//!   a line of `…` (or `...`) stands for any lines, and one within a line for any text. A command that prints nothing
//!   must succeed; one that prints something may fail only where the block says so (`error:`, or `$ echo $?` next).
//! - a block whose first line is `# file: NAME` is written to that file; other `yaml` and `json` must parse.
//! - `python` is run, or written too; `rust` must be a doc test of a crate.
//! - `no-run` behind the language, with a reason behind it or in an HTML comment above, shows a block only.

mod blocks;
mod compare;
mod document;
mod session;
mod skip;
mod steps;

use crate::failure::Failure;
use crate::workspace::Workspace;
use crate::{process, python};
use serde_json::Value;
use session::Session;
use std::path::{Path, PathBuf};

/// How many commands and files did what.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Counts {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// Runs the blocks of all documents whose path contains `filter`.
pub(crate) fn run(filter: Option<&str>) -> Result<(), Failure> {
    let workspace = Workspace::read()?;
    let python = python::for_tests(&workspace)?;
    with(&workspace, &python, filter)
}

/// The same, for a workspace and an interpreter that are there already.
pub(crate) fn with(workspace: &Workspace, python: &Path, filter: Option<&str>) -> Result<(), Failure> {
    let chosen = |name: &String| filter.is_none_or(|filter| name.contains(filter));
    let documents: Vec<_> = documents(&workspace.root)?.into_iter().filter(chosen).collect();
    let mut counts = Counts::default();
    let keybearer = if documents.is_empty() { PathBuf::new() } else { build(workspace)? };
    for name in &documents {
        let steps = document::steps(&workspace.root, name)?;
        if steps.is_empty() {
            continue;
        }
        println!("\n{name}");
        let session = Session::start(workspace, name, &keybearer, python)?;
        counts += document::run(&session, name, &steps)?;
    }
    println!("\ndocs: {} passed, {} failed, {} skipped", counts.passed, counts.failed, counts.skipped);
    if counts.failed == 0 { Ok(()) } else { Err(Failure::new("the docs show something else than what happens")) }
}

/// Every Markdown file of the repo, by its path from the root; the README first.
fn documents(root: &Path) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    session::each_file(root, &mut |path| {
        if path.extension().is_some_and(|extension| extension == "md") {
            found.extend(path.strip_prefix(root).ok().and_then(Path::to_str).map(str::to_owned));
        }
        Ok(())
    })?;
    found.sort_by_key(|name| (name != "README.md", name.contains('/'), name.clone()));
    Ok(found)
}

/// The program as the tests have built it.
fn build(workspace: &Workspace) -> Result<PathBuf, Failure> {
    let mut cargo = process::cargo(&workspace.root);
    // The very units of `cargo test`, so that nothing is built a second time.
    cargo.args(["build", "--workspace", "--all-targets", "--all-features", "--locked", "--profile", "test"]);
    let messages = process::output(cargo.args(["--message-format", "json-render-diagnostics"]))?;
    executable(&messages).ok_or_else(|| Failure::new("Cargo built no program `keybearer`"))
}

fn executable(messages: &str) -> Option<PathBuf> {
    messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).find_map(|message| {
        let program = message["target"]["name"] == "keybearer" && message["profile"]["test"] == false;
        message["executable"].as_str().filter(|_| program).map(PathBuf::from)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace;

    #[test]
    fn every_block_of_the_docs_is_understood() {
        let root = workspace::root();
        let names = documents(&root).expect("the docs can be listed");
        assert_eq!(names.first().map(String::as_str), Some("README.md"), "{names:?}");
        for name in names {
            document::steps(&root, &name).unwrap_or_else(|failure| panic!("{failure}"));
        }
    }

    #[test]
    fn ci_times_the_first_command_of_the_readme() {
        let root = workspace::root();
        let steps = document::steps(&root, "README.md").expect("the README is understood");
        let first = steps.iter().find_map(|step| step.command().filter(|command| command.starts_with("cargo run")));
        let first = first.expect("the README runs something with `cargo run`").replace("\\\n", " ");
        let first = first.split_whitespace().collect::<Vec<_>>().join(" ");
        let script = workspace::read(&root.join(".ci/run")).expect("CI has its script");
        assert!(script.contains(&format!("first='{first}'\n")), "CI times another command than `{first}`");
    }

    #[test]
    fn the_program_is_found_among_cargos_messages() {
        let messages = [
            r#"{"reason":"compiler-artifact","target":{"name":"keybearer"},"profile":{"test":true},"executable":"/t/keybearer-1"}"#,
            r#"{"reason":"compiler-artifact","target":{"name":"keybearer"},"profile":{"test":false},"executable":"/t/keybearer"}"#,
            r#"{"reason":"build-finished","success":true}"#,
        ];
        assert_eq!(executable(&messages.join("\n")), Some("/t/keybearer".into()));
        assert_eq!(executable(messages[2]), None);
    }
}

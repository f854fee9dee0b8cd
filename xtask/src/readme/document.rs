//! One Markdown file: its steps, and doing them.

use super::Counts;
use super::session::Session;
use super::steps::{self, Action, Step};
use super::{blocks, compare};
use crate::failure::Failure;
use crate::workspace;
use serde_json::Value;
use std::path::Path;

/// Reads what a document asks for; an error names its line.
pub(crate) fn steps(root: &Path, name: &str) -> Result<Vec<Step>, Failure> {
    let text = workspace::read(&root.join(name))?;
    let mut found = Vec::new();
    for block in blocks::blocks(&text).map_err(|error| Failure::new(format!("{name}: {error}")))? {
        let wrong = |error: String| Failure::new(format!("{name}:{}: {error}", block.line));
        let steps = steps::steps(&block).map_err(wrong)?;
        if steps.is_empty() && block.language == "json" {
            let json = serde_json::from_str::<Value>(&block.lines.join("\n"));
            json.map_err(|error| wrong(format!("this is no JSON: {error}")))?;
        }
        if steps.is_empty() && block.language.split(',').next() == Some("rust") && !is_doc_test(root, name)? {
            let include = format!("#[cfg(doctest)] #[doc = include_str!(\"../../../{name}\")] struct Document;");
            return Err(wrong(format!("no crate runs this block; in a lib.rs: {include}")));
        }
        found.extend(steps);
    }
    Ok(found)
}

/// Does a crate's lib.rs include the document, so that rustdoc tests its Rust blocks?
fn is_doc_test(root: &Path, name: &str) -> Result<bool, Failure> {
    let crates = root.join("crates");
    let included = format!("include_str!(\"../../../{name}\")");
    for folder in std::fs::read_dir(&crates).map_err(|error| Failure::io(&crates, &error))? {
        let library = folder.map_err(|error| Failure::io(&crates, &error))?.path().join("src/lib.rs");
        if library.exists() && workspace::read(&library)?.contains(&included) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Does the steps, all of them even if one fails, and prints each.
pub(crate) fn run(session: &Session, name: &str, steps: &[Step]) -> Result<Counts, Failure> {
    let mut counts = Counts::default();
    for step in steps {
        match act(session, &step.action)? {
            Ended::Well(what) => {
                counts.passed += 1;
                println!("  ok       {what}");
            }
            Ended::NotDone(what, why) => {
                counts.skipped += 1;
                println!("  not run  {what}\n           because: {why}");
            }
            Ended::Badly(what, why) => {
                counts.failed += 1;
                println!("  FAILED   {what}\n  {name}:{} (in {})\n{why}", step.line, session.place().display());
            }
        }
    }
    Ok(counts)
}

enum Ended {
    Well(String),
    NotDone(String, String),
    Badly(String, String),
}

fn act(session: &Session, action: &Action) -> Result<Ended, Failure> {
    Ok(match action {
        Action::Skip { what, reason } => Ended::NotDone(what.clone(), reason.clone()),
        Action::Write { name, lines } => {
            session.write(name, &lines.join("\n"))?;
            Ended::Well(format!("wrote {name}"))
        }
        Action::Python(lines) => {
            session.write_aside("block.py", &lines.join("\n"))?;
            let ended = session.run(&session.aside("python", "block.py"))?;
            judge("a Python block", ended.status, &ended.output, None, false)
        }
        Action::Run { command, expected, may_fail } => {
            let ended = session.run(command)?;
            judge(command, ended.status, &ended.output, Some(expected), *may_fail)
        }
    })
}

/// `expected`: `None` where any output will do.
fn judge(
    command: &str,
    status: Option<std::process::ExitStatus>,
    output: &str,
    expected: Option<&Vec<String>>,
    may_fail: bool,
) -> Ended {
    let what = format!("$ {}", command.lines().next().unwrap_or_default());
    if let Some(difference) = expected.and_then(|expected| compare::difference(expected, output)) {
        return Ended::Badly(what, difference.trim_end().to_owned());
    }
    match status {
        None => Ended::Badly(what, "  it was still running when its time was up".to_owned()),
        Some(status) if status.success() || may_fail => Ended::Well(what),
        Some(status) => {
            let said = "  it failed, and the block doesn't say so (`error: …`, or `$ echo $?` as the next command)";
            Ended::Badly(what, format!("{said}: {status}\n{}", output.trim_end()))
        }
    }
}

/// A word of a shell's.
pub(crate) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;

    fn failed(ended: &Ended) -> bool {
        matches!(ended, Ended::Badly(..))
    }

    #[test]
    fn output_and_status_are_both_judged() {
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let exit = |code: i32| Some(ExitStatus::from_raw(code << 8));
        assert!(!failed(&judge("a", exit(0), "x\n", Some(&lines("x")), false)));
        assert!(failed(&judge("a", exit(0), "y\n", Some(&lines("x")), false)));
        assert!(failed(&judge("a", exit(0), "y\n", Some(&Vec::new()), false)));
        assert!(failed(&judge("a", exit(1), "x\n", Some(&lines("x")), false)));
        assert!(!failed(&judge("a", exit(1), "x\n", Some(&lines("x")), true)));
        assert!(failed(&judge("a", None, "x\n", Some(&lines("x")), true)));
        assert!(!failed(&judge("a", exit(0), "whatever\n", None, false)));
    }

    #[test]
    fn every_yaml_block_of_the_docs_is_yaml() {
        let root = workspace::root();
        for name in super::super::documents(&root).expect("the docs can be listed") {
            let text = workspace::read(&root.join(&name)).expect("a document can be read");
            for block in blocks::blocks(&text).expect("every block is closed") {
                if block.language == "yaml" && !block.note.starts_with("no-run") {
                    let parsed = serde_saphyr::from_multiple::<Value>(&block.lines.join("\n"));
                    parsed.unwrap_or_else(|error| panic!("{name}:{}: {error}", block.line));
                }
            }
        }
    }

    #[test]
    fn a_word_is_quoted_so_that_a_shell_takes_it_whole() {
        assert_eq!(quoted("a b's"), r"'a b'\''s'");
    }
}

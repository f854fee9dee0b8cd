//! The commands of a document, run on the cluster as a reader types them.
//!
//! `cargo xtask test` runs what needs no cluster; here are those that do. A command is what follows `$ ` in a `console` block
//! (also in one that says `no-run: it needs a cluster`),
//! and has to succeed. Lines below it are looked for in what it prints, in their order, `…` standing for anything. A `yaml` block
//! that starts with `# file: NAME` is written to that file first.

use crate::Result;
use crate::chart::root;
use crate::cluster::Cluster;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a reader would type instead: the test's namespace, an image that is there.
pub(crate) type Instead<'a> = &'a [(&'a str, &'a str)];

/// The language of blocks that `cargo xtask test` leaves to us, on pages where it runs all others.
const NEEDS_A_CLUSTER: &str = "console no-run: it needs a cluster";

/// Runs the commands below one heading, or all of them where it is empty.
pub(crate) fn run(cluster: &Cluster, path: &str, heading: &str, instead: Instead<'_>) -> Result {
    let text = std::fs::read_to_string(root().join(path)).map_err(|error| format!("{path}: {error}"))?;
    let steps = steps(&text, heading);
    if !steps.iter().any(|step| matches!(step, Step::Command { .. })) {
        return Err(format!("{path} has no command below `{heading}`"));
    }
    let folder = Folder::new(path)?;
    for step in steps {
        match step {
            Step::File { name, text } => {
                std::fs::write(folder.0.join(&name), text).map_err(|error| format!("{name}: {error}"))?;
            }
            Step::Command { line, output } => {
                let instead =
                    |line: &String| instead.iter().fold(line.clone(), |line, (from, to)| line.replace(from, to));
                let (typed, output) = (instead(&line), output.iter().map(instead).collect::<Vec<_>>());
                let mut bash = Command::new("bash");
                bash.args(["-euo", "pipefail", "-c", &typed]).current_dir(&folder.0);
                let printed = cluster.kubectl.beside(bash).map_err(|wrong| format!("{path}: `{typed}`: {wrong}"))?;
                shows(&printed, &output).map_err(|wrong| format!("{path}: `{typed}`: {wrong}"))?;
            }
        }
    }
    Ok(())
}

/// A folder that looks like a clone, and may be written to.
struct Folder(PathBuf);

impl Folder {
    fn new(path: &str) -> Result<Self> {
        let name = path.replace(['/', '.'], "-");
        let folder = Self(std::env::temp_dir().join(format!("keybearer-e2e-{}-{name}", std::process::id())));
        let _ = std::fs::remove_dir_all(&folder.0);
        std::fs::create_dir_all(&folder.0).map_err(|error| format!("{}: {error}", folder.0.display()))?;
        for name in ["deploy", "e2e", "examples"] {
            let link = std::os::unix::fs::symlink(root().join(name), folder.0.join(name));
            link.map_err(|error| format!("{name}: {error}"))?;
        }
        Ok(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

fn remove(folder: &Path) {
    // The links go, not what they name.
    let _ = std::fs::remove_dir_all(folder);
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    File { name: String, text: String },
    Command { line: String, output: Vec<String> },
}

/// What is to be done below a heading, whatever its level.
fn steps(text: &str, heading: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut is_below = heading.is_empty();
    let mut block: Option<(&str, Vec<&str>)> = None;
    for line in text.lines() {
        match (&mut block, line.strip_prefix("```")) {
            (None, Some(language)) => block = Some((language, Vec::new())),
            (None, None) if line.starts_with('#') && !heading.is_empty() => {
                is_below = line.trim_start_matches('#').trim() == heading;
            }
            (Some((_, lines)), None) => lines.push(line),
            (Some(_), Some(_)) => {
                if let Some((language, lines)) = block.take().filter(|_| is_below) {
                    steps.extend(of_block(language, &lines));
                }
            }
            (None, None) => {}
        }
    }
    steps
}

fn of_block(language: &str, lines: &[&str]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    match (language, lines.first().and_then(|line| line.strip_prefix("# file: "))) {
        ("yaml", Some(name)) => {
            steps.push(Step::File { name: name.to_owned(), text: format!("{}\n", lines.join("\n")) });
        }
        ("console" | NEEDS_A_CLUSTER, _) => {
            for line in lines {
                match (line.strip_prefix("$ "), steps.last_mut()) {
                    (Some(line), _) => steps.push(Step::Command { line: line.to_owned(), output: Vec::new() }),
                    (None, Some(Step::Command { output, .. })) => output.push((*line).to_owned()),
                    (None, _) => {}
                }
            }
        }
        _ => {}
    }
    steps
}

/// Fails unless all parts are there, one after another.
fn shows(printed: &str, output: &[String]) -> Result {
    let mut rest = printed;
    for part in output.iter().flat_map(|line| line.split('…')).map(str::trim).filter(|part| !part.is_empty()) {
        let at = rest.find(part).ok_or_else(|| format!("there is no `{part}`, at that place, in: {printed}"))?;
        rest = &rest[at + part.len()..];
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# All\n```console\n$ first\n```\n## Part\n```yaml\n# file: a.yaml\na: b\n```\ntext\n\
                        ```console\n$ second --x\nout … put\n…\n$ third\n```\n```text\n$ no\n```\n## Next\n";

    #[test]
    fn commands_and_files_below_a_heading_are_found_in_their_order() {
        let command = |line: &str, output: &[&str]| Step::Command {
            line: line.to_owned(),
            output: output.iter().map(|line| (*line).to_owned()).collect(),
        };
        let file = Step::File { name: "a.yaml".into(), text: "# file: a.yaml\na: b\n".into() };
        assert_eq!(steps(TEXT, "Part"), [file, command("second --x", &["out … put", "…"]), command("third", &[])]);
        assert_eq!(steps(TEXT, "").len(), 4);
        assert_eq!(steps(TEXT, "Nothing"), []);
    }

    #[test]
    fn what_is_shown_has_to_be_printed_in_that_order() {
        let output = ["a … c".to_owned(), "…".to_owned(), "d".to_owned()];
        assert_eq!(shows("a b c\nx\nd\n", &output), Ok(()));
        assert!(shows("d a c", &output).is_err());
    }
}

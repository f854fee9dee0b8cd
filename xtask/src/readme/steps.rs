//! What a block asks for.

use super::blocks::Block;
use super::skip;

/// One thing to do, with the line where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    /// From 1.
    pub(crate) line: usize,
    /// What it is.
    pub(crate) action: Action,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Runs a command and compares.
    Run {
        /// As it stands in the block.
        command: String,
        /// The lines below it.
        expected: Vec<String>,
        /// Is this command there to fail?
        may_fail: bool,
    },
    /// Writes a file.
    Write {
        /// From the working directory.
        name: String,
        /// Its lines.
        lines: Vec<String>,
    },
    /// Runs a Python program.
    Python(Vec<String>),
    /// Does nothing, for a reason that is printed.
    Skip {
        /// The first line of what isn't done.
        what: String,
        /// Why.
        reason: String,
    },
}

impl Step {
    /// The command, run or not.
    #[cfg(test)]
    pub(crate) fn command(&self) -> Option<&str> {
        match &self.action {
            Action::Run { command, .. } => Some(command),
            _ => None,
        }
    }
}

/// Languages of blocks that are there to be read.
const SHOWN: [&str; 10] =
    ["text", "yaml", "json", "toml", "rust", "diff", "mermaid", "dockerfile", "proto", "markdown"];

/// What to do for a block, in order.
pub(crate) fn steps(block: &Block) -> Result<Vec<Step>, String> {
    let one = |action| Ok(vec![Step { line: block.line, action }]);
    let first = block.lines.first().map_or("", |line| line.trim());
    if block.note.starts_with("no-run") || block.note.starts_with("no_run") {
        let inline = block.note["no-run".len()..].trim_matches([':', ' ', '(', ')', ',']);
        let reason = Some(inline).filter(|text| !text.is_empty()).or(block.comment.as_deref());
        return match reason {
            Some(reason) => one(Action::Skip { what: first.to_owned(), reason: reason.to_owned() }),
            None => Err("`no-run` without a reason: write it behind, `no-run: needs a cluster`".to_owned()),
        };
    }
    if let Some(name) = first.strip_prefix("# file:") {
        let name = name.trim();
        let inside = !name.is_empty() && !name.starts_with('/') && !name.split('/').any(|part| part == "..");
        return if inside {
            one(Action::Write { name: name.to_owned(), lines: block.lines[1..].to_vec() })
        } else {
            Err(format!("`{name}` is no file within the working directory"))
        };
    }
    match block.language.as_str() {
        "console" => console(block),
        "python" => one(Action::Python(block.lines.clone())),
        language if SHOWN.contains(&language.split(',').next().unwrap_or_default()) => Ok(Vec::new()),
        "" => Err("a block without a language: `console` if it can be run, `text` if not".to_owned()),
        "sh" | "bash" | "shell" | "zsh" | "shell-session" | "sh-session" => {
            Err("commands that no test would run: write them as `console`, each behind `$ `".to_owned())
        }
        other => Err(format!("a block in `{other}`: only {} and {} are known", "console, python", SHOWN.join(", "))),
    }
}

fn console(block: &Block) -> Result<Vec<Step>, String> {
    let mut steps: Vec<Step> = Vec::new();
    let mut lines = block.lines.iter().map(String::as_str).zip(block.line + 1..);
    while let Some((text, line)) = lines.next() {
        if let Some(first) = text.strip_prefix("$ ") {
            let command = whole(first, lines.by_ref().map(|(text, _)| text));
            let command = command.ok_or_else(|| format!("line {line}: `{first}` goes on, but the block ends"))?;
            steps.push(Step { line, action: Action::Run { command, expected: Vec::new(), may_fail: false } });
        } else if let Some(Step { action: Action::Run { expected, .. }, .. }) = steps.last_mut() {
            expected.push(text.to_owned());
        } else if !text.trim().is_empty() {
            return Err(format!("line {line}: `{text}` stands above all commands, which start with `$ `"));
        }
    }
    let mut asked_next = false;
    for Step { action, .. } in steps.iter_mut().rev() {
        let Action::Run { command, expected, may_fail } = action else { continue };
        *may_fail = asked_next || expected.iter().any(|line| line.trim_start().starts_with("error"));
        asked_next = command == "echo $?";
        if let Some(reason) = skip::reason(command) {
            let what = command.lines().next().unwrap_or_default().to_owned();
            *action = Action::Skip { what, reason: reason.to_owned() };
        }
    }
    Ok(steps)
}

/// A command with the lines that it goes on in: behind a backslash, or up to the end of a here-document.
fn whole<'a>(first: &str, mut more: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut command = first.to_owned();
    let mut end = here_document(first);
    while end.is_some() || command.ends_with('\\') {
        let line = more.next()?;
        command.push('\n');
        if let Some(word) = &end {
            command.push_str(line);
            if line.trim() == word {
                end = None;
            }
        } else {
            // As a shell prompts for it.
            let line = line.strip_prefix("> ").unwrap_or(line);
            command.push_str(line);
            end = here_document(line);
        }
    }
    Some(command)
}

/// The word that ends the text which a command takes from the lines below it: `cat > x <<'END'`.
fn here_document(command: &str) -> Option<String> {
    let (_, word) = command.split_once("<<").filter(|(_, word)| !word.starts_with('<'))?;
    let word = word.trim_start_matches('-').trim_start().trim_start_matches(['\'', '"']);
    let word: String = word.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    Some(word).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(language: &str, note: &str, text: &str) -> Block {
        let lines = text.lines().map(str::to_owned).collect();
        Block { line: 10, language: language.into(), note: note.into(), comment: None, lines }
    }

    fn run(line: usize, command: &str, expected: &[&str], may_fail: bool) -> Step {
        let expected = expected.iter().map(|line| (*line).to_owned()).collect();
        Step { line, action: Action::Run { command: command.into(), expected, may_fail } }
    }

    fn skip(line: usize, what: &str, reason: &str) -> Step {
        Step { line, action: Action::Skip { what: what.into(), reason: reason.into() } }
    }

    #[test]
    fn commands_have_the_lines_below_them() {
        let found = steps(&block("console", "", "\n$ a\none\n\ntwo\n$ b\n"));
        assert_eq!(found, Ok(vec![run(12, "a", &["one", "", "two"], false), run(16, "b", &[], false)]));
    }

    #[test]
    fn a_command_may_go_on_in_the_next_lines() {
        let text = "$ a \\\n    b\nout\n$ cat > x <<'END'\n$ 1\nEND\n$ c \\\n> d <<E\nE\n$ e <<< f";
        let expected = vec![
            run(11, "a \\\n    b", &["out"], false),
            run(14, "cat > x <<'END'\n$ 1\nEND", &[], false),
            run(17, "c \\\nd <<E\nE", &[], false),
            run(20, "e <<< f", &[], false),
        ];
        assert_eq!(steps(&block("console", "", text)), Ok(expected));
        assert!(steps(&block("console", "", "$ a \\")).is_err_and(|error| error.contains("line 11")));
    }

    #[test]
    fn a_command_may_fail_where_the_block_says_so() {
        let found = steps(&block("console", "", "$ a\nerror: no\n$ b\n$ echo $?\n1"));
        let expected = [run(11, "a", &["error: no"], true), run(13, "b", &[], true), run(14, "echo $?", &["1"], false)];
        assert_eq!(found, Ok(expected.into()));
    }

    #[test]
    fn what_cannot_be_run_here_is_skipped_with_its_reason() {
        let found = steps(&block("console", "", "$ kubectl get pods\nNAME\n$ a"));
        assert_eq!(found, Ok(vec![skip(11, "kubectl get pods", "it needs a cluster"), run(13, "a", &[], false)]));
    }

    #[test]
    fn no_run_wants_a_reason() {
        let expected = Ok(vec![skip(10, "$ a", "needs a cluster")]);
        assert_eq!(steps(&block("console", "no-run: needs a cluster", "$ a")), expected);
        assert_eq!(steps(&block("console", "no-run (needs a cluster)", "$ a")), expected);
        let above = Block { comment: Some("needs a cluster".into()), ..block("console", "no-run", "$ a") };
        assert_eq!(steps(&above), expected);
        assert!(steps(&block("console", "no-run", "$ a")).is_err());
    }

    #[test]
    fn a_named_block_is_written_within_the_working_directory() {
        let action = Action::Write { name: "a/b.yaml".into(), lines: vec!["x: 1".into()] };
        assert_eq!(steps(&block("yaml", "", "# file: a/b.yaml\nx: 1")), Ok(vec![Step { line: 10, action }]));
        for name in ["/etc/passwd", "../x", "a/../../x", ""] {
            assert!(steps(&block("yaml", "", &format!("# file: {name}\nx: 1"))).is_err(), "{name}");
        }
    }

    #[test]
    fn commands_that_nobody_would_run_are_refused() {
        for language in ["sh", "bash", "shell", ""] {
            assert!(steps(&block(language, "", "a")).is_err_and(|error| error.contains("console")), "{language}");
        }
        assert!(steps(&block("cobol", "", "a")).is_err_and(|error| error.contains("cobol")));
        assert!(steps(&block("console", "", "a\n$ b")).is_err());
        assert_eq!(steps(&block("text", "", "a")), Ok(Vec::new()));
        assert_eq!(steps(&block("rust,no_run", "", "a")), Ok(Vec::new()));
    }
}

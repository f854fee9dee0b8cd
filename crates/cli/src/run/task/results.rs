//! What became of a task: its outputs by name, or why there are none.

use super::data::Data;
use crate::fault::Fault;
use crate::run::{Args, Done, Output};
use crate::terminal;
use runner::Decider;
use serde_json::{Map, Value};
use std::process::ExitCode;
use tasks::{Failure, Task, outputs};

/// What flytekit calls a kind of container that writes no outputs of its own.
const RAW: &str = "raw-container";

/// Prints it, and gives the exit code.
pub(super) fn tell(task: &Task, data: &Data, done: &Done, args: &Args) -> Result<ExitCode, Fault> {
    let outcome = &done.outcome;
    let name = task.name().escape_debug();
    if matches!(outcome.decided_by, Decider::Signal(_)) {
        return Ok(ExitCode::from(outcome.exit_code));
    }
    // flytekit's entrypoint ends well also where the task failed.
    let failure = data.error.as_deref().and_then(Failure::read);
    if let Some(failure) = failure {
        let summary = if args.kept.no_mask { failure.summary().to_owned() } else { done.masked(failure.summary()) };
        let fault = Fault::new(format!("task `{name}` failed: {}", plain(&summary)));
        terminal::fault(&fault.maybe_hint(remedy(&failure)));
        return Ok(ExitCode::from(outcome.exit_code.max(1)));
    }
    if outcome.exit_code != 0 {
        terminal::fault(&Fault::new(format!(
            "task `{name}` ended with exit code {} and did not say why",
            outcome.exit_code
        )));
        return Ok(ExitCode::from(outcome.exit_code));
    }
    let Some(bytes) = &data.outputs else {
        if task.results().is_empty() || task.kind() == RAW {
            return Ok(ExitCode::SUCCESS);
        }
        terminal::fault(&Fault::new(format!("task `{name}` ended well, but has left no outputs")).hint(
            "a task with `@dynamic` makes a workflow instead, which needs a Flyte cluster; run that one's tasks",
        ));
        return Ok(ExitCode::FAILURE);
    };
    match outputs(bytes) {
        Ok(values) => {
            print(&values, args.output)?;
            warn(&values, data, done);
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            terminal::fault(&Fault::new(format!("task `{name}`: {error}")).hint(error.hint()));
            Ok(ExitCode::FAILURE)
        }
    }
}

fn print(values: &Map<String, Value>, output: Output) -> Result<(), Fault> {
    if output == Output::Json {
        return terminal::json(values);
    }
    let line = |(name, value): (&String, &Value)| match value {
        Value::String(text) if !text.contains(char::is_control) => format!("{name}: {text}\n"),
        other => format!("{name}: {other}\n"),
    };
    let mut values: Vec<_> = values.iter().collect();
    values.sort_by(|(one, _), (other, _)| in_order(one).cmp(&in_order(other)));
    terminal::raw(values.into_iter().map(line).collect::<String>().as_bytes())
}

/// What names are ordered by: flytekit counts outputs, and `o10` comes after `o2`.
fn in_order(name: &str) -> (&str, u64, &str) {
    let text = name.trim_end_matches(|c: char| c.is_ascii_digit());
    (text, name[text.len()..].parse().unwrap_or_default(), name)
}

/// Says of each output what its reader should know.
fn warn(values: &Map<String, Value>, data: &Data, done: &Done) {
    for (name, value) in values {
        let mut texts = Vec::new();
        gather(value, &mut texts);
        for secret in done.secrets_in(&texts) {
            terminal::warning(format!(
                "output `{name}` holds the value of secret `{secret}`; Flyte keeps outputs in plain text"
            ));
        }
        if texts.iter().any(|text| data.is_gone(text)) {
            terminal::warning(format!("output `{name}` is a file or folder that is gone with the run"));
            terminal::hint("--files-to DIR keeps it");
        }
    }
}

/// All text in a value.
fn gather<'v>(value: &'v Value, texts: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.iter().for_each(|item| gather(item, texts)),
        Value::Object(fields) => fields.values().for_each(|field| gather(field, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// One line that no terminal takes for a command.
fn plain(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

fn remedy(failure: &Failure) -> Option<&'static str> {
    if failure.message.contains("ModuleNotFoundError") || failure.message.contains("ImportError") {
        return Some(
            "run it in the folder that the module is in, or with PYTHONPATH, or package the code along (`pyflyte package --copy all`)",
        );
    }
    if failure.message.contains("required positional argument") {
        return Some("an input without a default was not given: name it with --input");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::in_order;

    #[test]
    fn outputs_are_in_the_order_in_which_they_are_counted() {
        let mut names = ["o10", "o2", "loss", "o0", "o02", "o1", "7"];
        names.sort_by(|one, other| in_order(one).cmp(&in_order(other)));
        assert_eq!(names, ["7", "loss", "o0", "o1", "o02", "o2", "o10"]);
    }
}

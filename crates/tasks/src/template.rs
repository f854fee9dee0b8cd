//! Flyte's variables in commands and arguments: `{{.input}}` and its like.
//!
//! As Flyte's `template.go` has it: names in any case, `$` instead of `.`, white space within the braces; what is no
//! variable of Flyte's stays as it is. Here, what is nearly one is an error, as it can only be a typing mistake.

mod text;

use thiserror::Error;

use crate::names::nearest;
use crate::proto::core::LiteralMap;
use crate::{Execution, Locations};

pub(crate) use text::text;

/// Why a command or argument can't be filled in.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TemplateError {
    /// `{{.inputs.NAME}}` of an input that isn't given.
    #[error("`{variable}`: there is no input `{}`", .name.escape_debug())]
    Input {
        /// The whole variable.
        variable: String,
        /// The input's name.
        name: String,
        /// The nearest name of an input.
        nearest: Option<String>,
    },
    /// `{{.inputs.NAME}}` of an input that has no text.
    #[error("`{variable}`: {what} can't be written into a command")]
    Value {
        /// The whole variable.
        variable: String,
        /// What the input is.
        what: &'static str,
    },
    /// Nearly a variable of Flyte's.
    #[error("`{variable}` is not a variable of Flyte's")]
    Unknown {
        /// The whole variable.
        variable: String,
        /// The variable that is nearest.
        nearest: &'static str,
    },
    /// A variable for which there is no location.
    #[error("`{variable}`: {what}")]
    Missing {
        /// The whole variable.
        variable: String,
        /// What isn't there.
        what: &'static str,
    },
}

impl TemplateError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Input { nearest, .. } => {
                nearest.as_ref().map(|name| format!("did you mean `{{{{.inputs.{name}}}}}`?"))
            }
            Self::Unknown { nearest, .. } => Some(format!("did you mean `{{{{.{nearest}}}}}`?")),
            Self::Value { .. } => Some("Flyte can't write it either: let the task read its inputs itself".to_owned()),
            Self::Missing { .. } => Some("Flyte fills this in when a package with code is registered".to_owned()),
        }
    }
}

/// All of them but `inputs.NAME`.
const VARIABLES: [&str; 11] = [
    "input",
    "inputPrefix",
    "outputPrefix",
    "rawOutputDataPrefix",
    "perRetryUniqueKey",
    "taskTemplatePath",
    "prevCheckpointPrefix",
    "checkpointOutputPrefix",
    "namespace",
    "remote_package_path",
    "dest_dir",
];

/// What variables stand for.
pub(crate) struct Values<'a> {
    pub(crate) execution: &'a Execution,
    pub(crate) locations: &'a Locations,
    pub(crate) inputs: &'a LiteralMap,
}

impl Values<'_> {
    /// `template` with its variables filled in.
    pub(crate) fn fill(&self, template: &str) -> Result<String, TemplateError> {
        let mut filled = String::new();
        let mut rest = template;
        while let Some(start) = rest.find("{{") {
            let (before, here) = rest.split_at(start);
            filled.push_str(before);
            match variable(here) {
                Some((name, length)) => {
                    let (whole, after) = here.split_at(length);
                    filled.push_str(&self.value(name, whole)?);
                    rest = after;
                }
                None => {
                    filled.push('{');
                    rest = &here[1..];
                }
            }
        }
        filled.push_str(rest);
        Ok(filled)
    }

    fn value(&self, name: &str, whole: &str) -> Result<String, TemplateError> {
        const INPUTS: &str = "inputs.";
        let at = self.locations;
        if name.get(..INPUTS.len()).is_some_and(|start| start.eq_ignore_ascii_case(INPUTS)) {
            return self.input(&name[INPUTS.len()..], whole);
        }
        let missing = |what| TemplateError::Missing { variable: whole.to_owned(), what };
        let code = || at.code.as_ref().ok_or_else(|| missing("the package's code is nowhere"));
        Ok(match VARIABLES.iter().position(|known| known.eq_ignore_ascii_case(name)) {
            Some(0) => at.input.clone(),
            Some(1) => at.input_prefix.clone(),
            Some(2) => at.output_prefix.clone(),
            Some(3) => at.raw_output_prefix.clone(),
            Some(4) => unique(&self.execution.pod_name()),
            Some(5) => at.task_template.clone().ok_or_else(|| missing("the task itself is in no file"))?,
            // Two quotes, not nothing: so Flyte does.
            Some(6) => {
                at.previous_checkpoint.clone().filter(|path| !path.is_empty()).unwrap_or_else(|| "\"\"".to_owned())
            }
            Some(7) => at.checkpoint.clone(),
            Some(8) => self.execution.namespace.clone(),
            Some(9) => code()?.archive.clone(),
            Some(_) => code()?.folder.clone(),
            None => match nearest(name, VARIABLES) {
                Some(nearest) => return Err(TemplateError::Unknown { variable: whole.to_owned(), nearest }),
                None => whole.to_owned(),
            },
        })
    }

    fn input(&self, name: &str, whole: &str) -> Result<String, TemplateError> {
        let Some(literal) = self.inputs.literals.get(name) else {
            let nearest = nearest(name, self.inputs.literals.keys().map(String::as_str)).map(str::to_owned);
            return Err(TemplateError::Input { variable: whole.to_owned(), name: name.to_owned(), nearest });
        };
        text(literal).map_err(|what| TemplateError::Value { variable: whole.to_owned(), what })
    }
}

/// The name in a variable that `text` starts with, and the variable's length.
fn variable(text: &str) -> Option<(&str, usize)> {
    let end = text.find("}}")?;
    let inside = text[2..end].trim_matches([' ', '\t', '\n', '\r', '\x0c']);
    let name = inside.strip_prefix(['.', '$'])?;
    let fine = !name.is_empty() && !name.contains([' ', '\t', '\n', '\r', '\x0c', '{', '}']);
    fine.then_some((name, end + 2))
}

/// A pod's name as an identifier of most languages.
fn unique(name: &str) -> String {
    let letter = |character: char| character.is_ascii_alphabetic() || character == '_';
    let start = name.find(letter).unwrap_or(name.len());
    let mut key = if start > 0 { "a".to_owned() } else { String::new() };
    for character in name[start..].chars() {
        match character {
            _ if letter(character) || character.is_ascii_digit() => key.push(character),
            _ if key.ends_with('\0') => {}
            _ => key.push('\0'),
        }
    }
    key.replace('\0', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(template: &str) -> Result<String, TemplateError> {
        let locations = Locations { code: None, ..Locations::below("/d") };
        let inputs = crate::literal::of_integers([("x", 7)]);
        Values { execution: &Execution::default(), locations: &locations, inputs: &inputs }.fill(template)
    }

    #[test]
    fn variables_are_filled_in_as_flyte_does() {
        for (template, filled) in [
            ("{{.input}}", "/d/inputs/inputs.pb"),
            ("--to={{ .OUTPUTPREFIX }}/x", "--to=/d/outputs/x"),
            ("{{$inputPrefix}}{{\t.rawOutputDataPrefix\n}}", "/d/inputs/d/raw"),
            ("{{.checkpointOutputPrefix}} {{.prevCheckpointPrefix}}", "/d/raw/_flytecheckpoints \"\""),
            ("{{.taskTemplatePath}}", "/d/task.pb"),
            ("{{.perRetryUniqueKey}}", "local_n0_0"),
            ("{{.Inputs.x}} {{{.namespace}}}", "7 {default}"),
            ("{{.State.Running}} {{ json . }} {{x}} {{", "{{.State.Running}} {{ json . }} {{x}} {{"),
            ("{{.}} {{ . input }} }}{{", "{{.}} {{ . input }} }}{{"),
        ] {
            assert_eq!(fill(template).as_deref(), Ok(filled), "{template}");
        }
        assert_eq!(unique("9a--b"), "aa_b");
    }

    #[test]
    fn what_can_not_be_filled_in_says_why() {
        for (template, message, hint) in [
            ("{{.inptu}}", "`{{.inptu}}` is not a variable of Flyte's", "did you mean `{{.input}}`?"),
            ("{{.inputs.y}}", "`{{.inputs.y}}`: there is no input `y`", "did you mean `{{.inputs.x}}`?"),
            ("{{ .dest_dir }}", "`{{ .dest_dir }}`: the package's code is nowhere", "Flyte fills this in"),
        ] {
            let error = fill(template).expect_err(template);
            assert_eq!(error.to_string(), message);
            assert!(error.hint().is_some_and(|said| said.starts_with(hint)), "{:?}", error.hint());
        }
    }
}

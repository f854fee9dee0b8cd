//! What a task is given: `name=value`, typed by the task's interface, as `inputs.pb`.

mod files;
mod value;

pub use files::NamedFile;

use prost::Message;
use thiserror::Error;

use crate::names::nearest;
use crate::proto::core::{Literal, LiteralMap};
use crate::{Task, Type};

/// A task's inputs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inputs {
    map: LiteralMap,
}

impl Inputs {
    /// The bytes of `inputs.pb`: Flyte's message `flyteidl.core.LiteralMap`.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.map.encode_to_vec()
    }

    pub(crate) fn map(&self) -> &LiteralMap {
        &self.map
    }
}

/// Why inputs don't fit a task. No value is in it: it might be secret.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InputError {
    /// Not `name=value`.
    #[error("an input is not NAME=VALUE: there is no `=` in it")]
    Form,
    /// The same name twice.
    #[error("input `{}` is given twice", .name.escape_debug())]
    Twice {
        /// The name.
        name: String,
    },
    /// The task has no input of this name.
    #[error("task `{task}` has no input `{}`", .name.escape_debug())]
    Unknown {
        /// The task.
        task: String,
        /// The name.
        name: String,
        /// The nearest that it has.
        nearest: Option<String>,
        /// All that it has, with their types.
        names: Vec<String>,
    },
    /// Inputs that aren't given.
    #[error("task `{task}` needs {}", list(.names))]
    Missing {
        /// The task.
        task: String,
        /// Their names, with their types.
        names: Vec<(String, String)>,
    },
    /// A value of another type.
    #[error("input `{name}` is not {ty}: {what}")]
    Value {
        /// The input's name.
        name: String,
        /// Its type.
        ty: String,
        /// What is wrong with the value, and where in it.
        what: String,
    },
}

fn list(names: &[(String, String)]) -> String {
    let inputs: Vec<_> = names.iter().map(|(name, ty)| format!("`{name}` ({ty})")).collect();
    format!("{} {}", if names.len() == 1 { "its input" } else { "its inputs" }, inputs.join(", "))
}

impl InputError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Form => Some("write it as NAME=VALUE".to_owned()),
            Self::Twice { .. } => Some("give each input once".to_owned()),
            Self::Unknown { nearest: Some(nearest), .. } => Some(format!("did you mean `{nearest}`?")),
            Self::Unknown { names, .. } if names.is_empty() => Some("it takes no inputs".to_owned()),
            Self::Unknown { names, .. } => Some(format!("it has {}", names.join(", "))),
            Self::Missing { names, .. } => {
                let name = names.first().map_or("NAME", |(name, _)| name);
                Some(format!("give it as {name}=VALUE: a package doesn't have the defaults of its functions"))
            }
            Self::Value { .. } => None,
        }
    }
}

impl Task {
    /// The inputs of `name=value` pairs, each value read as the input's type.
    ///
    /// Text, numbers, times (RFC 3339) and durations (`90s`, `1h 30m`) are written plainly, files and folders as
    /// paths, lists and maps and dataclasses as JSON, and `None` is for what may be that.
    ///
    /// # Errors
    /// [`InputError`] for what isn't such a pair or not such a value, for names that the task doesn't have, and for
    /// inputs that aren't given. That an input has a default is not in a package.
    pub fn inputs<'a>(&self, pairs: impl IntoIterator<Item = &'a str>) -> Result<Inputs, InputError> {
        let (inputs, errors) = self.read_inputs(pairs);
        let missing = self.missing(&inputs);
        errors.into_iter().next().or(missing).map_or(Ok(inputs), Err)
    }

    /// The same, with all that is wrong at once.
    ///
    /// # Errors
    /// Each [`InputError`], those for inputs that aren't given last and as one; not these if `defaults` may stand in.
    pub fn all_inputs<'a>(
        &self,
        pairs: impl IntoIterator<Item = &'a str>,
        defaults: bool,
    ) -> Result<Inputs, Vec<InputError>> {
        let (inputs, mut errors) = self.read_inputs(pairs);
        errors.extend(self.missing(&inputs).filter(|_| !defaults));
        if errors.is_empty() { Ok(inputs) } else { Err(errors) }
    }

    /// The same, but what isn't given is left to the function's own defaults.
    ///
    /// # Errors
    /// [`InputError`] for what isn't a pair or not a value of its type, and for names that the task doesn't have.
    pub fn some_inputs<'a>(&self, pairs: impl IntoIterator<Item = &'a str>) -> Result<Inputs, InputError> {
        let (inputs, errors) = self.read_inputs(pairs);
        errors.into_iter().next().map_or(Ok(inputs), Err)
    }

    /// What can be read, and what is wrong with the rest. An input of a wrong value counts as given.
    fn read_inputs<'a>(&self, pairs: impl IntoIterator<Item = &'a str>) -> (Inputs, Vec<InputError>) {
        let parameters = self.parameters();
        let (mut inputs, mut errors) = (Inputs::default(), Vec::new());
        for pair in pairs {
            let Some((name, text)) = pair.split_once('=') else {
                errors.push(InputError::Form);
                continue;
            };
            let Some(wanted) = parameters.iter().find(|wanted| wanted.name == name) else {
                let nearest = nearest(name, parameters.iter().map(|wanted| wanted.name.as_str())).map(str::to_owned);
                let names = parameters.iter().map(|wanted| format!("`{}` ({})", wanted.name, wanted.ty)).collect();
                let (task, name) = (self.name().to_owned(), name.to_owned());
                errors.push(InputError::Unknown { task, name, nearest, names });
                continue;
            };
            let Type(ty) = &wanted.ty;
            let literal = value::of_text(text, ty).unwrap_or_else(|what| {
                errors.push(InputError::Value { name: name.to_owned(), ty: wanted.ty.to_string(), what });
                Literal::default()
            });
            if inputs.map.literals.insert(name.to_owned(), literal).is_some() {
                errors.push(InputError::Twice { name: name.to_owned() });
            }
        }
        (inputs, errors)
    }

    /// What isn't given.
    fn missing(&self, inputs: &Inputs) -> Option<InputError> {
        let missing = self.parameters().into_iter().filter(|wanted| !inputs.map.literals.contains_key(&wanted.name));
        let names: Vec<_> = missing.map(|wanted| (wanted.name, wanted.ty.to_string())).collect();
        (!names.is_empty()).then(|| InputError::Missing { task: self.name().to_owned(), names })
    }
}

//! An environment variable as it is written, and compared with one that the pod has.

use crate::plan::{ENV_FILE, ENV_VOLUME, EnvAddition, EnvValue};
use crate::values::Values;
use crate::view::EnvView;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// How a variable of the pod stands to one of ours with the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clash {
    /// It is the same.
    Same,
    /// It is the same reference, edited.
    Edited,
    /// It is another one.
    Different,
}

/// A variable as it is written.
#[derive(Serialize, Clone)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Variable<'a> {
    pub(crate) name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_from: Option<ValueFrom<'a>>,
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
struct ValueFrom<'a> {
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    secret_key_ref: Option<SecretKeyRef<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    file_key_ref: Option<FileKeyRef<'a>>,
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Eq)]
struct SecretKeyRef<'a> {
    #[serde(default)]
    name: Cow<'a, str>,
    #[serde(default)]
    key: Cow<'a, str>,
    #[serde(default)]
    optional: bool,
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
struct FileKeyRef<'a> {
    #[serde(default)]
    volume_name: Cow<'a, str>,
    #[serde(default)]
    path: Cow<'a, str>,
    #[serde(default)]
    key: Cow<'a, str>,
    #[serde(default)]
    optional: bool,
}

impl<'a> Variable<'a> {
    pub(crate) fn new(addition: &'a EnvAddition, values: &Values) -> Self {
        let name = addition.name.as_str();
        let value = match &addition.value {
            EnvValue::Literal(text) => Some(escape_expansion(text)),
            EnvValue::Inline { request } => {
                // The plan took only text; a value that is not there would be a caller's mistake, shown as nothing.
                let bytes = values.get(*request).unwrap_or_default();
                Some(Cow::Owned(escape_expansion(&String::from_utf8_lossy(bytes)).into_owned()))
            }
            EnvValue::SecretKey { .. } | EnvValue::FileKey { .. } => None,
        };
        Self { name, value, value_from: value_from(&addition.value) }
    }

    /// A variable with literal text that is not secret.
    pub(crate) fn literal(name: &'a str, text: &'a str) -> Self {
        Self { name, value: Some(escape_expansion(text)), value_from: None }
    }

    /// Whether a variable of the pod is this one, by name and content.
    pub(crate) fn is(&self, there: &EnvView<'_>) -> bool {
        there.name.as_str() == self.name
            && match &self.value {
                Some(value) => {
                    there.value_from.is_none() && there.value.as_ref().map_or("", |v| v.as_str()) == value.as_ref()
                }
                None => read_reference(there).is_some_and(|reference| Some(&reference) == self.value_from.as_ref()),
            }
    }
}

fn value_from(value: &EnvValue) -> Option<ValueFrom<'_>> {
    let (mut secret_key_ref, mut file_key_ref) = (None, None);
    match value {
        EnvValue::Literal(_) | EnvValue::Inline { .. } => return None,
        EnvValue::SecretKey { name, key, optional } => {
            secret_key_ref = Some(SecretKeyRef { name: name.into(), key: key.into(), optional: *optional });
        }
        EnvValue::FileKey { key, optional } => {
            file_key_ref = Some(FileKeyRef {
                volume_name: ENV_VOLUME.into(),
                path: ENV_FILE.into(),
                key: key.into(),
                optional: *optional,
            });
        }
    }
    Some(ValueFrom { secret_key_ref, file_key_ref })
}

fn read_reference<'v>(there: &'v EnvView<'_>) -> Option<ValueFrom<'v>> {
    serde_json::from_str(there.value_from?.get()).ok()
}

/// How a variable of the pod stands to ours of the same name. The text of an inline value is not looked at.
pub(crate) fn clash(there: &EnvView<'_>, ours: &EnvValue) -> Clash {
    let same = |same| if same { Clash::Same } else { Clash::Different };
    match ours {
        EnvValue::Literal(text) => same(
            there.value_from.is_none()
                && there.value.as_ref().map_or("", |v| v.as_str()) == escape_expansion(text).as_ref(),
        ),
        EnvValue::Inline { .. } => same(there.value_from.is_none()),
        EnvValue::SecretKey { .. } | EnvValue::FileKey { .. } => {
            let (Some(mut theirs), Some(ours)) = (read_reference(there), value_from(ours)) else {
                return Clash::Different;
            };
            if theirs == ours {
                return Clash::Same;
            }
            if let (Some(theirs), Some(ours)) = (&mut theirs.secret_key_ref, &ours.secret_key_ref) {
                theirs.optional = ours.optional;
            }
            if let (Some(theirs), Some(ours)) = (&mut theirs.file_key_ref, &ours.file_key_ref) {
                theirs.optional = ours.optional;
            }
            if theirs == ours { Clash::Edited } else { Clash::Different }
        }
    }
}

/// Whether a variable of the pod is ours of the same name.
pub(crate) fn same_variable(there: &EnvView<'_>, ours: &EnvValue) -> bool {
    clash(there, ours) == Clash::Same
}

/// Text that the kubelet's expansion of `$(VAR)` and `$$` turns into `text`.
pub(crate) fn escape_expansion(text: &str) -> Cow<'_, str> {
    // Looking for one byte is quick, and most texts have none.
    if !text.contains('$') || (!text.contains("$$") && !text.contains("$(")) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '$' && matches!(chars.peek(), Some('$' | '(')) {
            escaped.push('$');
        }
        escaped.push(c);
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::escape_expansion;

    #[test]
    fn only_what_would_be_expanded_is_escaped() {
        for (text, escaped) in [
            ("plain", "plain"),
            ("pa$word", "pa$word"),
            ("pa$$word", "pa$$$word"),
            ("$(HOME)", "$$(HOME)"),
            ("$$(HOME)", "$$$$(HOME)"),
            ("end$", "end$"),
            ("end$$", "end$$$"),
        ] {
            assert_eq!(escape_expansion(text), escaped, "{text}");
        }
    }
}

//! One secret on a command line.
//!
//! ```text
//! request    = GROUP "/" KEY [ "@" VERSION ] [ ":" MOUNT ] [ "=" ENV_NAME ]      MOUNT = "any" | "env" | "file"
//! assignment = GROUP "/" KEY "=" VALUE
//! name       = GROUP "/" KEY [ "@" VERSION ]
//! ```
//!
//! All are taken apart from the outside, so that groups may be ARNs, paths and URIs:
//! 1. at the **first** `=`: what follows is the variable's name, or the value;
//! 2. at the **last** `/` before it: what stands before is the group, with every `:`, `@` and `/` in it;
//! 3. in a request, what follows that `/` at its **last** `:`, which must be followed by a mount;
//! 4. in a request and a name, the rest at its **last** `@`: the key, and the version.
//!
//! Hence a key with `:` in it is followed by a mount, `g/a:b:any`, and a key with `@` in it by a version or a bare `@`,
//! `g/joe@example.com@`. A secret without a group is `/KEY`, one without a key `GROUP/`, and not both may be empty.
//! What can't be said this way (a group with `=`, a key with `/` or `=`, a version with `/`, `@` or `=`) is asked for
//! with annotations; [`print()`] knows.

use std::fmt;

use crate::{EnvName, Mount, Secret};

/// The secret that a request such as `db/password@3:env=DB_PASSWORD` asks for.
///
/// Without a mount it is [`Mount::Any`]. `=ENV_NAME` is [`Secret::env_var`].
///
/// # Errors
/// [`ShorthandError`] saying which part of the grammar is missing or wrong.
pub fn parse(text: &str) -> Result<Secret, ShorthandError> {
    let (named, env_var) = match text.split_once('=') {
        Some((named, name)) => {
            (named, EnvName::parse(name.to_owned()).map_err(|_| ShorthandError::EnvName)?.as_str().to_owned())
        }
        None => (text, String::new()),
    };
    let (group, rest) = named.rsplit_once('/').ok_or(ShorthandError::NoSlash)?;
    let (rest, mount) = match rest.rsplit_once(':') {
        Some((rest, "any")) => (rest, Mount::Any),
        Some((rest, "env")) => (rest, Mount::EnvVar),
        Some((rest, "file")) => (rest, Mount::File),
        Some((_, other)) => return Err(ShorthandError::Mount(other.chars().take(80).collect())),
        None => (rest, Mount::Any),
    };
    let (key, group_version) = rest.rsplit_once('@').unwrap_or((rest, ""));
    if group.is_empty() && key.is_empty() {
        return Err(ShorthandError::Empty);
    }
    Ok(Secret { group: group.to_owned(), group_version: group_version.to_owned(), key: key.to_owned(), mount, env_var })
}

/// The request that [`parse`] reads as `secret`, if there is one.
pub fn print(secret: &Secret) -> Option<String> {
    let Secret { group, group_version, key, mount, env_var } = secret;
    let mut text = format!("{group}/{key}");
    if !group_version.is_empty() || key.contains('@') {
        text.push('@');
        text.push_str(group_version);
    }
    match mount {
        Mount::Any if key.contains(':') || group_version.contains(':') => text.push_str(":any"),
        Mount::Any => {}
        Mount::EnvVar => text.push_str(":env"),
        Mount::File => text.push_str(":file"),
        Mount::Other(_) => return None,
    }
    if !env_var.is_empty() {
        text.push('=');
        text.push_str(env_var);
    }
    (parse(&text).as_ref() == Ok(secret)).then_some(text)
}

/// Group, key and value of an assignment such as `db/password=hunter2`.
///
/// The value may hold anything and may be empty.
///
/// # Errors
/// [`ShorthandError`] saying what is missing. It never holds any of the text, which may be a value.
pub fn parse_assignment(text: &str) -> Result<(&str, &str, &str), ShorthandError> {
    let (named, value) = text.split_once('=').ok_or(ShorthandError::NoValue)?;
    let (group, key) = named.rsplit_once('/').ok_or(ShorthandError::NoSlash)?;
    if group.is_empty() && key.is_empty() {
        return Err(ShorthandError::Empty);
    }
    Ok((group, key, value))
}

/// The secret that a name such as `db/password@3` stands for; its mount is [`Mount::Any`].
///
/// # Errors
/// [`ShorthandError`] saying what is missing, or that there is a `=`. It never holds any of the text.
pub fn parse_name(text: &str) -> Result<Secret, ShorthandError> {
    if text.contains('=') {
        return Err(ShorthandError::Value);
    }
    let (group, rest) = text.rsplit_once('/').ok_or(ShorthandError::NoSlash)?;
    let (key, group_version) = rest.rsplit_once('@').unwrap_or((rest, ""));
    if group.is_empty() && key.is_empty() {
        return Err(ShorthandError::Empty);
    }
    let (group, key, group_version) = (group.to_owned(), key.to_owned(), group_version.to_owned());
    Ok(Secret { group, group_version, key, ..Secret::default() })
}

/// The name that [`parse_name`] reads as the same group, key and version.
pub fn print_name(secret: &Secret) -> String {
    let Secret { group, group_version, key, .. } = secret;
    let at = if group_version.is_empty() && !key.contains('@') { "" } else { "@" };
    format!("{group}/{key}{at}{group_version}")
}

/// What is wrong with a request, an assignment or a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShorthandError {
    /// No `/` before the first `=`.
    NoSlash,
    /// Neither a group nor a key.
    Empty,
    /// Something after the last `:` that is no mount.
    Mount(String),
    /// The part after `=` can't be a variable's name. It isn't kept: it may be a value, given by mistake.
    EnvName,
    /// An assignment without `=`.
    NoValue,
    /// A name with `=`: what follows it may be a value, given by mistake.
    Value,
}

impl ShorthandError {
    /// What to write instead.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoSlash => Some("write GROUP/KEY, or /KEY for a secret without a group"),
            Self::Empty | Self::NoValue | Self::Value => None,
            Self::Mount(_) => Some("a key that holds `:` is followed by a mount: GROUP/KEY:any"),
            Self::EnvName => Some("GROUP/KEY=ENV_NAME asks for a secret; no value is given here"),
        }
    }
}

impl fmt::Display for ShorthandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSlash => f.write_str("there is no `/` between group and key"),
            Self::Empty => f.write_str("group and key are both empty"),
            Self::Mount(word) => {
                write!(f, "unknown mount `{}`; it is one of any, env, file", word.escape_debug())
            }
            Self::EnvName => f.write_str("what follows `=` can't be the name of an environment variable"),
            Self::NoValue => f.write_str("there is no `=` between key and value"),
            Self::Value => f.write_str("a name holds no `=`"),
        }
    }
}

impl std::error::Error for ShorthandError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(group: &str, key: &str, version: &str, mount: Mount, env_var: &str) -> Secret {
        Secret {
            group: group.to_owned(),
            group_version: version.to_owned(),
            key: key.to_owned(),
            mount,
            env_var: env_var.to_owned(),
        }
    }

    #[test]
    fn requests_are_read_and_printed_back() {
        let arn = "arn:aws:secretsmanager:us-east-2:123456789012:secret:team/db";
        for (text, want) in [
            ("db/password", secret("db", "password", "", Mount::Any, "")),
            ("db/password:env", secret("db", "password", "", Mount::EnvVar, "")),
            ("db/password@3:file=DB_PATH", secret("db", "password", "3", Mount::File, "DB_PATH")),
            ("db/password=DB_PATH", secret("db", "password", "", Mount::Any, "DB_PATH")),
            ("/token", secret("", "token", "", Mount::Any, "")),
            ("projects/p/secrets/s/@7", secret("projects/p/secrets/s", "", "7", Mount::Any, "")),
            (
                "arn:aws:secretsmanager:us-east-2:123456789012:secret:team/db/user:env",
                secret(arn, "user", "", Mount::EnvVar, ""),
            ),
            ("https://v.example:8200/kv@2/token", secret("https://v.example:8200/kv@2", "token", "", Mount::Any, "")),
            ("g/joe@example.com@", secret("g", "joe@example.com", "", Mount::Any, "")),
            ("g/joe@example.com@4", secret("g", "joe@example.com", "4", Mount::Any, "")),
            ("g/user:AWSCURRENT:any", secret("g", "user:AWSCURRENT", "", Mount::Any, "")),
            ("g/k@a:b:any", secret("g", "k", "a:b", Mount::Any, "")),
            ("g/k=a/b c", secret("g", "k", "", Mount::Any, "a/b c")),
        ] {
            assert_eq!(parse(text).as_ref(), Ok(&want), "{text}");
            assert_eq!(print(&want).as_deref(), Some(text));
        }
    }

    #[test]
    fn wrong_requests_say_what_is_wrong() {
        for (text, want) in [
            ("", "there is no `/` between group and key"),
            ("password", "there is no `/` between group and key"),
            ("password=a/b", "there is no `/` between group and key"),
            ("/", "group and key are both empty"),
            ("/:env", "group and key are both empty"),
            ("g/k:fil", "unknown mount `fil`; it is one of any, env, file"),
            ("g/k:", "unknown mount ``; it is one of any, env, file"),
            ("g/k:env:file:x\n", "unknown mount `x\\n`; it is one of any, env, file"),
            ("g/k=", "what follows `=` can't be the name of an environment variable"),
            ("g/k=hünter2", "what follows `=` can't be the name of an environment variable"),
            ("g/k=A=B", "what follows `=` can't be the name of an environment variable"),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), want, "{text}");
        }
    }

    #[test]
    fn what_a_request_cannot_say_is_not_printed() {
        for unsayable in [
            Secret::default(),
            secret("a=b", "k", "", Mount::Any, ""),
            secret("g", "a/b", "", Mount::Any, ""),
            secret("g", "a=b", "", Mount::Any, ""),
            secret("g", "k", "1/2", Mount::Any, ""),
            secret("g", "k", "1@2", Mount::Any, ""),
            secret("g", "k", "", Mount::Other(7), ""),
            secret("g", "k", "", Mount::EnvVar, "A=B"),
        ] {
            assert_eq!(print(&unsayable), None, "{unsayable:?}");
        }
    }

    #[test]
    fn assignments_are_split_at_the_first_equals_sign_then_the_last_slash() {
        for (text, want) in [
            ("db/password=hunter2", ("db", "password", "hunter2")),
            ("db/password=", ("db", "password", "")),
            ("a/b/c=d/e=f", ("a/b", "c", "d/e=f")),
            ("arn:aws:s3:::x/k@1:env=v", ("arn:aws:s3:::x", "k@1:env", "v")),
            ("/k=v", ("", "k", "v")),
            ("g/=v\n", ("g", "", "v\n")),
        ] {
            assert_eq!(parse_assignment(text), Ok(want));
        }
        for (text, want) in [
            ("canary", ShorthandError::NoValue),
            ("g/canary", ShorthandError::NoValue),
            ("canary=canary/x", ShorthandError::NoSlash),
            ("/=canary", ShorthandError::Empty),
        ] {
            let error = parse_assignment(text).unwrap_err();
            assert_eq!(error, want);
            assert!(!format!("{error} {error:?}").contains("canary"));
        }
    }

    #[test]
    fn names() {
        for (text, group, key, version) in [
            ("db/password", "db", "password", ""),
            ("db/password@3", "db", "password", "3"),
            ("arn:aws:s3:::x@1/y/k", "arn:aws:s3:::x@1/y", "k", ""),
            ("g/a:b", "g", "a:b", ""),
            ("g/joe@example.com@", "g", "joe@example.com", ""),
            ("g/joe@example.com@2", "g", "joe@example.com", "2"),
            ("/k", "", "k", ""),
            ("g/", "g", "", ""),
        ] {
            let named = parse_name(text).unwrap();
            assert_eq!(named, secret(group, key, version, Mount::Any, ""), "{text}");
            assert_eq!(print_name(&named), text);
        }
        for (text, want) in [
            ("canary", ShorthandError::NoSlash),
            ("/", ShorthandError::Empty),
            ("/@canary", ShorthandError::Empty),
            ("g/k=canary", ShorthandError::Value),
        ] {
            let error = parse_name(text).unwrap_err();
            assert_eq!(error, want);
            assert!(!format!("{error} {error:?}").contains("canary"));
        }
    }
}

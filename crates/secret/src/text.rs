//! A secret in protobuf text format, as golang/protobuf 1.5.4 writes it and reads it.
//!
//! Written by hand because both sides of that library differ from every other implementation of the format:
//! its writer in spaces, order and escapes, its reader in what it takes.

mod scan;
mod unescape;

use std::fmt::Write as _;

use crate::{DecodeError, Mount, Secret};
use scan::{Scanner, Token, quoted, shown};

/// The text of `secret`: one line a field, in the order of the message, default values left out.
///
/// A mount outside Flyte's enum is written as its number. Flyte's own writer refuses that before it gets here, and so
/// does [`write`](crate::write).
pub fn to_text(secret: &Secret) -> String {
    let mut text = String::with_capacity(96 + secret.group.len() + secret.key.len());
    string(&mut text, "group", &secret.group);
    string(&mut text, "group_version", &secret.group_version);
    string(&mut text, "key", &secret.key);
    if secret.mount.number() != 0 {
        // Writing to a string can't fail.
        let _ = writeln!(text, "mount_requirement: {}", Mount::from_number(secret.mount.number()));
    }
    string(&mut text, "env_var", &secret.env_var);
    text
}

fn string(text: &mut String, field: &str, value: &str) {
    if value.is_empty() {
        return;
    }
    text.push_str(field);
    text.push_str(": \"");
    for byte in value.bytes() {
        match byte {
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            b'"' => text.push_str("\\\""),
            b'\\' => text.push_str("\\\\"),
            b' '..=b'~' => text.push(char::from(byte)),
            other => {
                let _ = write!(text, "\\{other:03o}");
            }
        }
    }
    text.push_str("\"\n");
}

/// The secret of a text. Takes and refuses what golang/protobuf's `UnmarshalText` does, and besides refuses a value
/// that isn't UTF-8.
///
/// # Errors
/// [`DecodeError`] in that library's words, with the line and, on line 1, the offset.
pub fn from_text(text: &[u8]) -> Result<Secret, DecodeError> {
    let mut secret = Secret::default();
    let mut seen = [false; 5];
    let mut not_utf8 = None;
    let mut scanner = Scanner::new(text);
    let mut token = scanner.next()?;
    while token != Token::End {
        if token == Token::Symbol(b"[") {
            return Err(scanner.error("unrecognized extension or type URL".to_owned()));
        }
        let field = Field::named(&token)
            .ok_or_else(|| scanner.error(format!("unknown field name {} in core.Secret", quoted(token.raw()))))?;
        if std::mem::replace(&mut seen[field as usize], true) {
            return Err(scanner.error(format!("non-repeated field {:?} was repeated", field.name())));
        }
        let colon = scanner.next()?;
        if colon != Token::Symbol(b":") {
            return Err(scanner.error(format!("expected ':', found {}", quoted(colon.raw()))));
        }
        let value = scanner.next()?;
        if value == Token::End {
            return Err(scanner.error("unexpected EOF".to_owned()));
        }
        // What Flyte refuses too is refused in its words, so this error waits until the end.
        let wrong = || {
            not_utf8.get_or_insert(field);
            String::new()
        };
        match field {
            Field::Group => secret.group = string_value(&scanner, value)?.unwrap_or_else(wrong),
            Field::GroupVersion => secret.group_version = string_value(&scanner, value)?.unwrap_or_else(wrong),
            Field::Key => secret.key = string_value(&scanner, value)?.unwrap_or_else(wrong),
            Field::EnvVar => secret.env_var = string_value(&scanner, value)?.unwrap_or_else(wrong),
            Field::MountRequirement => secret.mount = enum_value(&scanner, &value)?,
        }
        token = scanner.next()?;
        if matches!(token, Token::Symbol(b";" | b",")) {
            token = scanner.next()?;
        }
    }
    match not_utf8 {
        Some(field) => Err(DecodeError::NotUtf8 { field: field.name() }),
        None => Ok(secret),
    }
}

#[derive(Clone, Copy)]
enum Field {
    Group,
    GroupVersion,
    Key,
    MountRequirement,
    EnvVar,
}

impl Field {
    fn named(token: &Token<'_>) -> Option<Self> {
        let Token::Word(name) = token else { return None };
        Some(match *name {
            b"group" => Self::Group,
            b"group_version" => Self::GroupVersion,
            b"key" => Self::Key,
            b"mount_requirement" => Self::MountRequirement,
            b"env_var" => Self::EnvVar,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::GroupVersion => "group_version",
            Self::Key => "key",
            Self::MountRequirement => "mount_requirement",
            Self::EnvVar => "env_var",
        }
    }
}

/// The value of a literal; none if it isn't UTF-8.
fn string_value(scanner: &Scanner<'_>, token: Token<'_>) -> Result<Option<String>, DecodeError> {
    match token {
        Token::Literal { value, .. } => Ok(String::from_utf8(value.into_owned()).ok()),
        other => Err(scanner.error(format!("invalid string: {}", shown(other.raw())))),
    }
}

fn enum_value(scanner: &Scanner<'_>, token: &Token<'_>) -> Result<Mount, DecodeError> {
    let number = match token {
        Token::Word(b"ANY") => Some(0),
        Token::Word(b"ENV_VAR") => Some(1),
        Token::Word(b"FILE") => Some(2),
        Token::Word(word) => go_integer(word),
        _ => None,
    };
    let number = number.ok_or_else(|| scanner.error(format!("invalid enum: {}", shown(token.raw()))))?;
    Ok(Mount::from_number(number))
}

/// A number as Go's `strconv.ParseInt(word, 0, 32)` reads it: an optional sign, a prefix for its base (`0x`, `0o` or
/// just `0`, `0b`), and single underscores between digits or after the prefix.
fn go_integer(word: &[u8]) -> Option<i32> {
    let (negative, unsigned) = match word {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, word),
    };
    let (base, prefixed, digits) = match unsigned {
        [b'0', b'x' | b'X', rest @ ..] => (16, true, rest),
        [b'0', b'o' | b'O', rest @ ..] => (8, true, rest),
        [b'0', b'b' | b'B', rest @ ..] => (2, true, rest),
        [b'0', rest @ ..] if !rest.is_empty() => (8, true, rest),
        _ => (10, false, unsigned),
    };
    let mut number: i64 = 0;
    let mut any = false;
    let mut after_digit = prefixed;
    for &byte in digits {
        if byte == b'_' && after_digit {
            after_digit = false;
            continue;
        }
        let digit = char::from(byte).to_digit(base)?;
        number = number * i64::from(base) + i64::from(digit);
        if number > 1 << 31 {
            return None;
        }
        (any, after_digit) = (true, true);
    }
    if !any || !after_digit {
        return None;
    }
    i32::try_from(if negative { -number } else { number }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_go_reads_them() {
        for (word, want) in [
            ("0", 0),
            ("2", 2),
            ("-1", -1),
            ("+2", 2),
            ("0x1F", 31),
            ("0X1f", 31),
            ("017", 15),
            ("0o17", 15),
            ("0b11", 3),
            ("1_0", 10),
            ("0_7", 7),
            ("0x_2", 2),
            ("2147483647", i32::MAX),
            ("-2147483648", i32::MIN),
            ("-0x80000000", i32::MIN),
        ] {
            assert_eq!(go_integer(word.as_bytes()), Some(want), "{word}");
        }
        for word in [
            "",
            "-",
            "+",
            "0x",
            "0b2",
            "08",
            "1__0",
            "_1",
            "1_",
            "0x1_",
            "2147483648",
            "-2147483649",
            "0xffffffff",
            "1.0",
            "1e3",
            "--1",
            "0x-1",
            "99999999999999999999999999",
            "0_",
            "0_x1",
        ] {
            assert_eq!(go_integer(word.as_bytes()), None, "{word}");
        }
    }

    #[test]
    fn a_value_that_becomes_utf8_only_by_joining_literals_is_one_value() {
        assert_eq!(from_text(br#"key: "caf\303" '\251'"#).unwrap().key, "café");
    }

    #[test]
    fn deeply_nested_text_is_refused_at_the_first_bracket() {
        for bracket in ["<", "{", "[", "key {", "key: <", "key: ["] {
            assert!(from_text(bracket.repeat(100_000).as_bytes()).is_err(), "{bracket}");
        }
    }

    #[test]
    fn an_error_is_where_its_value_begins_and_shows_all_of_it() {
        let error = |text: &str| from_text(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(error("mount_requirement: 'a' \"b\""), "line 1.19: invalid enum: 'a' \"b\"");
        assert_eq!(error("\nmount_requirement:\n'a'\n'b'\n"), "line 3: invalid enum: 'a'\n'b'");
        assert_eq!(error("key: 'a' 'b\\q'"), "line 1.9: invalid quoted string 'b\\q': unknown escape \\q");
        let long = format!("{:?}: 'a'", "k".repeat(1000));
        assert_eq!(error(&long), format!("line 1.0: unknown field name \"\\\"{}…\" in core.Secret", "k".repeat(79)));
    }
}

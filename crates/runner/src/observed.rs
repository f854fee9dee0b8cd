//! Holds our reading of env files and of `$(NAME)` to what the kubelet's own code answered: `tests/kubelet/main.go` asked it.
//!
//! The file of the repository has the cases that matter; for many more by chance, let the program make them and name its output in `KUBELET_OBSERVED`.

use crate::envfile::{EnvFileError, parse};
use crate::expansion::expand;

#[derive(serde::Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Row {
    key: String,
    before: String,
    xs: usize,
    after: String,
    value: String,
    length: usize,
    error: String,
    text: String,
    expanded: String,
}

fn rows() -> Vec<Row> {
    let text = match std::env::var_os("KUBELET_OBSERVED") {
        Some(path) => std::fs::read_to_string(path).unwrap(),
        None => include_str!("../tests/kubelet/observed.jsonl").into(),
    };
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The fixture writes bytes as the characters of the same number.
fn bytes(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(c).unwrap()).collect()
}

#[test]
fn env_files() {
    let rows: Vec<Row> = rows().into_iter().filter(|row| !row.key.is_empty()).collect();
    assert!(rows.len() > 50);
    for row in rows {
        let file = [bytes(&row.before), b"x".repeat(row.xs), bytes(&row.after)].concat();
        let key = String::from_utf8(bytes(&row.key)).unwrap();
        let answer = parse(&file, &key);
        let context = format!("{:?} of {:?}", row.key, row.before);
        match answer {
            Ok(value) if row.length > 0 => assert_eq!(value.map(|value| value.len()), Some(row.length), "{context}"),
            Ok(value) => {
                assert_eq!(row.error, "", "{context}");
                assert_ne!(value.as_deref(), Some(b"".as_slice()), "{context}");
                assert_eq!(value.unwrap_or_default(), bytes(&row.value), "{context}");
            }
            Err(error) => assert!(is_same(error, &row.error), "{context}: {error} is not {}", row.error),
        }
    }
}

/// Whether the kubelet means the same by its message, line included.
fn is_same(error: EnvFileError, theirs: &str) -> bool {
    let (line, what) = match error {
        EnvFileError::NoEquals(line) => (line, "missing '='"),
        EnvFileError::NoName(line) => (line, "empty variable name"),
        EnvFileError::BlankBeforeEquals(line) => (line, "whitespace before '=' is not allowed"),
        EnvFileError::NotQuoted(line) => (line, "value must be enclosed in single quotes"),
        EnvFileError::AfterQuote(line) => (line, "unexpected content after closing quote"),
        EnvFileError::Unclosed(line) => (line, "unclosed single quote"),
        // It has no line for this one, and within a value it takes it for the end of the file.
        EnvFileError::LineTooLong(_) => {
            return theirs.contains("token too long") || theirs.contains("unclosed single quote");
        }
    };
    theirs.contains(&format!("at line {line}: {what}"))
}

#[test]
fn references() {
    let values = [("A", "a"), ("B", "$(A)"), ("EMPTY", "")];
    let lookup =
        |name: &[u8]| values.iter().find(|(known, _)| known.as_bytes() == name).map(|(_, value)| value.as_bytes());
    let rows: Vec<Row> = rows().into_iter().filter(|row| row.key.is_empty()).collect();
    assert!(rows.len() > 20);
    for row in rows {
        assert_eq!(expand(&bytes(&row.text), lookup), bytes(&row.expanded), "{:?}", row.text);
    }
}

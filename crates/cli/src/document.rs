//! One YAML or JSON document from a file or from stdin, whatever it holds.

use crate::fault::Fault;
use serde_json::Value;
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{Error, Options};
use std::fs::File;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};

/// The largest file that is read; the API server takes 3 MiB.
const MAX_SIZE: u64 = 16 * 1024 * 1024;

/// A document and where it came from.
pub(crate) struct Document {
    /// Its name in messages.
    pub(crate) origin: String,
    /// What was read.
    pub(crate) text: String,
    /// The same as JSON: the very bytes where the file is JSON already.
    pub(crate) json: String,
    pub(crate) value: Value,
}

impl Document {
    /// Reads a file, or stdin for `-`.
    pub(crate) fn read(path: &str) -> Result<Self, Fault> {
        let (origin, text) = read_text(path)?;
        Self::of(origin, text)
    }

    /// Reads a text that is here already.
    pub(crate) fn of(origin: String, text: String) -> Result<Self, Fault> {
        let not_json = match serde_json::from_str::<Value>(&text) {
            Ok(Value::Null) => return Err(Fault::new(format!("`{origin}` is empty"))),
            Ok(value) => return Ok(Self { origin, json: text.clone(), text, value }),
            Err(error) => error,
        };
        match read_yaml(&text, &origin) {
            Ok(value) => Ok(Self { origin, json: value.to_string(), text, value }),
            // Whoever starts with a brace most likely means JSON.
            Err(_) if text.trim_start().starts_with('{') => Err(json_fault(&origin, &not_json)),
            Err(fault) => Err(fault),
        }
    }
}

/// Whether stdin was read: it gives its text once.
static STDIN_READ: AtomicBool = AtomicBool::new(false);

/// The bytes of a file, or of stdin for `-`, up to one more than is read.
pub(crate) fn read_bytes(path: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if path == "-" {
        if STDIN_READ.swap(true, Ordering::Relaxed) {
            return Err(io::Error::other("stdin was read already, for another argument"));
        }
        io::stdin().lock().take(MAX_SIZE + 1).read_to_end(&mut bytes)?;
    } else {
        File::open(path)?.take(MAX_SIZE + 1).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// The text of a file, or of stdin for `-`, and its name in messages.
pub(crate) fn read_text(path: &str) -> Result<(String, String), Fault> {
    let origin = if path == "-" { "stdin" } else { path }.to_owned();
    let bytes = match read_bytes(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
            return Err(Fault::new(format!("`{origin}` is a directory")).hint("name one file in it"));
        }
        Err(error) => return Err(Fault::new(format!("can't read `{origin}`: {}", reason(&error)))),
    };
    if bytes.len() as u64 > MAX_SIZE {
        return Err(Fault::new(format!("`{origin}` is larger than {} MiB", MAX_SIZE >> 20)));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok((origin, text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            Err(Fault::new(format!("`{origin}` is not UTF-8, from its byte {at} on")))
        }
    }
}

/// What the system says, without its number where the words say it all.
pub(crate) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => error.to_string(),
    }
}

fn json_fault(origin: &str, error: &serde_json::Error) -> Fault {
    let text = error.to_string();
    if text.starts_with("recursion limit exceeded") {
        return Fault::new(format!("`{origin}` is nested too deeply, at line {}", error.line()));
    }
    let hint = error.is_eof().then_some("it ends too early: is it all there?");
    Fault::new(format!("`{origin}` is not JSON: {text}")).maybe_hint(hint)
}

fn read_yaml(text: &str, origin: &str) -> Result<Value, Fault> {
    let mut options = Options::default();
    options.strict_booleans = true;
    // As kubectl reads `defaultMode: 0400`.
    options.legacy_octal_numbers = true;
    // A snippet would repeat lines of a file that may hold anything.
    options.with_snippet = false;
    let documents: Vec<Value> =
        serde_saphyr::from_multiple_with_options(text, options).map_err(|error| yaml_fault(origin, &error))?;
    let mut documents: Vec<Value> = documents.into_iter().filter(|document| !document.is_null()).collect();
    match (documents.len(), documents.pop()) {
        (1, Some(document)) => Ok(document),
        (0, _) | (_, None) => Err(Fault::new(format!("`{origin}` is empty"))),
        (count, Some(_)) => Err(Fault::new(format!("`{origin}` holds {count} documents, and one is wanted"))
            .hint("put each document into a file of its own")),
    }
}

fn yaml_fault(origin: &str, error: &Error) -> Fault {
    let at = error.location().map_or_else(String::new, |at| format!(", at line {}", at.line()));
    if let Error::DuplicateMappingKey { key: Some(key), .. } = error {
        return Fault::new(format!("`{origin}` has `{}` twice in one map{at}", key.escape_debug()));
    }
    let text = error.to_string();
    if matches!(error, Error::Budget { breach: BudgetBreach::Depth { .. }, .. }) || text.contains("recursion limit") {
        return Fault::new(format!("`{origin}` is nested too deeply{at}"));
    }
    if text.contains("budget breached") {
        return Fault::new(format!("`{origin}` holds too much for one object{at}"))
            .hint("an alias (`*name`) counts as all that it stands for");
    }
    Fault::new(format!("`{origin}` is not YAML: {}", text.split_whitespace().collect::<Vec<_>>().join(" ")))
}

//! How a pod carries the request: a label, and annotations in two spellings.

use std::cmp::Ordering;

use crate::error::ReadCause;
use crate::{DecodeError, Mount, ReadError, Secret, WriteError, base32, readable, text};

/// The label that makes the API server call the webhook for a pod.
pub const LABEL: (&str, &str) = ("inject-flyte-secrets", "true");
/// What Flyte's annotations start with; an index follows.
pub const ANNOTATION_PREFIX: &str = "flyte.secrets/s";
/// The annotation of the readable spelling.
pub const READABLE_ANNOTATION: &str = "keybearer.dev/secrets";
/// Longest value of one annotation, in bytes, when reading and when writing.
pub const MAX_ENCODED: usize = 262_144;
/// Most secrets in one readable annotation.
pub const MAX_READABLE: usize = 1024;

/// How secrets are written in annotations. A pod may have both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Spelling {
    /// `flyte.secrets/s0`, `flyte.secrets/s1`, …: base32 of Flyte's message in protobuf text format, to the byte.
    Flyte,
    /// `keybearer.dev/secrets`: a list in JSON, which is YAML too.
    Readable,
}

/// The secrets that a pod's annotations ask for: those of Flyte's spelling by index, then those of the readable one.
///
/// Every annotation counts whose name starts with [`ANNOTATION_PREFIX`]. Indexes may be missing, and `s0` and `s00`
/// are two. What follows the prefix and isn't a decimal number comes after those that are, by name.
///
/// # Errors
/// [`ReadError`] at the first annotation, in that order, that isn't a secret or a list of them.
pub fn read<'a>(annotations: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Vec<Secret>, ReadError> {
    let mut flyte: Vec<(Index<'a>, &'a str)> = Vec::new();
    let mut lists: Vec<&'a str> = Vec::new();
    for (name, value) in annotations {
        if let Some(suffix) = name.strip_prefix(ANNOTATION_PREFIX) {
            flyte.push((Index(suffix), value));
        } else if name == READABLE_ANNOTATION {
            lists.push(value);
        }
    }
    flyte.sort_by_key(|(index, _)| *index);
    let mut secrets = Vec::with_capacity(flyte.len());
    for (index, value) in flyte {
        secrets.push(decode(value).map_err(|cause| ReadError {
            annotation: format!("{ANNOTATION_PREFIX}{}", index.0),
            cause: ReadCause::Flyte(cause),
        })?);
    }
    for value in lists {
        readable::read(value, &mut secrets).map_err(|cause| ReadError {
            annotation: READABLE_ANNOTATION.to_owned(),
            cause: ReadCause::Readable(cause),
        })?;
    }
    Ok(secrets)
}

/// The annotations, by name and value, that ask for `secrets`. None for none.
///
/// # Errors
/// [`WriteError`] for a mount outside Flyte's enum, and when one value would be longer than [`MAX_ENCODED`].
pub fn write(secrets: &[Secret], spelling: Spelling) -> Result<Vec<(String, String)>, WriteError> {
    if let Some(number) = secrets.iter().map(|secret| secret.mount.number()).find(|number| !(0..=2).contains(number)) {
        return Err(WriteError::Mount { number });
    }
    match spelling {
        Spelling::Flyte => secrets
            .iter()
            .enumerate()
            .map(|(index, secret)| bounded(format!("{ANNOTATION_PREFIX}{index}"), encode(secret)))
            .collect(),
        Spelling::Readable if secrets.is_empty() => Ok(Vec::new()),
        Spelling::Readable if secrets.len() > MAX_READABLE => Err(WriteError::TooMany),
        Spelling::Readable => Ok(vec![bounded(READABLE_ANNOTATION.to_owned(), readable::write(secrets))?]),
    }
}

fn bounded(name: String, value: String) -> Result<(String, String), WriteError> {
    if value.len() > MAX_ENCODED { Err(WriteError::TooLong { annotation: name }) } else { Ok((name, value)) }
}

/// The value of one annotation in Flyte's spelling. A mount outside Flyte's enum is written as its number.
pub fn encode(secret: &Secret) -> String {
    base32::base32(text::to_text(secret).as_bytes())
}

/// The secret in the value of one annotation in Flyte's spelling.
///
/// # Errors
/// [`DecodeError`] when it is too long, isn't base32, isn't Flyte's message or has a value that isn't UTF-8.
pub fn decode(value: &str) -> Result<Secret, DecodeError> {
    if value.len() > MAX_ENCODED {
        return Err(DecodeError::TooLong);
    }
    let text = base32::decode(value).map_err(|at| DecodeError::Base32 { at })?;
    text::from_text(&text)
}

/// What follows the prefix in an annotation's name, ordered by number, of whatever length.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Index<'a>(&'a str);

impl<'a> Index<'a> {
    fn digits(self) -> Option<&'a str> {
        let decimal = !self.0.is_empty() && self.0.bytes().all(|byte| byte.is_ascii_digit());
        decimal.then(|| self.0.trim_start_matches('0'))
    }
}

impl Ord for Index<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_number = match (self.digits(), other.digits()) {
            (Some(a), Some(b)) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        by_number.then_with(|| self.0.cmp(other.0))
    }
}

impl PartialOrd for Index<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The mount's names in the readable spelling.
pub(crate) fn mount_word(mount: Mount) -> &'static str {
    match mount.number() {
        1 => "env",
        2 => "file",
        _ => "any",
    }
}

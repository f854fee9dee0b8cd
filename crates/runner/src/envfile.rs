//! An env file as the kubelet reads it for `fileKeyRef` (Kubernetes 1.37), byte for byte.
//!
//! Every line is `NAME='value'`; the value may go on over lines and holds anything but a `'`; nothing in it is expanded. Three of the kubelet's habits matter to
//! whoever writes such a file: it reads by lines of at most [`LONGEST_LINE`] bytes, it drops a carriage return before each line feed (in a value too) and at the
//! end of the file, and it can't tell an empty value from a missing one. It also stops at the key it was asked for, so what is wrong after it goes unseen.

/// The longest line, without its line feed, that the kubelet reads: its buffer of 64 KiB has to hold the line feed too.
pub const LONGEST_LINE: usize = 64 * 1024 - 1;

/// Why the kubelet refuses an env file. Lines count from 1; no part of the file is shown, since it holds secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvFileError {
    /// A line without `=`.
    #[error("env file line {0} has no `=`")]
    NoEquals(usize),
    /// Nothing before the `=`.
    #[error("env file line {0} has no name before `=`")]
    NoName(usize),
    /// A blank between name and `=`.
    #[error("env file line {0} has a blank before `=`")]
    BlankBeforeEquals(usize),
    /// The value does not start with `'`.
    #[error("env file line {0} has a value that is not in single quotes")]
    NotQuoted(usize),
    /// Something other than a comment after the closing quote.
    #[error("env file line {0} goes on after the closing quote")]
    AfterQuote(usize),
    /// The file ends, or a line is too long, before the closing quote.
    #[error("env file line {0} opens a quote that is not closed")]
    Unclosed(usize),
    /// A line is longer than [`LONGEST_LINE`].
    #[error("env file line {0} is longer than {LONGEST_LINE} bytes")]
    LineTooLong(usize),
}

/// The value of `key`; `None` if the file has no such name or if its value is empty, which the kubelet takes for the same.
///
/// ```
/// # use runner::envfile::parse;
/// let file = b"# written by hand\nTOKEN='line 1\nline 2'\nEMPTY=''\n";
/// assert_eq!(parse(file, "TOKEN"), Ok(Some(b"line 1\nline 2".to_vec())));
/// assert_eq!(parse(file, "EMPTY"), Ok(None));
/// ```
pub fn parse(file: &[u8], key: &str) -> Result<Option<Vec<u8>>, EnvFileError> {
    let mut lines = Lines { rest: file, number: 0 };
    while let Some(line) = lines.next()? {
        let line = trim(line);
        if line.is_empty() || line[0] == b'#' {
            continue;
        }
        let start = lines.number;
        let equals = find(line, b'=').ok_or(EnvFileError::NoEquals(start))?;
        let (name, value) = (&line[..equals], &line[equals + 1..]);
        match name.last() {
            None => return Err(EnvFileError::NoName(start)),
            Some(b' ' | b'\t') => return Err(EnvFileError::BlankBeforeEquals(start)),
            Some(_) => {}
        }
        let wanted = name == key.as_bytes();
        let value = match value.first() {
            // `NAME= 'x'` is an empty value, as in a shell; the rest of the line is not looked at.
            Some(b' ' | b'\t') if wanted => return Ok(None),
            Some(b' ' | b'\t') => continue,
            Some(b'\'') => quoted(&value[1..], start, &mut lines)?,
            _ => return Err(EnvFileError::NotQuoted(start)),
        };
        if wanted {
            return Ok(Some(value).filter(|value| !value.is_empty()));
        }
    }
    Ok(None)
}

/// What follows an opening quote up to the closing one, over as many lines as it takes.
fn quoted(first: &[u8], start: usize, lines: &mut Lines<'_>) -> Result<Vec<u8>, EnvFileError> {
    let mut value = Vec::new();
    let mut rest = first;
    loop {
        if let Some(end) = find(rest, b'\'') {
            value.extend_from_slice(&rest[..end]);
            return match trim(&rest[end + 1..]).first() {
                None | Some(b'#') => Ok(value),
                Some(_) => Err(EnvFileError::AfterQuote(lines.number)),
            };
        }
        value.extend_from_slice(rest);
        value.push(b'\n');
        rest = lines.next()?.ok_or(EnvFileError::Unclosed(start))?;
    }
}

struct Lines<'a> {
    rest: &'a [u8],
    number: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Result<Option<&'a [u8]>, EnvFileError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        let window = &self.rest[..self.rest.len().min(LONGEST_LINE + 1)];
        let line = match find(window, b'\n') {
            Some(end) => {
                self.rest = &self.rest[end + 1..];
                &window[..end]
            }
            // A full buffer without a line feed is too long even if the file ends there.
            None if window.len() > LONGEST_LINE => return Err(EnvFileError::LineTooLong(self.number)),
            None => std::mem::take(&mut self.rest),
        };
        Ok(Some(line.strip_suffix(b"\r").unwrap_or(line)))
    }
}

fn find(bytes: &[u8], wanted: u8) -> Option<usize> {
    bytes.iter().position(|&byte| byte == wanted)
}

/// Without the blanks and tabs at the front; other white space is content.
fn trim(bytes: &[u8]) -> &[u8] {
    let blanks = bytes.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    &bytes[blanks..]
}

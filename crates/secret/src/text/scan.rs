//! The tokens of the text format, one at a time, without recursion.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::unescape::unescape;
use crate::DecodeError;

/// Longest piece of the text in an error message, in bytes.
const SHOWN: usize = 80;

/// What the text consists of.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// The end of the text.
    End,
    /// One of `<>{}:[];,/`.
    Symbol(&'a [u8]),
    /// A name or a number.
    Word(&'a [u8]),
    /// One or more literals in quotes, joined.
    Literal {
        /// As it stands in the text, from the first quote to the last.
        raw: &'a [u8],
        /// What it stands for.
        value: Cow<'a, [u8]>,
    },
}

impl<'a> Token<'a> {
    /// As it stands in the text.
    pub(super) fn raw(&self) -> &'a [u8] {
        match self {
            Self::End => b"",
            Self::Symbol(raw) | Self::Word(raw) | Self::Literal { raw, .. } => raw,
        }
    }
}

/// Reads tokens, and knows where the last one began.
pub(super) struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    line: usize,
    token_at: usize,
    token_line: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, line: 1, token_at: 0, token_line: 1 }
    }

    /// An error at the last token.
    pub(super) fn error(&self, message: String) -> DecodeError {
        DecodeError::Text { line: self.token_line, offset: self.token_at, message }
    }

    /// The next token, after spaces and comments.
    pub(super) fn next(&mut self) -> Result<Token<'a>, DecodeError> {
        self.skip_space();
        let Some(&first) = self.text.get(self.at) else { return Ok(Token::End) };
        self.begin();
        let start = self.at;
        match first {
            b'<' | b'>' | b'{' | b'}' | b':' | b'[' | b']' | b';' | b',' | b'/' => {
                self.at += 1;
                Ok(Token::Symbol(&self.text[start..self.at]))
            }
            b'"' | b'\'' => self.literals(),
            _ => {
                let length = self.text[start..].iter().take_while(|byte| is_word(**byte)).count();
                if length == 0 {
                    return Err(self.error(format!("unexpected byte {first:#x}")));
                }
                self.at += length;
                Ok(Token::Word(&self.text[start..self.at]))
            }
        }
    }

    fn begin(&mut self) {
        (self.token_at, self.token_line) = (self.at, self.line);
    }

    fn skip_space(&mut self) {
        let mut comment = false;
        while let Some(byte) = self.text.get(self.at) {
            match byte {
                b'\n' => {
                    comment = false;
                    self.line += 1;
                }
                _ if comment => {}
                b'#' => comment = true,
                b' ' | b'\t' | b'\r' => {}
                _ => break,
            }
            self.at += 1;
        }
    }

    /// Literals that stand one after the other are one value.
    fn literals(&mut self) -> Result<Token<'a>, DecodeError> {
        let first = (self.token_at, self.token_line);
        let mut value = self.literal()?;
        let mut end = self.at;
        loop {
            self.skip_space();
            if !matches!(self.text.get(self.at), Some(b'"' | b'\'')) {
                break;
            }
            self.begin();
            value.to_mut().extend_from_slice(&self.literal()?);
            end = self.at;
        }
        (self.token_at, self.token_line) = first;
        Ok(Token::Literal { raw: &self.text[first.0..end], value })
    }

    fn literal(&mut self) -> Result<Cow<'a, [u8]>, DecodeError> {
        let start = self.at;
        let quote = self.text[start];
        let mut at = start + 1;
        let mut escaped = false;
        loop {
            match self.text.get(at) {
                Some(&byte) if byte == quote => break,
                None | Some(b'\n') => return Err(self.error("unmatched quote".to_owned())),
                Some(b'\\') => {
                    escaped = true;
                    at += 2;
                }
                Some(_) => at += 1,
            }
        }
        self.at = at + 1;
        let body = &self.text[start + 1..at];
        if !escaped {
            return Ok(Cow::Borrowed(body));
        }
        unescape(body).map(Cow::Owned).map_err(|why| {
            let raw = shown(&self.text[start..self.at]);
            self.error(format!("invalid quoted string {raw}: {why}"))
        })
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.' | b'_')
}

/// A piece of the text for a message: shortened, and what isn't UTF-8 replaced.
pub(super) fn shown(raw: &[u8]) -> String {
    let (raw, rest) = raw.split_at(raw.len().min(SHOWN));
    let mut text = String::from_utf8_lossy(raw).into_owned();
    if !rest.is_empty() {
        text.push('…');
    }
    text
}

/// A piece of the text for a message, shortened, in quotes and escaped as Go's `%q` does.
pub(super) fn quoted(raw: &[u8]) -> String {
    let (raw, rest) = raw.split_at(raw.len().min(SHOWN));
    let mut text = String::from("\"");
    for chunk in raw.utf8_chunks() {
        chunk.valid().chars().for_each(|c| quote(&mut text, c));
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text.push_str(if rest.is_empty() { "\"" } else { "…\"" });
    text
}

fn quote(text: &mut String, c: char) {
    match c {
        '"' => text.push_str("\\\""),
        '\\' => text.push_str("\\\\"),
        '\x07' => text.push_str("\\a"),
        '\x08' => text.push_str("\\b"),
        '\x0c' => text.push_str("\\f"),
        '\n' => text.push_str("\\n"),
        '\r' => text.push_str("\\r"),
        '\t' => text.push_str("\\t"),
        '\x0b' => text.push_str("\\v"),
        '\0'..='\x1f' | '\x7f' => {
            let _ = write!(text, "\\x{:02x}", u32::from(c));
        }
        // What Rust's own escape takes for unprintable, Go does too, but for a few characters newer than one of them.
        c if c != '\'' && c.escape_debug().len() > 1 => {
            let _ = write!(text, "\\u{:04x}", u32::from(c));
        }
        c => text.push(c),
    }
}

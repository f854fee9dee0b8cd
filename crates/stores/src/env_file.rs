//! The env file that `fileKeyRef` reads (KEP-3721): what the kubelet's parser gives back byte for byte, and nothing else.

use std::fmt;
use std::str;

/// The longest line that the kubelet's scanner takes (Go's `bufio.MaxScanTokenSize`), the line's end counted.
const MAX_LINE: usize = 64 * 1024;

/// The longest `NAME=value` that Linux hands to a program (`MAX_ARG_STRLEN`), its NUL not counted.
const MAX_STRING: usize = 131_071;

/// Why a value can't be an environment variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It holds a `'`, which ends a value in the file.
    Quote,
    /// It is empty, which the kubelet reads as "not there".
    Empty,
    /// It holds a carriage return before a line's end, which the kubelet drops.
    CarriageReturn,
    /// It has a line that is too long for the kubelet.
    LongLine,
    /// It holds a NUL, which ends a string.
    Nul,
    /// It is not UTF-8.
    NotUtf8,
    /// It is longer than Linux allows.
    TooLong,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Quote => "it holds a `'`, which the kubelet's env files can't carry",
            Self::Empty => "it is empty, which the kubelet's env files can't carry",
            Self::CarriageReturn => "it holds a carriage return before a line's end, which the kubelet would drop",
            Self::LongLine => "it has a line of 64 KiB or more, which the kubelet's env files can't carry",
            Self::Nul => "it holds a NUL, which no environment variable can carry",
            Self::NotUtf8 => "it is not UTF-8, which the kubelet's env files can't carry",
            Self::TooLong => "it is longer than 131,071 bytes with its name, which Linux does not allow",
        })
    }
}

/// The lines of one value, or why it can't be a variable of the longest of its names.
pub(crate) fn entry(key: &str, value: &[u8], longest_name: usize) -> Result<String, Unfit> {
    let text = str::from_utf8(value).map_err(|_| Unfit::NotUtf8)?;
    if text.is_empty() {
        return Err(Unfit::Empty);
    }
    if text.contains('\0') {
        return Err(Unfit::Nul);
    }
    if text.contains('\'') {
        return Err(Unfit::Quote);
    }
    if text.contains("\r\n") {
        return Err(Unfit::CarriageReturn);
    }
    if longest_name + 1 + text.len() > MAX_STRING {
        return Err(Unfit::TooLong);
    }
    let entry = format!("{key}='{text}'\n");
    if entry.split('\n').any(|line| line.len() >= MAX_LINE) {
        return Err(Unfit::LongLine);
    }
    Ok(entry)
}

//! Flyte's base32: the alphabet `a` to `z`, `1` to `6` (not RFC 4648's), without padding.

use std::borrow::Cow;
use std::sync::LazyLock;

use data_encoding::{Encoding, Specification};

static FLYTE: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("abcdefghijklmnopqrstuvwxyz123456");
    // Go's decoder doesn't look at the bits that fill up the last symbol.
    specification.check_trailing_bits = false;
    // The alphabet is a constant with 32 different symbols, which is all that can go wrong here.
    specification.encoding().expect("32 different symbols")
});

/// Flyte's base32 of `bytes`: in annotations, and in the names of the volumes that it makes for Kubernetes Secrets.
pub fn base32(bytes: &[u8]) -> String {
    FLYTE.encode(bytes)
}

/// The bytes of `text`, as tolerant as Go's decoder: CR and LF are dropped anywhere, and a last group of 1, 3 or 6
/// symbols, which no encoder makes, is lost.
///
/// The error is the place of the first symbol outside the alphabet, CR and LF not counted.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, usize> {
    let text = without_newlines(text.as_bytes());
    let lost = match text.len() % 8 {
        lost @ (1 | 3 | 6) => lost,
        _ => 0,
    };
    let (kept, lost) = text.split_at(text.len() - lost);
    let bytes = FLYTE.decode(kept).map_err(|error| error.position)?;
    match lost.iter().position(|symbol| !matches!(symbol, b'a'..=b'z' | b'1'..=b'6')) {
        Some(at) => Err(kept.len() + at),
        None => Ok(bytes),
    }
}

fn without_newlines(text: &[u8]) -> Cow<'_, [u8]> {
    let newline = |byte: &u8| matches!(byte, b'\r' | b'\n');
    if text.iter().any(newline) {
        text.iter().copied().filter(|byte| !newline(byte)).collect()
    } else {
        Cow::Borrowed(text)
    }
}

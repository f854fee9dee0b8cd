//! Values that don't show themselves.

use std::fmt;
use std::hint::black_box;

/// A secret's value as text. Never printed; overwritten when dropped, as far as that goes without unsafe code.
pub struct SecretString(String);

/// A secret's value byte for byte. Never printed; overwritten when dropped, as far as that goes without unsafe code.
pub struct SecretBytes(Vec<u8>);

impl SecretString {
    /// The value, in the open from here on.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The value without the whitespace around it, as Python's `str.strip()` takes it; the error is the value itself.
    pub(crate) fn stripped(bytes: SecretBytes) -> Result<Self, SecretBytes> {
        match std::str::from_utf8(&bytes.0) {
            Ok(text) => Ok(Self(strip(text).to_owned())),
            Err(_) => Err(bytes),
        }
    }
}

impl SecretBytes {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The value, in the open from here on.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for SecretString {
    fn drop(&mut self) {
        wipe(std::mem::take(&mut self.0).into_bytes());
    }
}

impl Drop for SecretBytes {
    fn drop(&mut self) {
        wipe(std::mem::take(&mut self.0));
    }
}

fn wipe(mut bytes: Vec<u8>) {
    bytes.fill(0);
    // Keeps the compiler from leaving out a write that nothing reads.
    black_box(bytes.as_slice());
}

impl fmt::Debug for SecretString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretString([redacted])")
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes([redacted])")
    }
}

/// What Python's `str.strip()` leaves: its whitespace is Unicode's and the four separators U+001C to U+001F.
pub(crate) fn strip(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The characters that `str.isspace()` is true for in Python 3.13.
    const PYTHON_SPACE: &str = "\t\n\u{b}\u{c}\r\u{1c}\u{1d}\u{1e}\u{1f} \u{85}\u{a0}\u{1680}\u{2000}\u{2001}\u{2002}\u{2003}\
                                \u{2004}\u{2005}\u{2006}\u{2007}\u{2008}\u{2009}\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}";

    #[test]
    fn python_space_and_nothing_else_is_stripped() {
        for c in '\0'..=char::MAX {
            let stripped = strip(&format!("{c}a b{c}")) == "a b";
            assert_eq!(stripped, PYTHON_SPACE.contains(c), "{c:?}");
        }
        assert_eq!(strip(PYTHON_SPACE), "");
    }

    #[test]
    fn values_are_not_printed() {
        let text = SecretString("canary".to_owned());
        let bytes = SecretBytes(b"canary".to_vec());
        assert_eq!(format!("{text:?} {bytes:#?}"), "SecretString([redacted]) SecretBytes([redacted])");
    }
}

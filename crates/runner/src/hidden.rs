//! Bytes that may be a secret: overwritten when they are dropped, and never shown.

use std::fmt;
use std::ops::Deref;

use zeroize::Zeroizing;

/// Bytes that `Debug` does not show.
#[derive(Clone, Default)]
pub(crate) struct Hidden(Zeroizing<Vec<u8>>);

impl From<Vec<u8>> for Hidden {
    fn from(bytes: Vec<u8>) -> Self {
        Hidden(Zeroizing::new(bytes))
    }
}

impl From<&str> for Hidden {
    fn from(text: &str) -> Self {
        text.as_bytes().to_vec().into()
    }
}

impl Deref for Hidden {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

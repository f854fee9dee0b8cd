//! Values that nobody needs: gone past, but not without a look at whether they are JSON.

use super::{Inside, Reader};
use serde::de::IgnoredAny;

/// How many lists and objects within each other are read here: one bit each of what is held of them.
const DEPTH: u32 = u128::BITS;

/// What encloses a value.
#[derive(Default)]
struct Enclosing {
    /// Of each list and object whether it is an object, the innermost in the lowest bit.
    objects: u128,
    depth: u32,
}

impl Enclosing {
    fn enter(&mut self, is_object: bool) -> Option<()> {
        self.objects = self.objects << 1 | u128::from(is_object);
        self.depth += 1;
        (self.depth <= DEPTH).then_some(())
    }

    fn leave(&mut self) {
        self.objects >>= 1;
        self.depth -= 1;
    }

    fn is_object(&self) -> bool {
        self.objects & 1 == 1
    }
}

impl Reader<'_> {
    /// Goes past a value.
    pub(super) fn skip(&mut self) -> Option<()> {
        let mut enclosing = Enclosing::default();
        loop {
            match self.peek()? {
                b'"' => self.skip_string()?,
                open @ (b'{' | b'[') => {
                    self.at += 1;
                    let is_object = open == b'{';
                    if self.peek()? == if is_object { b'}' } else { b']' } {
                        self.at += 1;
                    } else {
                        enclosing.enter(is_object)?;
                        if is_object {
                            self.skip_key()?;
                        }
                        continue;
                    }
                }
                _ => self.skip_scalar()?,
            }
            // What comes after a value.
            loop {
                if enclosing.depth == 0 {
                    return Some(());
                }
                match (self.peek()?, enclosing.is_object()) {
                    (b',', is_object) => {
                        self.at += 1;
                        if is_object {
                            self.skip_key()?;
                        }
                        break;
                    }
                    (b'}', true) | (b']', false) => {
                        self.at += 1;
                        enclosing.leave();
                    }
                    _ => return None,
                }
            }
        }
    }

    fn skip_key(&mut self) -> Option<()> {
        self.skip_string()?;
        self.pass(b':')
    }

    fn skip_string(&mut self) -> Option<()> {
        match self.string()? {
            Inside::Plain(_) => Some(()),
            Inside::Escaped(json) => is_json(json),
        }
    }

    /// A number, `true`, `false` or `null`.
    fn skip_scalar(&mut self) -> Option<()> {
        let rest = &self.text[self.at..];
        let length =
            rest.bytes().position(|byte| !matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'+' | b'-' | b'.' | b'E'));
        let scalar = &rest[..length.unwrap_or(rest.len())];
        self.at += scalar.len();
        let is_small = |digits: &str| {
            digits == "0" || (!digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit()))
        };
        match scalar {
            "" => None,
            "true" | "false" | "null" => Some(()),
            _ if is_small(scalar) => Some(()),
            _ => is_json(scalar),
        }
    }
}

/// Whether a text is one value.
fn is_json(text: &str) -> Option<()> {
    serde_json::from_str::<IgnoredAny>(text).ok().map(|_| ())
}

//! A quick reader for JSON as API servers write it, which takes most of the time that an admission costs.
//!
//! It reads what [`view`](crate::view) has and nothing else, and never decides that something can't be read: it returns
//! nothing then, and `serde_json` reads the same text again, decides, and finds the words. What it does take it takes as
//! `serde_json` would, to the letter; tests hold the two side by side.

mod pod;
mod review;
mod skip;

pub(crate) use pod::pod;
pub(crate) use review::review;

use crate::collections::{List, Pairs};
use crate::object::Object;
use crate::text::{Raw, Text};

/// Bytes of a string that is not looked at in blocks.
const SHORT: usize = 64;
/// Bytes of a long string that are looked at together.
const BLOCK: usize = 32;

/// A place in a text.
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The byte here, after white space.
    fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.as_bytes().get(self.at)?;
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// Goes past a byte that has to be here, after white space.
    fn pass(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Whether nothing is left but white space.
    fn is_at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    /// Goes past a word, if it is here.
    fn word(&mut self, word: &str) -> bool {
        let is_here = self.peek().is_some() && self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        if is_here {
            self.at += word.len();
        }
        is_here
    }

    /// Where a string ends that begins here, and whether it has escapes; goes past it.
    fn string(&mut self) -> Option<(&'a str, bool)> {
        self.pass(b'"')?;
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at += plain(self.text.as_bytes().get(self.at..)?);
            match self.text.as_bytes().get(self.at)? {
                b'"' => break,
                // What follows it may be a quote, and what follows that is looked at again.
                b'\\' => {
                    escaped = true;
                    self.at += 2;
                }
                _ => return None,
            }
        }
        let inside = self.text.get(start..self.at)?;
        self.at += 1;
        Some((inside, escaped))
    }

    /// A string without escapes.
    fn key(&mut self) -> Option<&'a str> {
        self.string().and_then(|(key, escaped)| (!escaped).then_some(key))
    }

    /// A text, `null` being the empty one.
    fn text(&mut self) -> Option<Text<'a>> {
        Some(self.nullable(Self::whole_text)?.unwrap_or_default())
    }

    fn whole_text(&mut self) -> Option<Text<'a>> {
        self.peek()?;
        let start = self.at;
        match self.string()? {
            (text, false) => Some(text.into()),
            (_, true) => serde_json::from_str(&self.text[start..self.at]).ok(),
        }
    }

    fn bool(&mut self) -> Option<bool> {
        if self.word("true") { Some(true) } else { self.word("false").then_some(false) }
    }

    /// A whole number.
    fn integer(&mut self) -> Option<i64> {
        self.peek()?;
        let start = self.at;
        self.skip()?;
        serde_json::from_str(&self.text[start..self.at]).ok()
    }

    /// A value as it stands.
    fn raw(&mut self) -> Option<Raw<'a>> {
        self.peek()?;
        let start = self.at;
        self.skip()?;
        Some(Raw::new(&self.text[start..self.at]))
    }

    /// A value, or nothing for `null`.
    #[expect(clippy::option_option, reason = "whether it is read, and whether it is null")]
    fn nullable<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if self.peek()? == b'n' { self.word("null").then_some(None) } else { read(self).map(Some) }
    }

    /// A list that may be `null`.
    fn list<T>(&mut self, read: impl FnMut(&mut Self) -> Option<T>) -> Option<List<T>> {
        Some(self.nullable(|reader| reader.items(read))?.map_or(List::Null, List::Items))
    }

    /// A list of objects, each of which may be `null`, and the list, too.
    fn objects<T>(&mut self, read: impl Fn(&mut Self) -> Option<T>) -> Option<List<Option<Object<T>>>> {
        self.list(|reader| reader.nullable_object(&read))
    }

    /// An object that may be `null`.
    #[expect(clippy::option_option, reason = "whether it is read, and whether it is null")]
    fn nullable_object<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<Object<T>>> {
        self.nullable(|reader| read(reader).map(Object::new))
    }

    fn items<T>(&mut self, mut read: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        self.pass(b'[')?;
        let mut items = Vec::new();
        if self.peek()? != b']' {
            items.push(read(self)?);
            while self.peek()? == b',' {
                self.at += 1;
                items.push(read(self)?);
            }
        }
        self.pass(b']')?;
        Some(items)
    }

    /// An object, member by member; each has to be read.
    fn members(&mut self, mut read: impl FnMut(&mut Self, &'a str) -> Option<()>) -> Option<()> {
        let mut member = |reader: &mut Self| {
            let key = reader.key()?;
            reader.pass(b':')?;
            read(reader, key)
        };
        self.pass(b'{')?;
        if self.peek()? != b'}' {
            member(self)?;
            while self.peek()? == b',' {
                self.at += 1;
                member(self)?;
            }
        }
        self.pass(b'}')
    }

    /// A map of strings that may be `null`.
    fn pairs(&mut self) -> Option<Pairs<'a>> {
        let pairs = self.nullable(|reader| {
            let mut pairs = Vec::new();
            reader.members(|reader, key| {
                pairs.push((key.into(), reader.text()?));
                Some(())
            })?;
            Some(Pairs::new(pairs))
        })?;
        Some(pairs.unwrap_or_default())
    }
}

/// Takes a member's value, unless the object had that member before: `serde_json` refuses that.
fn put<T>(member: &mut Option<T>, value: Option<T>) -> Option<()> {
    (member.is_none() && value.is_some()).then(|| *member = value)
}

/// How many bytes there are before one that ends a string or means something in it.
fn plain(text: &[u8]) -> usize {
    let (short, long) = text.split_at(text.len().min(SHORT));
    let length = plain_in_words(short);
    if length < short.len() {
        return length;
    }
    // Rust has no names for a processor's wide registers yet, but uses them for a loop like this.
    let (blocks, _) = long.as_chunks::<BLOCK>();
    let whole = |block: &&[u8; BLOCK]| !block.iter().fold(false, |any, byte| any | means(*byte));
    let length = short.len() + BLOCK * blocks.iter().take_while(whole).count();
    length + plain_in_words(&text[length..])
}

fn means(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

/// The same, eight bytes at once, as lanes of a number.
fn plain_in_words(text: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    // The high bit of each lane that is below `n`; beyond the lowest such lane there may be others that are not.
    let below = |lanes: u64, n: u64| lanes.wrapping_sub(ONES * n) & !lanes & HIGH;
    let (words, rest) = text.as_chunks();
    for (index, word) in words.iter().enumerate() {
        let lanes = u64::from_le_bytes(*word);
        let quote = below(lanes ^ (ONES * u64::from(b'"')), 1);
        let backslash = below(lanes ^ (ONES * u64::from(b'\\')), 1);
        let found = below(lanes, u64::from(b' ')) | quote | backslash;
        if found != 0 {
            return index * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    text.len() - rest.len() + rest.iter().position(|byte| means(*byte)).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests;

//! A quick reader for JSON as API servers write it, which takes most of the time that an admission costs.
//!
//! It reads what [`view`](crate::view) has and nothing else, and never decides that something can't be read: it returns
//! nothing then, and `serde_json` reads the same text again, decides, and finds the words. What it does take it takes as
//! `serde_json` would, to the letter; tests hold the two side by side.

mod marks;
mod pod;
mod review;
mod skip;

pub(crate) use pod::pod;
pub(crate) use review::review;

use crate::collections::{List, Pairs, Words};
use crate::object::Object;
use crate::text::{Raw, Text};

/// Entries of lists and maps that are read of one text: an entry may take two bytes of it and two hundred of memory.
const MAX_ENTRIES: usize = 1 << 16;

/// A place in a text.
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// How many entries may still be read.
    entries: usize,
}

/// What is in a string.
enum Inside<'a> {
    /// Just this.
    Plain(&'a str),
    /// As JSON, with its quotes: there is an escape in it.
    Escaped(&'a str),
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, at: 0, entries: MAX_ENTRIES }
    }

    /// Counts an entry.
    fn spend(&mut self) -> Option<()> {
        self.entries = self.entries.checked_sub(1)?;
        Some(())
    }

    /// The byte here, after white space.
    fn peek(&mut self) -> Option<u8> {
        let byte = *self.text.as_bytes().get(self.at)?;
        if byte > b' ' { Some(byte) } else { self.peek_after_space() }
    }

    /// The same, where there seems to be white space: API servers write none.
    #[cold]
    fn peek_after_space(&mut self) -> Option<u8> {
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

    /// Goes past a string.
    #[inline]
    fn string(&mut self) -> Option<Inside<'a>> {
        self.pass(b'"')?;
        let start = self.at;
        self.at = marks::first(self.text.as_bytes(), start);
        if *self.text.as_bytes().get(self.at)? != b'"' {
            return self.escaped(start);
        }
        let inside = self.text.get(start..self.at)?;
        self.at += 1;
        Some(Inside::Plain(inside))
    }

    /// Goes past the rest of a string that began before `start`, from its first escape on.
    #[cold]
    fn escaped(&mut self, start: usize) -> Option<Inside<'a>> {
        loop {
            match self.text.as_bytes().get(self.at)? {
                b'"' => break,
                // What follows it may be a quote, and what follows that is looked at again.
                b'\\' => self.at += 2,
                _ => return None,
            }
            // An escape at the end leaves the place beyond it.
            if self.at > self.text.len() {
                return None;
            }
            self.at = marks::first(self.text.as_bytes(), self.at);
        }
        self.at += 1;
        self.text.get(start - 1..self.at).map(Inside::Escaped)
    }

    /// A string without escapes.
    fn key(&mut self) -> Option<&'a str> {
        match self.string()? {
            Inside::Plain(key) => Some(key),
            Inside::Escaped(_) => None,
        }
    }

    /// A text, `null` being the empty one.
    fn text(&mut self) -> Option<Text<'a>> {
        if self.peek()? == b'n' {
            return self.word("null").then(Text::default);
        }
        match self.string()? {
            Inside::Plain(text) => Some(text.into()),
            Inside::Escaped(json) => serde_json::from_str(json).ok(),
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

    /// A list of strings.
    fn words(&mut self) -> Option<Words<'a>> {
        let mut words = Words::default();
        self.items(|reader| reader.text().map(|word| words.push(word)))?;
        Some(words)
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
            self.spend()?;
            items.push(read(self)?);
            while self.peek()? == b',' {
                self.at += 1;
                self.spend()?;
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
                reader.spend()
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

#[cfg(test)]
mod tests;

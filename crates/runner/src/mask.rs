//! Secret values in what a container writes are replaced by `***`.
//!
//! Of the whole stream, every byte that is part of an occurrence of a value is covered, occurrences that overlap included, and each run of covered bytes becomes
//! one mark. A stream comes in chunks, so what may be the start of a value is held back until it is known; nothing else is, so that a prompt without a line feed
//! appears at once. What is encoded (base64, JSON, a URL) no longer is the value, and is not found.

use zeroize::Zeroizing;

use crate::hidden::Hidden;

/// The shortest value that is masked. Shorter ones occur by chance, and a mark at each of them would tell what they are.
pub const SHORTEST_MASKED: usize = 4;

/// What stands in place of a value.
pub const MARK: &[u8] = b"***";

/// A secret value that containers' output is not to show. Overwritten when it is dropped.
pub struct Masked(Hidden);

impl<T: Into<Vec<u8>>> From<T> for Masked {
    fn from(value: T) -> Self {
        Masked(Hidden::from(value.into()))
    }
}

impl Masked {
    /// What is looked for. Programs take white space off what they read from a file, so it is not part of it.
    fn core(&self) -> &[u8] {
        self.0.trim_ascii()
    }
}

/// The values to look for, and how to go on after a part of one turned out not to be it.
#[derive(Default)]
pub(crate) struct Values {
    values: Vec<Value>,
    /// By byte, whether a value starts with it: most bytes are dealt with by this alone.
    first: Vec<bool>,
    /// How many values are too short.
    pub(crate) too_short: usize,
}

struct Value {
    bytes: Hidden,
    /// For each length of a part of the value: the longest shorter start of the value that this part ends with.
    fallback: Vec<usize>,
}

impl Values {
    pub(crate) fn new(masked: &[Masked]) -> Values {
        let mut cores: Vec<&[u8]> = masked.iter().map(Masked::core).filter(|core| !core.is_empty()).collect();
        cores.sort_unstable();
        cores.dedup();
        let (long, short): (Vec<&[u8]>, Vec<&[u8]>) = cores.into_iter().partition(|core| core.len() >= SHORTEST_MASKED);
        let mut first = vec![false; 256];
        for core in &long {
            first[usize::from(core[0])] = true;
        }
        Values { values: long.into_iter().map(Value::new).collect(), first, too_short: short.len() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

impl Value {
    fn new(bytes: &[u8]) -> Value {
        let mut value = Value { bytes: bytes.to_vec().into(), fallback: vec![0, 0] };
        let mut length = 0;
        for &byte in &bytes[1..] {
            length = value.step(length, byte);
            value.fallback.push(length);
        }
        value
    }

    /// How much of the value's start the stream ends with, after `byte`, if it was `length` before.
    fn step(&self, mut length: usize, byte: u8) -> usize {
        if length == self.bytes.len() {
            length = self.fallback[length];
        }
        while length > 0 && self.bytes[length] != byte {
            length = self.fallback[length];
        }
        if self.bytes[length] == byte { length + 1 } else { 0 }
    }
}

/// One stream, masked as it comes.
pub(crate) struct Masker {
    /// By value, how much of its start the stream ends with.
    lengths: Vec<usize>,
    /// The end of the stream, as far as it may be the start of a value; which of its bytes are covered already.
    held: Zeroizing<Vec<u8>>,
    covered: Vec<bool>,
    /// The last byte given out was covered: its mark stands for covered ones that follow, too.
    in_mark: bool,
}

impl Masker {
    pub(crate) fn new(values: &Values) -> Masker {
        // Room for all that it may hold: what grows leaves copies behind.
        let longest = values.values.iter().map(|value| value.bytes.len()).max().unwrap_or(0);
        Masker {
            lengths: vec![0; values.values.len()],
            held: Zeroizing::new(Vec::with_capacity(longest)),
            covered: Vec::new(),
            in_mark: false,
        }
    }

    /// Gives out what is decided with the next bytes of the stream.
    pub(crate) fn push(&mut self, values: &Values, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        for &byte in bytes {
            if self.held.is_empty() && !values.first[usize::from(byte)] {
                out.push(byte);
                self.in_mark = false;
                continue;
            }
            self.held.push(byte);
            self.covered.push(false);
            let mut open = 0;
            for (value, length) in values.values.iter().zip(&mut self.lengths) {
                *length = value.step(*length, byte);
                if *length == value.bytes.len() {
                    let start = self.covered.len() - *length;
                    self.covered[start..].fill(true);
                    *length = value.fallback[*length];
                }
                open = open.max(*length);
            }
            self.give(self.held.len() - open, &mut out);
        }
        out
    }

    /// Gives out the rest: the stream has ended.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.lengths.fill(0);
        self.give(self.held.len(), &mut out);
        out
    }

    /// Gives out so many of the held bytes.
    fn give(&mut self, count: usize, out: &mut Vec<u8>) {
        for (byte, covered) in self.held.iter().zip(&self.covered).take(count) {
            if !covered {
                out.push(*byte);
            } else if !self.in_mark {
                out.extend_from_slice(MARK);
            }
            self.in_mark = *covered;
        }
        self.held.drain(..count);
        self.covered.drain(..count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn masked(values: &[&[u8]], chunks: &[&[u8]]) -> (Vec<Vec<u8>>, Vec<u8>) {
        let values = Values::new(&values.iter().map(|value| Masked::from(*value)).collect::<Vec<_>>());
        let mut masker = Masker::new(&values);
        let pieces = chunks.iter().map(|chunk| masker.push(&values, chunk)).collect();
        (pieces, masker.finish())
    }

    fn whole(values: &[&str], text: &str) -> String {
        let values: Vec<&[u8]> = values.iter().map(|value| value.as_bytes()).collect();
        let (pieces, rest) = masked(&values, &[text.as_bytes()]);
        String::from_utf8([pieces.concat(), rest].concat()).unwrap()
    }

    #[test]
    fn values_become_marks() {
        assert_eq!(whole(&["hunter2"], "a hunter2b hunter hunter2"), "a ***b hunter ***");
        assert_eq!(whole(&["abcdef", "defghi"], "xabcdefghiy"), "x***y");
        assert_eq!(whole(&["abcd"], "abcdabcd.abcd"), "***.***");
        assert_eq!(whole(&["aaaa"], "aaaaaaab"), "***b");
        assert_eq!(whole(&["token", "token-longer"], "token-longed token-longer"), "***-longed ***");
        assert_eq!(whole(&["  padded \n"], "padded\n"), "***\n");
        assert_eq!(whole(&["one\ntwo", "", "abc"], "one\ntwo\nabc"), "***\nabc");
    }

    #[test]
    fn short_values_are_counted_once() {
        let values = Values::new(&["abc", "abc\n", "", "\n", "x", "long enough"].map(Masked::from));
        assert_eq!((values.too_short, values.values.len()), (2, 1));
    }

    #[test]
    fn only_the_start_of_a_value_waits() {
        let (pieces, rest) = masked(&[b"hunter2"], &[b"Password: ", b"hun", b"ter", b"x hunte"]);
        assert_eq!(pieces, [b"Password: ".to_vec(), b"".to_vec(), b"".to_vec(), b"hunterx ".to_vec()]);
        assert_eq!(rest, b"hunte");
    }

    /// What it should be, from all of the text at once.
    fn oracle(values: &[Vec<u8>], text: &[u8]) -> Vec<u8> {
        let mut covered = vec![false; text.len()];
        for value in values.iter().map(|value| value.trim_ascii()).filter(|value| value.len() >= SHORTEST_MASKED) {
            for at in 0..text.len() {
                if text[at..].starts_with(value) {
                    covered[at..at + value.len()].fill(true);
                }
            }
        }
        let mut out = Vec::new();
        for (at, &byte) in text.iter().enumerate() {
            if !covered[at] {
                out.push(byte);
            } else if at == 0 || !covered[at - 1] {
                out.extend_from_slice(MARK);
            }
        }
        out
    }

    fn few_letters(length: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(prop_oneof![4 => Just(b'a'), 4 => Just(b'b'), 1 => Just(b'\n'), 1 => any::<u8>()], length)
    }

    proptest! {
        #[test]
        fn however_it_comes_it_is_as_of_the_whole(
            values in prop::collection::vec(few_letters(0..9), 0..5), chunks in prop::collection::vec(few_letters(0..12), 0..12)
        ) {
            let borrowed: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
            let (pieces, rest) = masked(&borrowed, &chunks.iter().map(Vec::as_slice).collect::<Vec<_>>());
            prop_assert_eq!([pieces.concat(), rest].concat(), oracle(&values, &chunks.concat()));
        }

        #[test]
        fn what_waits_is_the_start_of_a_value(value in few_letters(4..9), text in few_letters(0..40)) {
            let value = value.trim_ascii();
            prop_assume!(value.len() >= SHORTEST_MASKED);
            let (pieces, _) = masked(&[value], &[&text]);
            let longest = (0..value.len()).rev().find(|&length| text.ends_with(&value[..length])).unwrap_or(0);
            prop_assert_eq!(&pieces[0], &oracle_of_decided(value, &text, longest));
        }
    }

    /// The whole text's answer for its decided part: all but its last `open` bytes.
    fn oracle_of_decided(value: &[u8], text: &[u8], open: usize) -> Vec<u8> {
        let is_covered = |at: usize| (0..=at).any(|start| text[start..].starts_with(value) && start + value.len() > at);
        let mut out = Vec::new();
        for (at, &byte) in text.iter().enumerate().take(text.len() - open) {
            if !is_covered(at) {
                out.push(byte);
            } else if at == 0 || !is_covered(at - 1) {
                out.extend_from_slice(MARK);
            }
        }
        out
    }
}

//! Lists and maps of the pod. A list keeps apart "absent", "null" and "there", since that decides how a JSON patch adds
//! to it.

use crate::text::Text;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

/// A list of the pod that may be absent or null.
#[derive(Debug, Default)]
pub enum List<T> {
    /// The member is not there.
    #[default]
    Absent,
    /// The member is `null`.
    Null,
    /// The member is a list.
    Items(Vec<T>),
}

impl<T> List<T> {
    /// The items; none where there is no list.
    pub fn items(&self) -> &[T] {
        match self {
            Self::Items(items) => items,
            Self::Absent | Self::Null => &[],
        }
    }

    /// Whether a JSON patch can add to it with `/-`.
    pub fn is_there(&self) -> bool {
        matches!(self, Self::Items(_))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Option::<Vec<T>>::deserialize(deserializer)? {
            Some(items) => Self::Items(items),
            None => Self::Null,
        })
    }
}

/// A list of strings that is only ever compared with a single one, and so is not kept.
#[derive(Debug, Default)]
pub struct Words<'a> {
    first: Text<'a>,
    count: usize,
}

impl<'a> Words<'a> {
    /// Adds one, in the order of the list.
    pub(crate) fn push(&mut self, word: Text<'a>) {
        if self.count == 0 {
            self.first = word;
        }
        self.count += 1;
    }

    /// Whether this is the only one.
    pub(crate) fn are_only(&self, word: &str) -> bool {
        self.count == 1 && self.first.as_str() == word
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Words<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordsVisitor;
        impl<'de> Visitor<'de> for WordsVisitor {
            type Value = Words<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of strings")
            }
            fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Self::Value, S::Error> {
                let mut words = Words::default();
                while let Some(word) = list.next_element()? {
                    words.push(word);
                }
                Ok(words)
            }
        }
        deserializer.deserialize_seq(WordsVisitor)
    }
}

/// A map of strings in the order of the request. Where a name is repeated the last one counts, as Go has it.
#[derive(Debug, Default)]
pub struct Pairs<'a> {
    pairs: Vec<(Text<'a>, Text<'a>)>,
    there: bool,
}

impl<'a> Pairs<'a> {
    /// A map that is there.
    pub(crate) fn new(mut pairs: Vec<(Text<'a>, Text<'a>)>) -> Self {
        keep_last(&mut pairs);
        Self { pairs, there: true }
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(n, _)| n.as_str() == name).map(|(_, v)| v.as_str())
    }

    /// All pairs.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> + use<'_, 'a> {
        self.pairs.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }

    /// Whether the map is there (and not null).
    pub fn is_there(&self) -> bool {
        self.there
    }
}

/// So many items are sooner compared with each other than sorted.
const FEW: usize = 8;

/// Removes pairs whose name comes again later.
fn keep_last(pairs: &mut Vec<(Text<'_>, Text<'_>)>) {
    if are_different(pairs.iter().map(|(name, _)| name.as_str())) {
        return;
    }
    let mut seen = HashSet::new();
    let mut kept: Vec<_> =
        std::mem::take(pairs).into_iter().rev().filter(|(name, _)| seen.insert(name.to_string())).collect();
    kept.reverse();
    *pairs = kept;
}

/// Whether none comes twice.
pub(crate) fn are_different<T: Ord>(items: impl ExactSizeIterator<Item = T> + Clone) -> bool {
    if items.len() <= FEW {
        return items.clone().enumerate().all(|(index, item)| items.clone().take(index).all(|other| other != item));
    }
    let mut items: Vec<T> = items.collect();
    items.sort_unstable();
    items.windows(2).all(|two| two[0] != two[1])
}

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;
        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of strings")
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Pairs::default())
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs::new(pairs))
            }
        }
        deserializer.deserialize_any(PairsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::Words;

    #[test]
    fn one_word_is_no_other_list() {
        for (json, is_it) in [
            (r#"["fetch"]"#, true),
            (r#"["\u0066etch"]"#, true),
            (r#"["fetch","fetch"]"#, false),
            (r#"["fetc"]"#, false),
            ("[null]", false),
            ("[ ]", false),
        ] {
            let words: Words<'_> = serde_json::from_str(json).unwrap();
            assert_eq!(words.are_only("fetch"), is_it, "{json}");
        }
    }
}

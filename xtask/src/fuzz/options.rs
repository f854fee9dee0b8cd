//! What `cargo xtask fuzz` was asked for.

use super::{TARGETS, Target};
use crate::words::Words;
use std::path::PathBuf;

/// Seconds for each fuzzer, where nothing is said.
const SECONDS: u32 = 20;

/// The words after `cargo xtask fuzz`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    /// Which fuzzers.
    pub(crate) targets: Vec<Target>,
    /// How long each runs.
    pub(crate) seconds: u32,
    /// One input to be tried, in place of a search.
    pub(crate) input: Option<PathBuf>,
}

impl Options {
    /// Reads them; what is not understood is the error.
    pub(crate) fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut words = Words::new(words);
        let mut options = Self { targets: Vec::new(), seconds: SECONDS, input: None };
        while let Some(word) = words.take() {
            let mut value = || words.value(&word, "a value");
            match word.name() {
                "--seconds" => {
                    let value = value()?;
                    let seconds = value.parse().ok().filter(|seconds| *seconds > 0);
                    options.seconds =
                        seconds.ok_or_else(|| format!("`--seconds` has to be a number, not `{value}`"))?;
                }
                "--input" => options.input = Some(value()?.into()),
                _ => {
                    let target = TARGETS.into_iter().find(|target| target.name == word.text());
                    options.targets.push(target.ok_or_else(|| {
                        let names = TARGETS.map(|target| target.name).join(", ");
                        format!("`fuzz` takes no `{}`; fuzzers are {names}", word.text())
                    })?);
                }
            }
        }
        if options.targets.is_empty() {
            options.targets = TARGETS.to_vec();
        }
        if options.input.is_some() && options.targets.len() != 1 {
            return Err("`--input` is for one fuzzer: name it".to_owned());
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_are_read_in_all_their_forms() {
        let all = Options { targets: TARGETS.to_vec(), seconds: SECONDS, input: None };
        assert_eq!(read(""), Ok(all.clone()));
        assert_eq!(read("--seconds 3"), Ok(Options { seconds: 3, ..all.clone() }));
        assert_eq!(read("http --seconds=3"), Ok(Options { targets: vec![TARGETS[3]], seconds: 3, input: None }));
        let one = Options { targets: vec![TARGETS[1]], input: Some("a/file".into()), ..all };
        assert_eq!(read("review --input a/file"), Ok(one));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (line, part) in
            [("reviews", "`reviews`"), ("--seconds", "--seconds"), ("--seconds 0", "`0`"), ("--input x", "one fuzzer")]
        {
            let error = read(line).expect_err(line);
            assert!(error.contains(part), "{error}");
        }
    }
}

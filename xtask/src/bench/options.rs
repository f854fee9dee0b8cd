//! What `cargo xtask bench` was asked for.

use crate::words::Words;
use std::path::PathBuf;

/// The words after `cargo xtask bench`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    /// Only as long as it takes to see that everything works.
    pub(crate) quick: bool,
    /// Where JSON and picture go; `bench` in Cargo's target folder if it is not said.
    pub(crate) out: Option<PathBuf>,
    /// A program that is built already.
    pub(crate) program: Option<PathBuf>,
    /// Another build of it, measured in the same run.
    pub(crate) before: Option<PathBuf>,
    /// Only these cases, by their names in the JSON.
    pub(crate) cases: Vec<String>,
    /// Write the figures into `docs/performance.md`.
    pub(crate) write_docs: bool,
}

impl Options {
    /// Reads them; what is not understood is the error.
    pub(crate) fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut words = Words::new(words);
        let mut options = Self::default();
        while let Some(word) = words.take() {
            let mut path = || words.value(&word, "a path").map(PathBuf::from);
            match word.name() {
                "--out" => options.out = Some(path()?),
                "--program" => options.program = Some(path()?),
                "--before" => options.before = Some(path()?),
                "--case" => options.cases.push(words.value(&word, "a name")?),
                "--quick" if word.is_flag() => options.quick = true,
                "--write-docs" if word.is_flag() => options.write_docs = true,
                _ => return Err(format!("`bench` takes no `{}`", word.text())),
            }
        }
        if options.quick && options.write_docs {
            return Err("a quick run has no figures for the docs: `--quick` or `--write-docs`".to_owned());
        }
        if !options.cases.is_empty() && options.write_docs {
            return Err("the docs have the figures of all cases: `--case` or `--write-docs`".to_owned());
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
        let all = Options {
            quick: false,
            out: Some("there".into()),
            program: Some("a/program".into()),
            before: Some("b".into()),
            cases: Vec::new(),
            write_docs: true,
        };
        assert_eq!(read("--out there --write-docs --program=a/program --before b"), Ok(all));
        assert_eq!(read("--quick"), Ok(Options { quick: true, ..Options::default() }));
        let cases = vec!["http1".to_owned(), "huge".to_owned()];
        assert_eq!(read("--case http1 --case=huge"), Ok(Options { cases, ..Options::default() }));
        assert_eq!(read(""), Ok(Options::default()));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (line, name) in [("--quik", "--quik"), ("--out", "--out"), ("--quick=no", "no"), ("x", "`x`")] {
            let error = read(line).expect_err(line);
            assert!(error.contains(name), "{error}");
        }
        for line in ["--quick --write-docs", "--case http1 --write-docs"] {
            assert!(read(line).expect_err("no figures").contains("--write-docs"), "{line}");
        }
    }
}

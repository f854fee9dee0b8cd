//! What `cargo xtask e2e` was asked for.

use crate::words::Words;
use std::path::PathBuf;

/// The words after `cargo xtask e2e`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    /// Only cases whose name contains this.
    pub(crate) filter: Option<String>,
    /// Leave everything in the cluster at the end.
    pub(crate) keep: bool,
    /// The node has our image already.
    pub(crate) loaded: bool,
    /// A program that is built already.
    pub(crate) program: Option<PathBuf>,
    /// What stops and starts the API server.
    pub(crate) cluster_program: Option<PathBuf>,
}

impl Options {
    /// Reads them; what is not understood is the error.
    pub(crate) fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut words = Words::new(words);
        let mut options = Self::default();
        while let Some(word) = words.take() {
            let mut value = || words.value(&word, "a value");
            match word.name() {
                "--filter" => options.filter = Some(value()?),
                "--program" => options.program = Some(value()?.into()),
                "--cluster-program" => options.cluster_program = Some(value()?.into()),
                "--keep" if word.is_flag() => options.keep = true,
                "--loaded" if word.is_flag() => options.loaded = true,
                _ => return Err(format!("`e2e` takes no `{}`", word.text())),
            }
        }
        Ok(options)
    }

    /// What the cases' own program is told.
    pub(crate) fn words(&self) -> Vec<String> {
        let filter = self.filter.iter().flat_map(|filter| ["--filter".to_owned(), filter.clone()]);
        filter.chain(self.keep.then(|| "--keep".to_owned())).collect()
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
        let (program, cluster_program) = (Some("a/program".into()), Some("b/program".into()));
        let all = Options { filter: Some("job".into()), keep: true, loaded: true, program, cluster_program };
        let line = "--filter job --keep --program=a/program --cluster-program b/program --loaded";
        assert_eq!(read(line), Ok(all.clone()));
        assert_eq!(all.words(), ["--filter", "job", "--keep"]);
        assert_eq!(read(""), Ok(Options::default()));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (line, name) in [("--fliter x", "--fliter"), ("--filter", "--filter"), ("--keep=no", "--keep=no")] {
            let error = read(line).expect_err(line);
            assert!(error.contains(name), "{error}");
        }
    }
}

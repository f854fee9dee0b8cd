//! What `cargo xtask image` was asked for.

use crate::words::Words;
use std::path::PathBuf;

/// The words after `cargo xtask image`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    /// Where the image goes; `image` in Cargo's target folder if it is not said.
    pub(crate) output: Option<PathBuf>,
    /// Give it to the containerd of this machine, too.
    pub(crate) load: bool,
    /// A program that is built already.
    pub(crate) program: Option<PathBuf>,
}

impl Options {
    /// Reads them; what is not understood is the error.
    pub(crate) fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut words = Words::new(words);
        let mut options = Self::default();
        while let Some(word) = words.take() {
            let mut path = || words.value(&word, "a path").map(PathBuf::from);
            match word.name() {
                "--load" if word.is_flag() => options.load = true,
                "--output" => options.output = Some(path()?),
                "--program" => options.program = Some(path()?),
                _ => return Err(format!("`image` takes no `{}`", word.text())),
            }
        }
        Ok(options)
    }

    /// The words again.
    #[cfg_attr(feature = "image", allow(dead_code, reason = "only the start that hands over needs them"))]
    pub(crate) fn words(&self) -> Vec<std::ffi::OsString> {
        let paths = [("--output", &self.output), ("--program", &self.program)];
        let mut words: Vec<_> = paths
            .into_iter()
            .filter_map(|(name, path)| Some([name.into(), path.clone()?.into_os_string()]))
            .flatten()
            .collect();
        words.extend(self.load.then(|| "--load".into()));
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_are_read_and_written_again() {
        let all = Options { output: Some("there".into()), load: true, program: Some("a/program".into()) };
        assert_eq!(read("--output there --load --program=a/program"), Ok(all.clone()));
        let again = Options::parse(all.words().into_iter().map(|word| word.into_string().expect("UTF-8")));
        assert_eq!(again, Ok(all));
        assert_eq!(read(""), Ok(Options::default()));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (line, name) in [("--lod", "--lod"), ("--output", "--output"), ("--load=yes", "--load=yes"), ("x", "`x`")] {
            let error = read(line).expect_err(line);
            assert!(error.contains(name), "{error}");
        }
    }
}

//! Keybearer on the cluster of `KUBECONFIG`, started by `cargo xtask e2e`: it is installed from its manifests and its image,
//! then pods whose containers really start say what they saw.
//!
//! It is a program and not a test, because what it needs is made once, and some of it breaks the webhook on purpose.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for developers: printing is its work")]

mod annotation;
mod case;
mod chart;
mod cluster;
mod document;
mod install;
mod kubectl;
mod load;
mod pod;
mod relay;
mod second;
mod suites;

use cluster::Cluster;
use std::process::ExitCode;

/// How something went: what is wrong, in words.
type Result<T = (), E = String> = std::result::Result<T, E>;

fn main() -> ExitCode {
    match options(std::env::args().skip(1)).and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(wrong) => {
            eprintln!("error: {wrong}");
            ExitCode::FAILURE
        }
    }
}

/// What was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    /// Only cases whose name contains this.
    filter: String,
    /// Leave everything as it is at the end.
    keep: bool,
}

fn options(words: impl Iterator<Item = String>) -> Result<Options> {
    let mut words = words;
    let mut options = Options::default();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--filter" => options.filter = words.next().ok_or("`--filter` needs a part of a name")?,
            "--keep" => options.keep = true,
            other => return Err(format!("there is no option `{other}`")),
        }
    }
    Ok(options)
}

fn run(options: &Options) -> Result {
    let cluster = Cluster::connect()?;
    let mut report = case::Report::default();
    let result = suites::all(&cluster, &options.filter, &mut report);
    if !options.keep {
        cluster.clean()?;
    }
    result.and_then(|()| report.verdict())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read() {
        let read = |line: &str| options(line.split_whitespace().map(str::to_owned));
        assert_eq!(read("--filter job --keep"), Ok(Options { filter: "job".into(), keep: true }));
        assert!(read("--fliter job").is_err());
    }
}

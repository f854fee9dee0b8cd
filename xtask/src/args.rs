//! What was asked for on the command line.

use crate::bench;
use crate::e2e;
use crate::failure::Failure;
use crate::fuzz;
use crate::image;
use crate::lint::Stage;

/// One command of `cargo xtask`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Which crate may know which.
    Arrows,
    /// How fast the webhook's server is.
    Bench(bench::Options),
    /// Licences, banned crates, sources, advisories.
    Deny,
    /// What is shipped, on a cluster.
    E2e(e2e::Options),
    /// What comes in from outside, by chance.
    Fuzz(fuzz::Options),
    /// What there is.
    Help,
    /// The container image.
    Image(image::Options),
    /// Some or all of what a change must pass besides its tests.
    Lint(Vec<Stage>),
    /// Alerts and dashboard.
    Monitoring,
    /// The blocks of the README and the docs.
    Readme {
        /// Only documents whose path contains this.
        filter: Option<String>,
    },
    /// Every test of the repo.
    Test {
        /// Only tests whose name, and documents whose path, contain this.
        filter: Option<String>,
    },
}

/// Reads the words after `cargo xtask`.
pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Command, Failure> {
    let mut words = words.into_iter();
    let name = words.next().unwrap_or_else(|| "help".to_owned());
    let command = match name.as_str() {
        "arrows" => Command::Arrows,
        "bench" => return bench::Options::parse(words).map(Command::Bench).map_err(|what| unknown(&what)),
        "deny" => Command::Deny,
        "help" | "--help" | "-h" => return Ok(Command::Help),
        "e2e" => return e2e::Options::parse(words).map(Command::E2e).map_err(|what| unknown(&what)),
        "fuzz" => return fuzz::Options::parse(words).map(Command::Fuzz).map_err(|what| unknown(&what)),
        "image" => return image::Options::parse(words).map(Command::Image).map_err(|what| unknown(&what)),
        "lint" => Command::Lint(Stage::ALL.to_vec()),
        "monitoring" => Command::Monitoring,
        "readme" => return Ok(Command::Readme { filter: filter(words)? }),
        "test" => return Ok(Command::Test { filter: filter(words)? }),
        other => match Stage::ALL.into_iter().find(|stage| stage.name() == other) {
            Some(stage) => Command::Lint(vec![stage]),
            None => return Err(unknown(&format!("there is no command `{other}`"))),
        },
    };
    match words.next() {
        None => Ok(command),
        Some(word) => Err(unknown(&format!("`{name}` takes no `{word}`"))),
    }
}

/// `--filter X`, `--filter=X`, `X` or nothing.
fn filter(words: impl Iterator<Item = String>) -> Result<Option<String>, Failure> {
    let mut words = words;
    let Some(first) = words.next() else { return Ok(None) };
    let filter = match first.as_str() {
        "--filter" => words.next().ok_or_else(|| unknown("`--filter` needs a part of a test's name"))?,
        word => match word.strip_prefix("--filter=") {
            Some(value) => value.to_owned(),
            None if word.starts_with('-') => return Err(unknown(&format!("there is no option `{word}`"))),
            None => first,
        },
    };
    match words.next() {
        None => Ok(Some(filter)),
        Some(word) => Err(unknown(&format!("one filter at a time, but there is `{word}` too"))),
    }
}

fn unknown(what: &str) -> Failure {
    Failure::new(what).hint("`cargo xtask help` lists the commands")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Command, Failure> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    fn test(filter: Option<&str>) -> Command {
        Command::Test { filter: filter.map(str::to_owned) }
    }

    #[test]
    fn no_word_is_a_call_for_help() {
        assert_eq!(read(""), Ok(Command::Help));
    }

    #[test]
    fn a_filter_is_read_in_all_its_forms() {
        assert_eq!(read("test"), Ok(test(None)));
        assert_eq!(read("test places"), Ok(test(Some("places"))));
        assert_eq!(read("test --filter places"), Ok(test(Some("places"))));
        assert_eq!(read("test --filter=places"), Ok(test(Some("places"))));
    }

    #[test]
    fn each_stage_is_a_command_and_lint_is_all_of_them() {
        for stage in Stage::ALL {
            let expected = match stage {
                Stage::Arrows => Command::Arrows,
                Stage::Deny => Command::Deny,
                other => Command::Lint(vec![other]),
            };
            assert_eq!(read(stage.name()), Ok(expected));
        }
        assert_eq!(read("lint"), Ok(Command::Lint(Stage::ALL.to_vec())));
    }

    #[test]
    fn a_cluster_is_tested_with_its_own_options() {
        let filter = Some("job".to_owned());
        assert_eq!(read("e2e --filter job"), Ok(Command::E2e(e2e::Options { filter, ..Default::default() })));
        assert!(read("e2e job").expect_err("it has no short form").to_string().contains("job"));
    }

    #[test]
    fn a_bench_is_asked_for_with_its_own_options() {
        assert_eq!(read("bench --quick"), Ok(Command::Bench(bench::Options { quick: true, ..Default::default() })));
        assert!(read("bench --quik").expect_err("mistyped").to_string().contains("--quik"));
    }

    #[test]
    fn an_image_is_asked_for_with_its_own_options() {
        assert_eq!(read("image"), Ok(Command::Image(image::Options::default())));
        assert_eq!(read("image --load"), Ok(Command::Image(image::Options { load: true, ..Default::default() })));
        assert!(read("image --laod").expect_err("mistyped").to_string().contains("--laod"));
    }

    #[test]
    fn what_is_not_understood_is_refused_by_its_name() {
        for (line, name) in [("tset", "tset"), ("fmt now", "now"), ("test --fliter x", "--fliter"), ("test a b", "`b`")]
        {
            let failure = read(line).expect_err(line).to_string();
            assert!(failure.contains(name), "{failure}");
        }
        assert!(read("test --filter").is_err());
    }
}

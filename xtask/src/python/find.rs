//! Which Python: one that has the versions our tests are made for, and can make environments.

use crate::failure::Failure;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The minor versions of Python 3 that flytekit and our tests run on.
const MINORS: std::ops::RangeInclusive<u32> = 10..=12;
/// Takes the place of the search.
const OWN: &str = "KEYBEARER_PYTHON";
/// Prints the version, or fails where no environment can be made.
const PROBE: &str = "import sys, venv, ensurepip; print('%d.%d.%d' % sys.version_info[:3])";

/// An interpreter that will do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Python {
    /// How to start it.
    pub(crate) path: PathBuf,
    /// Such as `3.12.1`.
    pub(crate) version: String,
}

/// The first that will do.
pub(crate) fn python() -> Result<Python, Failure> {
    choose(candidates(|name| std::env::var_os(name).map(PathBuf::from)), ask)
}

fn candidates(var: impl Fn(&str) -> Option<PathBuf>) -> Vec<PathBuf> {
    if let Some(own) = var(OWN) {
        return vec![own];
    }
    let mut paths: Vec<PathBuf> = var("VIRTUAL_ENV").map(|folder| folder.join("bin/python")).into_iter().collect();
    paths.push("python3".into());
    paths.extend(MINORS.rev().map(|minor| format!("python3.{minor}").into()));
    let pyenv = var("PYENV_ROOT").or_else(|| var("HOME").map(|home| home.join(".pyenv")));
    paths.extend(pyenv.into_iter().flat_map(|folder| versions(&folder)));
    paths
}

/// What pyenv has installed, newest first.
fn versions(pyenv: &Path) -> Vec<PathBuf> {
    let Ok(folder) = std::fs::read_dir(pyenv.join("versions")) else { return Vec::new() };
    let mut found: Vec<_> = folder
        .filter_map(|entry| Some((minor(entry.as_ref().ok()?.file_name().to_str()?)?, entry.ok()?.path())))
        .filter(|(minor, _)| MINORS.contains(minor))
        .collect();
    found.sort();
    found.into_iter().rev().map(|(_, path)| path.join("bin/python3")).collect()
}

/// What an interpreter says of itself, or why it won't do.
fn ask(path: &Path) -> Result<String, String> {
    let output = Command::new(path).args(["-c", PROBE]).stdin(Stdio::null()).output();
    let output = output.map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(complaint.lines().last().unwrap_or("it failed without a word").to_owned())
}

fn choose(candidates: Vec<PathBuf>, ask: impl Fn(&Path) -> Result<String, String>) -> Result<Python, Failure> {
    let mut tried = Vec::new();
    for path in candidates {
        match ask(&path) {
            Ok(version) if minor(&version).is_some_and(|minor| MINORS.contains(&minor)) => {
                return Ok(Python { path, version });
            }
            Ok(version) => tried.push(format!("{}: it is {version}", path.display())),
            Err(reason) => tried.push(format!("{}: {reason}", path.display())),
        }
    }
    let (low, high) = (MINORS.start(), MINORS.end());
    Err(Failure::new(format!(
        "no Python 3.{low} to 3.{high} that can make environments; tried\n  {}",
        tried.join("\n  ")
    ))
    .hint("on Debian and Ubuntu: `apt-get install python3 python3-venv`; with pyenv: `pyenv install 3.12`")
    .hint(format!("{OWN} names the interpreter to take")))
}

/// 12 out of `3.12.1`.
fn minor(version: &str) -> Option<u32> {
    version.strip_prefix("3.")?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(vars: &[(&str, &str)]) -> Vec<PathBuf> {
        let find = |name: &str| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| PathBuf::from(value));
        candidates(find)
    }

    #[test]
    fn ones_own_choice_is_the_only_one() {
        assert_eq!(names(&[("KEYBEARER_PYTHON", "/opt/py"), ("VIRTUAL_ENV", "/v")]), [PathBuf::from("/opt/py")]);
    }

    #[test]
    fn an_active_environment_comes_first_then_the_path() {
        let paths = names(&[("VIRTUAL_ENV", "/v")]);
        let expected = ["/v/bin/python", "python3", "python3.12", "python3.11", "python3.10"];
        assert_eq!(paths, expected.map(PathBuf::from));
    }

    #[test]
    fn the_first_that_will_do_is_taken() {
        let said = |path: &Path| match path.to_str() {
            Some("new") => Ok("3.13.0".to_owned()),
            Some("bare") => Err("ModuleNotFoundError: No module named 'ensurepip'".to_owned()),
            _ => Ok("3.10.4".to_owned()),
        };
        let found = choose(vec!["new".into(), "bare".into(), "good".into(), "better".into()], said);
        assert_eq!(found, Ok(Python { path: "good".into(), version: "3.10.4".into() }));
        let failure = choose(vec!["new".into(), "bare".into()], said).expect_err("none will do").to_string();
        for part in
            ["new: it is 3.13.0", "bare: ModuleNotFoundError", "3.10 to 3.12", "python3-venv", "KEYBEARER_PYTHON"]
        {
            assert!(failure.contains(part), "{part}: {failure}");
        }
    }

    #[test]
    fn versions_of_python_2_and_of_other_things_are_none() {
        assert_eq!(minor("3.12.1"), Some(12));
        assert_eq!(minor("2.7.18"), None);
        assert_eq!(minor("system"), None);
    }
}

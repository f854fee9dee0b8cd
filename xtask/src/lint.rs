//! `cargo xtask lint`: what a change must pass besides its tests.

use crate::failure::Failure;
use crate::workspace::{self, Workspace};
use crate::{arrows, deny, process};
use serde_json::Value;
use std::time::{Duration, Instant};

/// One thing that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Formatting.
    Fmt,
    /// Clippy.
    Clippy,
    /// Does each crate build with what it asks for itself, whatever features others bring?
    Alone,
    /// Rustdoc.
    Docs,
    /// Which crate may know which.
    Arrows,
    /// Licences, banned crates, sources, advisories.
    Deny,
}

impl Stage {
    /// In the order in which they are run.
    pub(crate) const ALL: [Self; 6] = [Self::Fmt, Self::Clippy, Self::Alone, Self::Docs, Self::Arrows, Self::Deny];

    /// What it is called on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fmt => "fmt",
            Self::Clippy => "clippy",
            Self::Alone => "alone",
            Self::Docs => "docs",
            Self::Arrows => "arrows",
            Self::Deny => "deny",
        }
    }

    fn run(self) -> Result<(), Failure> {
        let mut cargo = process::cargo(&workspace::root());
        match self {
            Self::Fmt => process::run(cargo.args(["fmt", "--all", "--check"]))
                .map_err(|failure| failure.hint("`cargo fmt --all` formats")),
            Self::Clippy => clippy(),
            Self::Alone => alone(),
            Self::Docs => process::run(
                cargo
                    .args(["doc", "--workspace", "--all-features", "--no-deps", "--locked"])
                    .env("RUSTDOCFLAGS", "-D warnings"),
            ),
            Self::Arrows => arrows::run(),
            Self::Deny => deny::run(),
        }
    }
}

/// Clippy on all crates at once, and on the tests that `cargo test` leaves out, which `--all-targets` does too.
fn clippy() -> Result<(), Failure> {
    let workspace = Workspace::read()?;
    let run = |words: &[&str]| {
        let mut cargo = process::cargo(&workspace.root);
        process::run(cargo.arg("clippy").args(words).args(["--all-features", "--locked", "--", "-D", "warnings"]))
    };
    run(&["--workspace", "--all-targets"])?;
    for (package, target) in left_out(&workspace.metadata) {
        run(&["--package", &package, "--test", &target])?;
    }
    Ok(())
}

/// Packages and their tests that `cargo test` leaves out.
fn left_out(metadata: &Value) -> Vec<(String, String)> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut found = Vec::new();
    for package in list(&metadata["packages"]) {
        for target in list(&package["targets"]) {
            let is_test = list(&target["kind"]).iter().any(|kind| kind == "test");
            if is_test && target["test"] == false {
                let name = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                found.push((name(&package["name"]), name(&target["name"])));
            }
        }
    }
    found
}

/// Clippy on each crate by itself, without its tests: no features but its own.
fn alone() -> Result<(), Failure> {
    let workspace = Workspace::read()?;
    let packages = workspace.metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    for name in packages.iter().filter_map(|package| package["name"].as_str()) {
        let mut cargo = process::cargo(&workspace.root);
        process::run(cargo.args(["clippy", "--quiet", "--locked", "--package", name, "--", "-D", "warnings"]))?;
    }
    Ok(())
}

/// Runs the stages, all of them even if one fails, and says how long each took.
pub(crate) fn run(stages: &[Stage]) -> Result<(), Failure> {
    let results: Vec<_> = stages
        .iter()
        .map(|stage| {
            let start = Instant::now();
            let result = stage.run();
            if let Err(failure) = &result {
                eprintln!("{failure}");
            }
            (stage.name(), start.elapsed(), result.is_ok())
        })
        .collect();
    if stages.len() > 1 {
        for (name, time, ok) in &results {
            println!("{}", line(name, *time, *ok));
        }
    }
    let failed: Vec<_> = results.iter().filter(|(.., ok)| !ok).map(|(name, ..)| *name).collect();
    if failed.is_empty() { Ok(()) } else { Err(Failure::new(format!("failed: {}", failed.join(", ")))) }
}

fn line(name: &str, time: Duration, ok: bool) -> String {
    format!("{name:<8} {:>5.1} min  {}", time.as_secs_f64() / 60.0, if ok { "ok" } else { "FAILED" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_that_are_left_out_are_found() {
        let workspace = Workspace::read().expect("the workspace");
        let found = left_out(&workspace.metadata);
        assert!(found.contains(&("keybearer-webhook".to_owned(), "cluster".to_owned())), "{found:?}");
    }

    #[test]
    fn a_stage_is_one_line_with_its_minutes() {
        assert_eq!(line("clippy", Duration::from_secs(90), true), "clippy     1.5 min  ok");
        assert_eq!(line("docs", Duration::from_secs(6), false), "docs       0.1 min  FAILED");
    }
}

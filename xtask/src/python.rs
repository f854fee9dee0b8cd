//! Python for the tests that need it: finds one, and makes environments with the packages that are asked for.

mod find;

use crate::failure::Failure;
use crate::process;
use crate::workspace::{self, Workspace};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Tells a test which interpreter has flytekit.
pub(crate) const TEST_PYTHON: &str = "KEYBEARER_TEST_PYTHON";

/// The interpreter for tests: the caller's own, or one with what `xtask/requirements.txt` lists.
pub(crate) fn for_tests(workspace: &Workspace) -> Result<PathBuf, Failure> {
    match std::env::var_os(TEST_PYTHON) {
        Some(given) => {
            println!("python: {} ({TEST_PYTHON})", Path::new(&given).display());
            Ok(given.into())
        }
        None => environment(workspace, "venv-tests", "xtask/requirements.txt"),
    }
}

/// The folder with the programs of `xtask/requirements-tools.txt`.
pub(crate) fn tools(workspace: &Workspace) -> Result<PathBuf, Failure> {
    let python = environment(workspace, "venv-tools", "xtask/requirements-tools.txt")?;
    Ok(python.parent().map(Path::to_path_buf).unwrap_or_default())
}

/// Makes `target/NAME` with the packages of a list of requirements, unless that was done before.
fn environment(workspace: &Workspace, name: &str, requirements: &str) -> Result<PathBuf, Failure> {
    let folder = workspace.target.join(name);
    let python = folder.join("bin/python");
    let list = workspace.root.join(requirements);
    let found = find::python()?;
    let wanted = format!("{} {}\n{}", found.path.display(), found.version, workspace::read(&list)?);
    let stamp = folder.join("keybearer-installed.txt");
    if std::fs::read_to_string(&stamp).is_ok_and(|had| had == wanted) && python.exists() {
        println!("python: {}, as {requirements} says", python.display());
        return Ok(python);
    }
    println!(
        "python: installing {requirements} in {} with {} ({})",
        folder.display(),
        found.path.display(),
        found.version
    );
    process::run(Command::new(&found.path).args(["-m", "venv", "--clear"]).arg(&folder)).map_err(|failure| {
        failure.hint("on Debian and Ubuntu `apt-get install python3-venv` brings what is missing")
    })?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--requirement"])
        .arg(&list);
    process::run(&mut pip).map_err(|failure| {
        let own = format!("or set {TEST_PYTHON} to an interpreter that has flytekit, and nothing is installed");
        failure.hint("pip needs a package index: PIP_INDEX_URL names another than the usual one").hint(own)
    })?;
    workspace::write(&stamp, &wanted)?;
    Ok(python)
}

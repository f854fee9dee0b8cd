//! `cargo xtask e2e`: what is shipped, on a real cluster.

mod options;

use crate::failure::Failure;
use crate::image;
use crate::process;
use crate::program;
use crate::python;
use crate::workspace::Workspace;
pub(crate) use options::Options;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The cases that need an image with Python, which takes some seconds to make.
const WITH_PYTHON: [&str; 2] =
    ["python::a_flytekit_task_reads_its_secrets", "python::a_flytekit_task_names_what_is_missing"];
/// Tells the cases of an API server that goes what stops and starts it.
const CLUSTER_PROGRAM: &str = "KEYBEARER_E2E_CLUSTER_PROGRAM";
/// Tells these cases what is in that image.
const PYTHON_TASKS: &str = "KEYBEARER_E2E_PYTHON";

/// Tells the cases where the program is that the image has: users have it, too.
const PROGRAM: &str = "KEYBEARER_E2E_PROGRAM";

/// Makes the images, gives them to the cluster's node, and starts the cases.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    cluster(std::env::var_os("KUBECONFIG").map(PathBuf::from).as_deref())?;
    for (program, source) in
        [("kubectl", "the cluster's own release"), ("ctr", "containerd"), ("helm", "https://helm.sh")]
    {
        installed(program, source)?;
    }
    let workspace = Workspace::read()?;
    if options.filter.is_none() {
        // Certificates and the registration, straight at the API server.
        let mut cargo = process::cargo(&workspace.root);
        process::run(cargo.args(["test", "--locked", "--package", "keybearer-webhook", "--test", "cluster"]))?;
    }
    if !options.loaded {
        image::run(&image::Options { load: true, output: None, program: options.program.clone() })?;
    }
    let mut cargo = process::cargo(&workspace.root);
    cargo.args(["run", "--quiet", "--locked", "--package", "keybearer-e2e", "--"]).args(options.words());
    if options.filter.as_deref().is_none_or(|filter| WITH_PYTHON.iter().any(|name| name.contains(filter))) {
        cargo.env(PYTHON_TASKS, python_image(&workspace)?);
    }
    let program = options.program.clone().unwrap_or_else(|| program::built(&workspace));
    cargo.env(PROGRAM, program);
    if let Some(program) = &options.cluster_program {
        cargo.env(CLUSTER_PROGRAM, program);
    }
    process::run(&mut cargo)
}

/// A cluster has to be named: nobody's daily one is taken by accident.
fn cluster(config: Option<&Path>) -> Result<(), Failure> {
    let hint = "it installs a webhook of Flyte's name and removes it again: name a cluster that is there for that";
    match config {
        Some(path) if path.is_file() => Ok(()),
        Some(path) if !path.as_os_str().is_empty() => {
            Err(Failure::new(format!("KUBECONFIG names {}, which is no file", path.display())).hint(hint))
        }
        Some(_) | None => Err(Failure::new("KUBECONFIG is not set, so there is no cluster to test on").hint(hint)),
    }
}

fn installed(program: &str, source: &str) -> Result<(), Failure> {
    let mut command = Command::new(program);
    command.arg("--help").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().map(drop).map_err(|error| {
        Failure::new(format!("`{program}` can't be started: {error}"))
            .hint(format!("it has to be on PATH, and comes with {source}"))
    })
}

/// An image with the tests' Python and flytekit, loaded; the file that describes its tasks.
fn python_image(workspace: &Workspace) -> Result<PathBuf, Failure> {
    let python = python::for_tests(workspace)?;
    let folder = workspace.target.join("e2e");
    std::fs::create_dir_all(&folder).map_err(|error| Failure::io(&folder, &error))?;
    let (archive, tasks) = (folder.join("python.tar"), folder.join("python.json"));
    let script = workspace.root.join("xtask/python/flytekit_image.py");
    process::run(Command::new(&python).arg("-B").arg(script).arg(&archive).arg(&tasks))?;
    image::load(&archive)?;
    // It is large, and containerd has it now.
    std::fs::remove_file(&archive).map_err(|error| Failure::io(&archive, &error))?;
    Ok(tasks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_has_to_be_named() {
        for (config, part) in [(None, "not set"), (Some("/nowhere/at/all"), "/nowhere/at/all"), (Some(""), "not set")] {
            let failure = cluster(config.map(Path::new)).expect_err("there is no cluster").to_string();
            assert!(failure.contains(part) && failure.contains("KUBECONFIG") && failure.contains("hint"), "{failure}");
        }
        let file = tempfile::NamedTempFile::new().expect("a file");
        assert_eq!(cluster(Some(file.path())), Ok(()));
    }

    #[test]
    fn a_program_that_is_missing_is_named_with_where_it_comes_from() {
        let failure = installed("kubectl-that-is-not-there", "somewhere").expect_err("it is not there").to_string();
        assert!(failure.contains("kubectl-that-is-not-there") && failure.contains("somewhere"), "{failure}");
    }

    #[test]
    fn the_cases_with_python_are_there_under_these_names() {
        let cases = include_str!("../../e2e/src/suites/python.rs");
        for name in WITH_PYTHON {
            let name = name.trim_start_matches("python::");
            assert!(cases.contains(&format!("fn {name}(")), "{name}");
        }
    }
}

//! flytekit's own entrypoint runs what we make: it takes our arguments, variables and inputs, and we take its outputs.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Map, Value, json};
use tasks::{Code, Execution, Failure, Inputs, Locations, Origin, Package, Task, outputs};
use tempfile::TempDir;

use crate::python;

/// Runs the task's container as a process, in `folder` and with more variables.
fn run(task: &Task, inputs: &Inputs, locations: &Locations, folder: &Path, more: &[(String, &str)]) -> Output {
    let made = task.pod(&Execution::default(), locations, inputs).unwrap();
    let mut containers = made.pod["spec"]["containers"].as_array().unwrap().iter();
    let container = containers.find(|one| one["name"] == made.primary).expect("the task has its container");
    let args: Vec<_> = container["args"].as_array().unwrap().iter().map(|arg| arg.as_str().unwrap()).collect();
    let mut command: Command = python::program(args[0]);
    command.args(&args[1..]).current_dir(folder).envs(more.iter().map(|(name, value)| (name, value)));
    for variable in container["env"].as_array().unwrap() {
        command.env(variable["name"].as_str().unwrap(), variable["value"].as_str().unwrap());
    }
    std::fs::create_dir_all(&locations.input_prefix).unwrap();
    std::fs::write(&locations.input, inputs.to_bytes()).unwrap();
    command.output().unwrap()
}

/// The same, with its data in a folder that is there as long as it is kept.
pub(crate) fn run_in(
    task: &Task,
    given: &[&str],
    folder: &Path,
    more: &[(String, &str)],
) -> (Locations, TempDir, Output) {
    let data = tempfile::tempdir().unwrap();
    let locations = Locations::below(data.path().to_str().unwrap());
    let inputs = task.some_inputs(given.iter().copied()).unwrap();
    let ended = run(task, &inputs, &locations, folder, more);
    (locations, data, ended)
}

pub(crate) fn read(locations: &Locations, name: &str) -> Option<Vec<u8>> {
    std::fs::read(Path::new(&locations.output_prefix).join(name)).ok()
}

fn results(task: &str, given: &[&str]) -> Map<String, Value> {
    let package = Package::read(python::package()).unwrap();
    let (locations, _kept, ended) = run_in(package.find(task).unwrap(), given, &python::sources(), &[]);
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    let bytes = read(&locations, "outputs.pb").unwrap_or_else(|| panic!("{}: {said}", ended.status));
    outputs(&bytes).unwrap()
}

#[test]
fn values_of_every_type_go_in_and_come_out() {
    let given = results(
        "kinds.everything",
        &[
            "whole=-7",
            "real=2.5",
            "text=a = b",
            "yes=true",
            "at=2024-02-29T12:30:00+02:00",
            "long=1h 30m",
            "colour=green",
            "maybe=None",
            "either=12",
            "numbers=[1, 2]",
            r#"nested={"a": [0.5, 1]}"#,
            r#"times=["2024-01-01T00:00:00Z"]"#,
            "optional_numbers=[3]",
            r#"point={"x": 1, "y": 2}"#,
            r#"points=[{"x": 1, "y": 2.5, "name": "there"}]"#,
            r#"free={"deep": {"a": [1, "b", null]}}"#,
            "file=/etc/hostname",
            "folder=/etc",
        ],
    );
    let expected = json!({
        "o0": -7,
        "o1": 2.5,
        "o2": "a = b",
        "o3": true,
        "o4": "2024-02-29T10:30:00Z",
        "o5": "PT1H30M",
        "o6": "green",
        "o7": null,
        "o8": 12,
        "o9": [1, 2],
        "o10": {"a": [0.5, 1.0]},
        "o11": {"x": 1, "y": 2.0, "name": "here"},
        "o12": {"deep": {"a": [1, "b", null]}},
    });
    assert_eq!(Value::Object(given), expected);
}

#[test]
fn flytekit_knows_its_execution_and_what_is_not_given_is_its_default() {
    let of = &results("kinds.context", &[])["o0"];
    assert_eq!(of["greeting"], "hello");
    assert_eq!(of["execution"], "local:development:local");
    assert_eq!(of["task"], "local:development:kinds.context:local");
    assert!(of["raw"].as_str().is_some_and(|at| at.ends_with("/raw")), "{of}");
}

#[test]
fn a_pod_task_runs_in_its_primary_container() {
    assert_eq!(results("kinds.in_a_pod", &["number=41"])["o0"], 42);
}

#[test]
fn a_file_that_is_an_output_is_where_we_say() {
    let package = Package::read(python::package()).unwrap();
    let task = package.find("kinds.writes_a_file").unwrap();
    let (locations, _kept, _) = run_in(task, &["content=é\n"], &python::sources(), &[]);
    let given = outputs(&read(&locations, "outputs.pb").expect("it wrote outputs")).unwrap();
    let file = given["o0"].as_str().unwrap();
    assert!(file.starts_with(&locations.raw_output_prefix), "{file}");
    assert_eq!(std::fs::read_to_string(file).unwrap(), "é\n");
    assert_eq!(given["o1"], Value::Null);
}

#[test]
fn a_task_that_fails_says_why_although_it_ends_well() {
    let package = Package::read(python::package()).unwrap();
    for (name, given, summary) in [
        ("kinds.failing", ["why=no: such thing"].as_slice(), "ValueError: no: such thing"),
        ("kinds.forgetful", [].as_slice(), "Please make sure to add secret_requests="),
    ] {
        let task = package.find(name).unwrap();
        let (locations, _kept, ended) = run_in(task, given, &python::sources(), &[]);
        assert!(ended.status.success(), "flytekit's entrypoint says it in a file, not by its status");
        let failure = Failure::read(&read(&locations, "error.pb").expect("it wrote an error")).unwrap();
        assert_eq!((failure.origin, failure.recoverable), (Origin::User, false), "{failure}");
        assert!(failure.code.starts_with("USER:"), "{failure}");
        assert!(failure.summary().contains(summary), "{failure}");
        assert!(read(&locations, "outputs.pb").is_none());
    }
}

#[test]
fn packaged_code_runs_from_where_it_was_unpacked() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let package = Package::read(python::package_with_code()).unwrap();
    let (name, bytes) = package.code.as_ref().unwrap();
    std::fs::write(at(name), bytes).unwrap();
    std::fs::create_dir(at("code")).unwrap();
    let code = Code { archive: at(name), folder: at("code") };
    let locations = Locations { code: Some(code), ..Locations::below(&at("data")) };
    let task = package.find("kinds.in_a_pod").unwrap();
    let inputs = task.inputs(["number=1"]).unwrap();
    let ended = run(task, &inputs, &locations, folder.path(), &[]);
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    let bytes = read(&locations, "outputs.pb").unwrap_or_else(|| panic!("{}: {said}", ended.status));
    assert_eq!(outputs(&bytes).unwrap()["o0"], 2);
    assert!(Path::new(&at("code/kinds.py")).exists());
}

//! Pods of real tasks, as they stand in `tests/pods`. `KEYBEARER_WRITE_PODS=1` writes them anew, to be looked at.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use tasks::{Code, Execution, Inputs, Locations, Made, Note, Package, PodError, Task, TemplateError};

use crate::python;

fn make(task: &Task, inputs: &[&str]) -> Result<Made, PodError> {
    let inputs: Inputs = task.some_inputs(inputs.iter().copied()).unwrap();
    task.pod(&Execution::default(), &Locations::below("/run/task"), &inputs)
}

fn compare(name: &str, pod: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/pods/{name}.json"));
    if std::env::var_os("KEYBEARER_WRITE_PODS").is_some() {
        std::fs::write(&path, format!("{pod:#}\n")).unwrap();
    }
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let expected: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(*pod, expected, "{name} is now {pod:#}");
}

#[test]
fn a_container_task_becomes_the_pod_of_flyte() {
    let package = Package::read(python::package()).unwrap();
    let made = make(package.find("kinds.everything").unwrap(), &[]).unwrap();
    compare("container", &made.pod);
    assert_eq!((made.primary.as_str(), made.notes.as_slice()), ("local-n0-0", [].as_slice()));
}

#[test]
fn a_pod_task_keeps_its_own_pod() {
    let package = Package::read(python::package()).unwrap();
    let made = make(package.find("kinds.in_a_pod").unwrap(), &[]).unwrap();
    compare("pod", &made.pod);
    assert_eq!(made.primary, "main");
}

#[test]
fn a_raw_container_gets_its_inputs_in_its_command() {
    let package = Package::read(python::package()).unwrap();
    let raw = package.find("raw").unwrap();
    let made = make(raw, &["number=7", "name=x y"]).unwrap();
    compare("raw", &made.pod);
    let copilot = Note::Copilot { input: "/var/inputs".into(), output: "/var/outputs".into() };
    assert_eq!(made.notes, [copilot, Note::PodTemplate { name: "of-the-cluster".into() }]);

    let error = make(raw, &["number=7"]).unwrap_err();
    assert!(matches!(&error, PodError::Template { cause: TemplateError::Input { name, .. }, .. } if name == "name"));
    let message = "container `local-n0-0` of task `raw`: `{{.Inputs.name}}`: there is no input `name`";
    assert_eq!(error.to_string(), message);
}

#[test]
fn the_execution_is_told_and_wins() {
    let package = Package::read(python::package()).unwrap();
    let execution = Execution {
        name: "F1".into(),
        project: "p".into(),
        domain: "d".into(),
        node: "N_0".into(),
        attempt: 3,
        version: "v9".into(),
        namespace: "p-d".into(),
        service_account: Some("runner".into()),
        env: BTreeMap::from([("MODE".into(), "slow".into())]),
        labels: BTreeMap::from([("team".into(), "b".into())]),
        annotations: BTreeMap::from([("note".into(), "c".into())]),
    };
    let task = package.find("kinds.everything").unwrap();
    let pod = task.pod(&execution, &Locations::below("/x"), &Inputs::default()).unwrap().pod;
    let env: BTreeMap<&str, &str> = pod["spec"]["containers"][0]["env"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["name"].as_str().unwrap(), one["value"].as_str().unwrap()))
        .collect();
    for (name, value) in [
        ("MODE", "slow"),
        ("FLYTE_ATTEMPT_NUMBER", "3"),
        ("FLYTE_INTERNAL_EXECUTION_ID", "F1"),
        ("FLYTE_INTERNAL_TASK_VERSION", "v9"),
        ("FLYTE_INTERNAL_EXECUTION_WORKFLOW", "p:d:.flytegen.kinds.everything"),
    ] {
        assert_eq!(env[name], value, "{name}");
    }
    let metadata = &pod["metadata"];
    assert_eq!((metadata["name"].as_str(), metadata["namespace"].as_str()), (Some("f1-n-0-3"), Some("p-d")));
    assert_eq!(pod["spec"]["serviceAccountName"], "runner");
    for (of, name, value) in [
        ("labels", "team", "b"),
        ("labels", "project", "p"),
        ("labels", "interruptible", "true"),
        ("labels", "inject-flyte-secrets", "true"),
        ("annotations", "note", "c"),
    ] {
        assert_eq!(metadata[of][name], value, "{name}");
    }
}

#[test]
fn packaged_code_is_unpacked_where_the_run_says() {
    let package = Package::read(python::package_with_code()).unwrap();
    let task = package.find("kinds.context").unwrap();
    let code = Code { archive: "/run/code.tar.gz".into(), folder: "/run/code".into() };
    let locations = Locations { code: Some(code), ..Locations::below("/run/task") };
    let pod = task.pod(&Execution::default(), &locations, &Inputs::default()).unwrap().pod;
    let args = &pod["spec"]["containers"][0]["args"];
    let start: Vec<_> = args.as_array().unwrap().iter().take(7).map(|arg| arg.as_str().unwrap()).collect();
    let expected = ["pyflyte-fast-execute", "--additional-distribution", "/run/code.tar.gz", "--dest-dir", "/run/code"];
    assert_eq!(start, [expected.as_slice(), &["--", "pyflyte-execute"]].concat());

    let error = make(task, &[]).expect_err("its code is nowhere");
    assert!(error.to_string().ends_with("`{{ .remote_package_path }}`: the package's code is nowhere"), "{error}");
}

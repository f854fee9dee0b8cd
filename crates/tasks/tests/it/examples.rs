//! `examples/flytekit`: under plain Python, and as a package.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use tasks::{Package, outputs};

use crate::{execute, python};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/flytekit")
}

#[test]
fn the_example_runs_by_itself() {
    let said = python::run(python::program("python").arg("secrets_example.py").current_dir(folder()), "");
    assert!(said.contains("all five are right"), "{said}");
}

#[test]
fn the_tasks_of_the_example_find_their_secrets() {
    let package = Package::read(&python::pack("secrets_example", &folder(), &[])).unwrap();
    let env = [("USER_SECRET", "open-sesame"), ("USERNAME", "ali"), ("PASSWORD", "forty"), ("USER_DATABASE", "cave")];
    let env = env.map(|(key, value)| (format!("_FSEC_USER-INFO_{key}"), value));
    let mut given = Map::new();
    for task in &package.tasks {
        let asked: Vec<_> = task.secrets().iter().map(ToString::to_string).collect();
        let (locations, _kept, _) = execute::run_in(task, &[], &folder(), &env);
        let results = outputs(&execute::read(&locations, "outputs.pb").expect("it found them")).unwrap();
        given.insert(task.name().to_owned(), json!({"asked": asked, "results": results}));
    }
    let expected = json!({
        "secrets_example.one_secret": {"asked": ["user-info/user_secret"], "results": {"o0": "open-sesame"}},
        "secrets_example.two_keys_of_a_group": {
            "asked": ["user-info/username", "user-info/password"],
            "results": {"o0": "ali", "o1": "forty"},
        },
        "secrets_example.as_a_variable": {
            "asked": ["user-info/user_database"],
            "results": {"o0": "/etc/secrets/user-info/user_database", "o1": "cave"},
        },
    });
    assert_eq!(Value::Object(given), expected);
}

//! What the caller puts into volumes before a run, and takes out of them after it.

use std::io;

use runner::{Exchange, Options, RunError, VolumeDirs};
use serde_json::{Value, json};

use crate::support::{Record, Secrets, one, options, pod, read, run_with, sh};

const AT: &str = "/etc/flyte/secrets";

fn main(script: &str) -> Value {
    let main = sh("main", script, &json!({"volumeMounts": [{"name": "v", "mountPath": AT}]}));
    pod(&json!([main]), &json!({"volumes": [{"name": "v", "emptyDir": {}}]}))
}

/// Gives a file, and takes one.
#[derive(Default)]
struct Files {
    taken: Option<String>,
}

impl Exchange for Files {
    fn before(&mut self, volumes: &VolumeDirs) -> io::Result<()> {
        std::fs::write(volumes.get("v").ok_or(io::ErrorKind::NotFound)?.join("in"), "given")
    }

    fn after(&mut self, volumes: &VolumeDirs) {
        self.taken = std::fs::read_to_string(volumes.get("v").unwrap().join("out")).ok();
    }
}

#[test]
fn files_go_in_before_and_come_out_after_however_the_containers_end() {
    for (script, code) in [("cat $0/in; echo left > $0/out", 0), ("cat $0/in; echo left > $0/out; exit 3", 3)] {
        let mut files = Files::default();
        let mut pod = main(script);
        pod["spec"]["containers"][0]["args"].as_array_mut().unwrap().push(json!(AT));
        let ran = run_with(&pod, &Secrets::default(), |options: &mut Options<'_>| {
            options.exchange = Some(Box::new(&mut files));
        });
        assert_eq!((ran.outcome.exit_code, ran.text("main").as_str()), (code, "given"));
        assert_eq!(files.taken.as_deref(), Some("left\n"));
    }
}

#[test]
fn where_nothing_can_be_put_in_nothing_starts() {
    let mut files = Files::default();
    let dir = tempfile::tempdir().unwrap();
    let options = Options { exchange: Some(Box::new(&mut files)), ..options(dir.path()) };
    let pod = read(&one("touch started", &json!({"workingDir": dir.path()})));
    let error = runner::run(&pod, &Secrets::default(), options, &mut Record::default()).unwrap_err();
    assert!(matches!(error, RunError::Exchange(_)), "{error}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

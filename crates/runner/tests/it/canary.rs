//! A secret value is in the container and nowhere else: in no note, no error, no result, whatever the channel it came by and whatever went wrong.

use std::fmt::Write as _;

use runner::{Builtin, VolumeDirs};
use serde_json::json;

use crate::support::{Ran, Secrets, one, pod, prepare, problems, read, run_with};

const CANARY: &str = "hunter2-canary";

fn said(ran: &Ran) -> String {
    format!("{:?} {:?} {:?}", ran.record.notes(), ran.record.notes, ran.outcome)
}

#[test]
fn a_run_that_goes_well() {
    let env = json!([{"name": "CLEAR", "value": CANARY}, {"name": "REF", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]);
    let mounts = json!([{"name": "v", "mountPath": "/etc/flyte/secrets"}]);
    let main = json!({"name": "main", "command": ["sh", "-c", "cat /etc/flyte/secrets/none; cat $1/k; exit 3", "sh", "/etc/flyte/secrets", CANARY],
        "env": env, "envFrom": [{"secretRef": {"name": "s"}}], "volumeMounts": mounts, "workingDir": "/no/such/dir"});
    let pod = pod(
        &json!([main]),
        &json!({"initContainers": [{"name": "fetch", "image": "x"}], "volumes": [{"name": "v", "secret": {"secretName": "s"}}]}),
    );
    let ran = run_with(&pod, &Secrets::default().with("s", "k", CANARY), |options| {
        options.builtin = Some(Builtin::new("fetch", |_| Ok(())));
    });
    assert_eq!((ran.outcome.exit_code, ran.text("main").as_str()), (3, CANARY));
    assert!(!said(&ran).contains(CANARY), "{}", said(&ran));
    assert!(!format!("{:?}", read(&pod)).contains(CANARY));
}

#[test]
fn a_start_that_fails() {
    let env = json!([{"name": "A", "valueFrom": {"fileKeyRef": {"volumeName": "v", "path": "env", "key": "A"}}}]);
    let long = "x\n".repeat(70_000);
    for (file, command) in [
        (format!("A={CANARY}"), json!(["true"])),
        (format!("{CANARY}\n"), json!(["true"])),
        (format!("A='{CANARY}'{CANARY}\n"), json!(["true"])),
        (format!("B='{CANARY}'\n"), json!(["true"])),
        (format!("A='{CANARY}\0'\n"), json!(["true"])),
        (format!("A='{CANARY}{long}'\n"), json!(["true"])),
        (format!("A='{CANARY}'\n"), json!(["$(A)"])),
        (format!("A='{CANARY}'\n"), json!(["/etc", "$(A)"])),
    ] {
        let more =
            json!({"initContainers": [{"name": "fetch", "image": "x"}], "volumes": [{"name": "v", "emptyDir": {}}]});
        let pod = pod(&json!([{"name": "main", "command": command, "env": env}]), &more);
        let ran = run_with(&pod, &Secrets::default(), |options| {
            let fill = |volumes: &VolumeDirs| Ok(std::fs::write(volumes.get("v").unwrap().join("env"), &file)?);
            options.builtin = Some(Builtin::new("fetch", fill));
        });
        assert!(said(&ran).contains("container `main` failed"), "{file:.30}: {}", said(&ran));
        assert!(!said(&ran).contains(CANARY), "{file:.30}: {}", said(&ran));
    }
}

#[test]
fn a_refusal() {
    let bad = format!("{CANARY}\0");
    let env = json!([{"name": "CLEAR", "value": bad}, {"name": "REF", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]);
    let refused = one("true", &json!({"env": env}));
    let secrets = Secrets::default().with("s", "k", bad);
    let mut text = format!("{:?}", problems(&refused, &secrets));
    let error = prepare(&refused, &secrets).err().unwrap();
    write!(text, "{error} {error:?}").unwrap();
    assert!(text.contains("CLEAR") && !text.contains(CANARY), "{text}");
}

//! The files that a container sees, and where.

use serde_json::{Value, json};

use crate::support::{Ran, Secrets, in_namespace, pod, run, sh};

const ROOT: &str = "/etc/flyte/secrets";

fn with_volumes(script: &str, mounts: &Value, volumes: &Value, secrets: &Secrets) -> Ran {
    let env = json!([{"name": "DIR", "value": ROOT}, {"name": "FILE", "value": "$(DIR)/g/k"}, {"name": "OTHER", "value": "/etc/flyte/secrets2"}]);
    let main = sh("main", script, &json!({"env": env, "volumeMounts": mounts}));
    run(&pod(&json!([main]), &json!({"volumes": volumes})), secrets)
}

fn two() -> Secrets {
    Secrets::default().with("s", "k", "one").with("s", "l", b"\x00\xff\n".to_vec())
}

#[test]
fn a_volume_at_the_root() {
    let projected = json!({"defaultMode": 0o444, "sources": [
        {"secret": {"name": "s", "items": [{"key": "k", "path": "g/k"}, {"key": "l", "path": "g/l", "mode": 0o777}]}},
        {"secret": {"name": "none", "optional": true}},
        {"configMap": {"name": "none", "optional": true}},
        {"downwardAPI": {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]}},
    ]});
    let ran = with_volumes(
        "cat $FILE; echo; cat $(DIR)/name; echo; od -An -tx1 $DIR/g/l | tr -d ' '; ls -l $DIR/g | tail -n +2 | cut -c1-10; echo $OTHER",
        &json!([{"name": "v", "mountPath": ROOT, "readOnly": true}]),
        &json!([{"name": "v", "projected": projected}]),
        &two(),
    );
    assert_eq!(ran.text("main"), "one\ntest\n00ff0a\n-r--r--r--\n-r-xr-xr-x\n/etc/flyte/secrets2\n");
}

#[test]
fn volumes_below_the_root() {
    let mounts = json!([{"name": "a", "mountPath": format!("{ROOT}/g")}, {"name": "b", "mountPath": format!("{ROOT}/deep/h/")},
        {"name": "b", "mountPath": format!("{ROOT}/part"), "subPath": "sub/dir"}, {"name": "a", "mountPath": format!("{ROOT}/file"), "subPath": "k"}]);
    let volumes = json!([{"name": "a", "secret": {"secretName": "s"}}, {"name": "b", "emptyDir": {}}]);
    let ran = with_volumes(
        "cat $FILE $DIR/file; echo x > $DIR/part/y; cat $DIR/deep/h/sub/dir/y; ls $DIR; ls $DIR/g",
        &mounts,
        &volumes,
        &two(),
    );
    assert_eq!(ran.text("main"), "oneonex\ndeep\nfile\ng\npart\nk\nl\n");
}

#[test]
fn the_working_directory_and_words_may_lie_there() {
    let mounts = json!([{"name": "v", "mountPath": ROOT}]);
    let main = json!({"name": "main", "command": ["cat", format!("{ROOT}/k")], "volumeMounts": mounts});
    let cwd = json!({"name": "cwd", "command": ["cat", "k"], "workingDir": ROOT, "volumeMounts": mounts});
    let away = json!({"name": "away", "command": ["pwd"], "workingDir": "/no/such/dir"});
    let slash = json!({"name": "slash", "command": ["pwd"], "workingDir": "/"});
    let within = json!({"name": "within", "command": ["echo", format!("x{ROOT}")], "volumeMounts": mounts});
    let ran = run(
        &pod(
            &json!([main, cwd, away, slash, within]),
            &json!({"volumes": [{"name": "v", "secret": {"secretName": "s"}}]}),
        ),
        &two(),
    );
    assert_eq!((ran.text("main"), ran.text("cwd")), ("one".into(), "one".into()));
    assert_eq!(ran.text("away").trim_end(), std::env::current_dir().unwrap().to_str().unwrap());
    assert_eq!(ran.text("slash"), "/\n");
    let mut wanted = [
        "container `away` runs in the current directory: its workingDir `/no/such/dir` is not here",
        "container `within`: argument 1 names `/etc/flyte/secrets` within it, which is not where the files are on this machine",
    ]
    .to_vec();
    if in_namespace() {
        wanted.pop();
    }
    assert_eq!(ran.record.notes(), wanted);
}

#[test]
fn without_a_mount_nothing_is_led_elsewhere() {
    let main = json!({"name": "main", "command": ["echo", ROOT, "$(DIR)"], "env": [{"name": "DIR", "value": ROOT}]});
    let ran = run(&pod(&json!([main]), &json!({})), &Secrets::default());
    assert_eq!(ran.text("main"), format!("{ROOT} {ROOT}\n"));
}

#[test]
fn containers_share_an_empty_dir() {
    let mount = |path: &str| json!({"env": [{"name": "DIR", "value": path}], "volumeMounts": [{"name": "v", "mountPath": path}]});
    let wait = "until test -e $DIR/hello; do sleep 0.01; done; cat $DIR/hello";
    let containers = json!([
        sh("reader", wait, &mount("/etc/flyte/secrets/a")),
        sh("writer", "echo hi > $DIR/tmp; mv $DIR/tmp $DIR/hello", &mount("/etc/flyte/secrets"))
    ]);
    let ran = run(
        &pod(&containers, &json!({"volumes": [{"name": "v", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}]})),
        &Secrets::default(),
    );
    assert_eq!(ran.text("reader"), "hi\n");
}

#[test]
fn what_cant_be_removed_easily_is_removed() {
    let script = "mkdir -p $DIR/a/b; echo x > $DIR/a/b/c; ln -s / $DIR/a/root; chmod 0 $DIR/a/b $DIR/a";
    let ran =
        with_volumes(script, &json!([{"name": "v", "mountPath": ROOT}]), &json!([{"name": "v"}]), &Secrets::default());
    assert_eq!(ran.outcome.exit_code, 0);
}

#[test]
fn a_part_of_a_volume_cant_lead_out_of_it() {
    let init = sh(
        "link",
        "ln -s / $DIR/out",
        &json!({"env": [{"name": "DIR", "value": ROOT}], "volumeMounts": [{"name": "v", "mountPath": ROOT}]}),
    );
    let main = sh(
        "main",
        "ls $DIR",
        &json!({"env": [{"name": "DIR", "value": ROOT}], "volumeMounts": [{"name": "v", "mountPath": ROOT, "subPath": "out"}]}),
    );
    let ran = run(
        &pod(&json!([main]), &json!({"initContainers": [init], "volumes": [{"name": "v", "emptyDir": {}}]})),
        &Secrets::default(),
    );
    assert_eq!(ran.text("main"), "out\n");
}

#[test]
fn the_token_is_not_there_and_that_is_said() {
    let token = json!({"projected": {"sources": [{"serviceAccountToken": {"path": "token"}}, {"configMap": {"name": "kube-root-ca.crt"}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}}]}, "name": "kube-api-access-x"});
    let mounts = json!([{"name": "kube-api-access-x", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}]);
    let ran = with_volumes("echo ok", &mounts, &json!([token]), &Secrets::default());
    assert_eq!(ran.text("main"), "ok\n");
    assert_eq!(ran.record.notes(), ["container `main` gets no service account token: there is no cluster"]);
}

//! The env vars that a container sees.

use runner::Builtin;
use serde_json::{Value, json};

use crate::support::{Secrets, one, pod, run, run_with, sh};

/// The env vars of a container that runs `env`, without those of the host.
fn env_of(container: &Value, more: &Value, secrets: &Secrets) -> Vec<String> {
    let mut container = container.clone();
    container["name"] = json!("main");
    container["command"] = json!(["env"]);
    let ran = run_with(&pod(&json!([container]), more), secrets, |options| {
        options.host_env.retain(|(name, _)| name == "PATH");
    });
    assert_eq!(ran.outcome.exit_code, 0, "{:?}", ran.record.notes());
    let mut lines: Vec<String> = ran.text("main").lines().map(str::to_owned).collect();
    lines.retain(|line| !line.starts_with("PATH="));
    lines.sort();
    lines
}

#[test]
fn only_seven_names_come_from_the_host() {
    let host =
        ["PATH", "HOME", "LANG", "TERM", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH", "_FSEC_A_B", "LD_LIBRARY_PATH", "USER"];
    let ran = run_with(
        &json!({"spec": {"containers": [{"name": "main", "args": ["env"], "env": [{"name": "HOME", "value": "/pod"}]}]}}),
        &Secrets::default(),
        |options| {
            options.host_env = host
                .iter()
                .map(|&name| (name.into(), if name == "PATH" { "/bin:/usr/bin".into() } else { "host".into() }))
                .collect();
        },
    );
    let mut names: Vec<String> = ran.text("main").lines().map(str::to_owned).collect();
    names.sort();
    assert_eq!(
        names,
        [
            "HOME=/pod",
            "LANG=host",
            "PATH=/bin:/usr/bin",
            "PYTHONPATH=host",
            "TERM=host",
            "TMPDIR=host",
            "VIRTUAL_ENV=host"
        ]
    );
}

#[test]
fn secrets_and_references() {
    let env = json!([
        {"name": "_FSEC_USER-INFO_KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        {"name": "URL", "value": "db://$(_FSEC_USER-INFO_KEY)@$(LATER)/$$(URL)"},
        {"name": "LATER", "value": "x"},
        {"name": "OPTIONAL", "valueFrom": {"secretKeyRef": {"name": "s", "key": "none", "optional": true}}},
        {"name": "MAP", "valueFrom": {"configMapKeyRef": {"name": "m", "key": "none", "optional": true}}},
        {"name": "EMPTY", "value": ""},
        {"name": "BOTH", "value": "wins", "valueFrom": {"secretKeyRef": {"name": "none", "key": "k"}}},
        {"name": "HOST", "value": "$(PATH)"},
    ]);
    let from = json!([{"prefix": "P_", "secretRef": {"name": "s"}}, {"secretRef": {"name": "none", "optional": true}},
        {"configMapRef": {"name": "none", "optional": true}}]);
    let secrets = Secrets::default().with("s", "k", "$(LATER)").with("s", "LATER", "early");
    assert_eq!(
        env_of(&json!({"env": env, "envFrom": from}), &json!({}), &secrets),
        [
            "BOTH=wins",
            "EMPTY=",
            "HOST=$(PATH)",
            "LATER=x",
            "P_LATER=early",
            "P_k=$(LATER)",
            "URL=db://$(LATER)@$(LATER)/$(URL)",
            "_FSEC_USER-INFO_KEY=$(LATER)"
        ]
    );
}

#[test]
fn fields_and_resources() {
    let field = |name: &str, path: &str| json!({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}});
    let resource = |name: &str, resource: &str, divisor: &str| json!({"name": name, "valueFrom": {"resourceFieldRef": {"resource": resource, "divisor": divisor}}});
    let container = json!({
        "env": [field("NAME", "metadata.name"), field("SPACE", "metadata.namespace"), field("IP", "status.podIP"),
            field("ACCOUNT", "spec.serviceAccountName"), resource("CPU", "limits.cpu", "1m"), resource("MEM", "requests.memory", "0")],
        "resources": {"limits": {"cpu": "1.5"}, "requests": {"memory": "1Ki"}},
    });
    let got = env_of(&container, &json!({"serviceAccountName": "robot"}), &Secrets::default());
    assert_eq!(got, ["ACCOUNT=robot", "CPU=1500", "IP=127.0.0.1", "MEM=1024", "NAME=test", "SPACE=default"]);
}

/// An env file that an init container writes, and a container's env vars from it.
fn with_file(script: &str, env: &Value) -> Value {
    let init = sh(
        "write",
        script,
        &json!({
            "env": [{"name": "DIR", "value": "/etc/flyte/secrets"}],
            "volumeMounts": [{"name": "memory", "mountPath": "/etc/flyte/secrets"}],
        }),
    );
    let script = "printf '<%s>' \"$A\" \"$B\" \"$C\" \"$1\"";
    let main = json!({"name": "main", "command": ["sh", "-c"], "args": [script, "sh", "$(A)"], "env": env});
    pod(
        &json!([main]),
        &json!({"initContainers": [init], "volumes": [{"name": "memory", "emptyDir": {"medium": "Memory"}}]}),
    )
}

fn from_file(name: &str, key: &str, optional: bool) -> Value {
    json!({"name": name, "valueFrom": {"fileKeyRef": {"volumeName": "memory", "path": "env/file", "key": key, "optional": optional}}})
}

#[test]
fn a_file_that_another_container_wrote() {
    let script = r#"mkdir "$DIR/env"; printf "%s\n" "A='one
two \$(B)'" "EMPTY=''" > "$DIR/env/file""#;
    let env = json!([from_file("A", "A", false), from_file("B", "EMPTY", true), {"name": "C", "value": "[$(A)]"}]);
    let ran = run(&with_file(script, &env), &Secrets::default());
    assert_eq!(ran.outcome.exit_code, 0, "{:?}", ran.record.notes());
    assert_eq!(ran.text("main"), "<one\ntwo $(B)><><[one\ntwo $(B)]><one\ntwo $(B)>");
}

#[test]
fn a_file_that_is_not_as_it_should_be() {
    for (script, key, wanted) in [
        ("true", "A", "env var `A`: file `env/file` of volume `memory` can't be read: No such file"),
        ("mkdir -p $DIR/env/file", "A", "can't be read: not a regular file"),
        ("mkdir $DIR/env; mkfifo $DIR/env/file", "A", "can't be read: not a regular file"),
        ("mkdir $DIR/env; echo hunter2 > $DIR/env/file", "A", "is not an env file: env file line 1 has no `=`"),
        ("mkdir $DIR/env; echo \"A=''\" > $DIR/env/file", "A", "has no value for key `A`"),
        ("mkdir $DIR/env; ln -s /etc/passwd $DIR/env/file", "A", "can't be read: No such file"),
        ("mkdir $DIR/env; printf \"A='\\377'\" > $DIR/env/file", "A", "env var `A` is not UTF-8"),
        ("mkdir $DIR/env; printf \"A='\\000'\" > $DIR/env/file", "A", "env var `A` holds a NUL byte"),
    ] {
        let ran = run(&with_file(script, &json!([from_file("A", key, false)])), &Secrets::default());
        let notes = ran.record.notes().join("\n");
        assert!(notes.contains("container `main` failed: ") && notes.contains(wanted), "{script}: {notes}");
        assert!(!notes.contains("hunter2"), "{notes}");
        assert_eq!(ran.outcome.exit_code, 128, "{script}");
    }
}

#[test]
fn a_file_that_the_caller_wrote() {
    let init = json!({"name": "fetch", "image": "keybearer", "args": ["fetch"],
        "volumeMounts": [{"name": "memory", "mountPath": "/keybearer/env"}, {"name": "token", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}]});
    let env = json!([{"name": "A", "valueFrom": {"fileKeyRef": {"volumeName": "memory", "path": "env", "key": "A"}}}]);
    let volumes = json!([{"name": "memory", "emptyDir": {}}, {"name": "token", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}]);
    let pod = pod(
        &json!([sh("main", "echo $A", &json!({"env": env}))]),
        &json!({"initContainers": [init], "volumes": volumes}),
    );
    let value = String::from("from outside");
    let ran = run_with(&pod, &Secrets::default(), |options| {
        options.builtin = Some(Builtin::new("fetch", |volumes| {
            assert!(volumes.iter().map(|(name, _)| name).eq(["memory", "token"]));
            Ok(std::fs::write(volumes.get("memory").unwrap().join("env"), format!("A='{value}'\n"))?)
        }));
    });
    assert_eq!(ran.text("main"), "from outside\n");
}

#[test]
fn values_arrive_byte_for_byte() {
    let value = "a\n\tb'\"\\ $(X) $X `x` ü\r\n";
    let env = json!([{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]);
    let ran = run(&one("printf %s \"$A\"", &json!({"env": env})), &Secrets::default().with("s", "k", value));
    assert_eq!(ran.text("main"), value);

    let longest = "x".repeat(131_071 - 2);
    let ran =
        run(&one("printf %s \"${#A}\"", &json!({"env": env})), &Secrets::default().with("s", "k", longest.as_str()));
    assert_eq!(ran.text("main"), longest.len().to_string());
}

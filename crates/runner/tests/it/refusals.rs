//! What is refused before anything starts, and in which words.

use runner::{Place, Problem, RunError, SecretReference, Unfit};
use serde_json::{Value, json};

use crate::support::{Secrets, in_namespace, one, pod, prepare, problems, sh};

/// The messages of all reasons.
fn refused(pod: &Value) -> Vec<String> {
    problems(pod, &Secrets::default()).iter().map(Problem::to_string).collect()
}

#[test]
fn missing_secrets_are_all_named() {
    let from = |name: &str, key: &str| json!({"secretKeyRef": {"name": name, "key": key}});
    let container = sh(
        "main",
        "true",
        &json!({
            "env": [{"name": "X", "valueFrom": from("there", "no")}, {"name": "Y", "valueFrom": from("none", "k")},
                {"name": "Z", "valueFrom": {"secretKeyRef": {"name": "none", "key": "k", "optional": true}}}],
            "envFrom": [{"secretRef": {"name": "all"}}, {"secretRef": {"name": "all", "optional": true}}],
        }),
    );
    let volumes = json!([{"name": "v", "secret": {"secretName": "files"}},
        {"name": "w", "projected": {"sources": [{"secret": {"name": "there", "items": [{"key": "no", "path": "p"}]}}]}}]);
    let pod = pod(&json!([container]), &json!({"volumes": volumes}));
    let secrets = Secrets::default().with("there", "k", "hunter2");
    let found = problems(&pod, &secrets);
    let env = |variable: &str| Place::Env { container: "main".into(), variable: variable.into() };
    let missing = |secret: &str, key: Option<&str>, place| {
        let (secret, key) = (secret.into(), key.map(str::to_owned));
        Problem::MissingSecret(SecretReference { secret, key, optional: false, place })
    };
    assert_eq!(
        found,
        [
            missing("files", None, Place::Volume { volume: "v".into() }),
            missing("there", Some("no"), Place::Volume { volume: "w".into() }),
            missing("all", None, Place::EnvFrom { container: "main".into() }),
            missing("there", Some("no"), env("X")),
            missing("none", Some("k"), env("Y")),
        ]
    );
    let Err(RunError::Refused(refusal)) = prepare(&pod, &secrets) else { panic!() };
    let text = refusal.to_string();
    assert!(text.starts_with("pod can't be run here: Secret `files` for volume `v` is not there; "), "{text}");
    assert!(text.contains("key `no` of Secret `there` for env var `X` of container `main` is not there"), "{text}");
}

#[test]
fn volumes_and_mounts() {
    let mounts = json!([
        {"name": "host", "mountPath": "/etc/flyte/secrets/a"},
        {"name": "empty", "mountPath": "/data"},
        {"name": "empty", "mountPath": "/etc/flyte/secrets/../x"},
        {"name": "empty", "mountPath": "/etc/flyte/secretsmore"},
        {"name": "none", "mountPath": "/etc/flyte/secrets/b"},
        {"name": "empty", "mountPath": "/etc/flyte/secrets/a/c/"},
        {"name": "empty", "mountPath": "/etc/flyte/secrets"},
        {"name": "empty", "mountPath": "/etc/flyte/secrets/d", "subPath": "../up"},
        {"name": "empty", "mountPath": "/etc/flyte/secrets/e", "subPathExpr": "$(X)"},
        {"name": "token", "mountPath": "/etc/flyte/secrets/f"},
    ]);
    let volumes = json!([
        {"name": "host", "hostPath": {"path": "/"}},
        {"name": "claim", "persistentVolumeClaim": {"claimName": "c"}},
        {"name": "csi", "csi": {"driver": "d"}},
        {"name": "map", "configMap": {"name": "m"}},
        {"name": "new", "kindOfTomorrow": {}},
        {"name": "empty"},
        {"name": "token", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}, {"configMap": {"name": "n"}}]}},
    ]);
    let container = sh("main", "true", &json!({"volumeMounts": mounts, "volumeDevices": [{"name": "claim"}]}));
    let mut wanted = [
            "volume `host` is a `hostPath`, which can't be had here",
            "volume `claim` is a `persistentVolumeClaim`, which can't be had here",
            "volume `csi` is a `csi`, which can't be had here",
            "ConfigMap `m` for volume `map` can't be given: there is no cluster to read it from",
            "volume `new` is a `kindOfTomorrow`, which can't be had here",
            "volume `token` has a source `serviceAccountToken`, which can't be had here",
            "ConfigMap `n` for volume `token` can't be given: there is no cluster to read it from",
            "container `main` has volume `claim` as a device",
            "container `main` mounts volume `empty` at `/data`: only mounts at or under `/etc/flyte/secrets` can be had without a mount namespace",
            "container `main` mounts volume `empty` at `/etc/flyte/secrets/../x`: only mounts at or under `/etc/flyte/secrets` can be had without a mount namespace",
            "container `main` mounts volume `empty` at `/etc/flyte/secretsmore`: only mounts at or under `/etc/flyte/secrets` can be had without a mount namespace",
            "container `main` names volume `none`, which the pod does not have",
            "container `main` mounts volume `empty` at `/etc/flyte/secrets/a/c/`, which lies in another mount",
            "container `main` mounts volume `empty` at `/etc/flyte/secrets`, which lies in another mount",
            "container `main` mounts a part of volume `empty` by `subPath`, which is no path in it",
            "container `main` mounts a part of volume `empty` by `subPathExpr`, which can't be had here",
    ]
    .to_vec();
    if in_namespace() {
        wanted.retain(|problem| !problem.contains("without a mount namespace"));
    }
    assert_eq!(refused(&pod(&json!([container]), &json!({"volumes": volumes}))), wanted);
}

#[test]
fn files_of_volumes() {
    let items = json!([{"key": "k", "path": "a"}, {"key": "k", "path": "a/b"}, {"key": "k", "path": "../c"}, {"key": "k", "path": "/d"}]);
    let api = json!([{"path": "x", "fieldRef": {"fieldPath": "status.podIP"}}, {"path": "y"},
        {"path": "z", "resourceFieldRef": {"containerName": "none", "resource": "limits.cpu"}}]);
    let volumes = json!([{"name": "v", "secret": {"secretName": "s", "items": items}}, {"name": "w", "downwardAPI": {"items": api}}]);
    let pod = pod(&json!([sh("main", "true", &json!({}))]), &json!({"volumes": volumes}));
    let found = problems(&pod, &Secrets::default().with("s", "k", "x"));
    assert_eq!(
        found.iter().map(Problem::to_string).collect::<Vec<_>>(),
        [
            "volume `v` can't have a file `../c`",
            "volume `v` can't have a file `/d`",
            "volume `v` can't have a file `a/b`",
            "volume `w` refers to `status.podIP`, which is no field of a pod that can be had there",
            "volume `w` names no source that is known",
            "volume `w` refers to `limits.cpu`, of a container that the pod does not have",
        ]
    );
}

#[test]
fn programs() {
    let containers = json!([
        {"name": "image", "image": "alpine"},
        {"name": "missing", "args": ["no-such-program"]},
        {"name": "absolute", "command": ["/no/such/program"]},
        {"name": "by-path", "command": ["sh"], "env": [{"name": "PATH", "value": "/nowhere"}]},
        {"name": "expanded", "command": ["$(P)"], "env": [{"name": "P", "value": "no-such-either"}]},
        {"name": "nul", "command": ["sh", "a\0b"]},
        {"name": "long", "command": ["sh", "x".repeat(131_072)]},
    ]);
    assert_eq!(
        refused(&pod(&containers, &json!({}))),
        [
            "container `image` has neither command nor args: its program is in the image",
            "program `no-such-program` of container `missing` is not on this machine",
            "program `/no/such/program` of container `absolute` is not on this machine",
            "program `sh` of container `by-path` is not on this machine",
            "program `$(P)` of container `expanded` is not on this machine",
            "argument 1 of container `nul` holds a NUL byte, which no process can be given there",
            "argument 1 of container `long` is too long: it takes 131072 bytes, name included, and the kernel's limit is 131071",
        ]
    );
}

#[test]
fn env_vars_that_no_process_can_have() {
    let from = |key: &str| json!({"secretKeyRef": {"name": "s", "key": key}});
    let env = json!([
        {"name": "", "value": "x"},
        {"name": "A=B", "value": "x"},
        {"name": "NUL", "valueFrom": from("nul")},
        {"name": "BYTES", "valueFrom": from("bytes")},
        {"name": "LONG", "valueFrom": from("long")},
        {"name": "TWICE", "value": "$(LONG)x"},
        {"name": "FITS", "valueFrom": from("fits")},
    ]);
    let secrets = Secrets::default()
        .with("s", "nul", "hunter\0two")
        .with("s", "bytes", b"hunter\xff".to_vec())
        .with("s", "long", "x".repeat(131_071 - 4))
        .with("s", "fits", "x".repeat(131_071 - 5));
    let found = problems(&one("true", &json!({"env": env})), &secrets);
    let unfit =
        |what: &str, unfit| Problem::Unfit { container: "main".into(), what: format!("env var `{what}`"), unfit };
    assert_eq!(
        found,
        [
            unfit("", Unfit::Name),
            unfit("A=B", Unfit::Name),
            unfit("BYTES", Unfit::NotUtf8),
            unfit("LONG", Unfit::TooLong { length: 131_072 }),
            unfit("NUL", Unfit::Nul),
            unfit("TWICE", Unfit::TooLong { length: 131_074 }),
        ]
    );
    let text: String = found.iter().map(Problem::to_string).collect();
    assert!(text.contains("131071") && text.contains("NUL byte") && text.contains("1.34 to 1.36"), "{text}");
    assert!(!text.contains("hunter"), "{text}");
}

#[test]
fn sources() {
    let env = json!([
        {"name": "A", "valueFrom": {}},
        {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "status.phase"}}},
        {"name": "C", "valueFrom": {"resourceFieldRef": {"resource": "limits.gpu"}}},
        {"name": "D", "valueFrom": {"configMapKeyRef": {"name": "m", "key": "k"}}},
        {"name": "E", "valueFrom": {"fileKeyRef": {"volumeName": "none", "path": "p", "key": "k"}}},
        {"name": "F", "valueFrom": {"fileKeyRef": {"volumeName": "files", "path": "p", "key": "k"}}},
        {"name": "G", "valueFrom": {"fileKeyRef": {"volumeName": "memory", "path": "../p", "key": "k"}}},
        {"name": "H", "valueFrom": {"fileKeyRef": {"volumeName": "memory", "path": "p", "key": ""}}},
    ]);
    let volumes = json!([{"name": "files", "secret": {"secretName": "s", "optional": true}}, {"name": "memory", "emptyDir": {"medium": "Memory"}}]);
    let container = sh("main", "true", &json!({"env": env, "envFrom": [{"configMapRef": {"name": "n"}}, {}]}));
    assert_eq!(
        refused(&pod(&json!([container]), &json!({"volumes": volumes}))),
        [
            "ConfigMap `n` for `envFrom` of container `main` can't be given: there is no cluster to read it from",
            "`envFrom` of container `main` names no source that is known",
            "env var `A` of container `main` names no source that is known",
            "env var `B` of container `main` refers to `status.phase`, which is no field of a pod that can be had there",
            "env var `C` of container `main` refers to `limits.gpu`, which is no resource of a container",
            "ConfigMap `m` for env var `D` of container `main` can't be given: there is no cluster to read it from",
            "container `main` names volume `none`, which is no emptyDir: `fileKeyRef` reads from nothing else",
            "container `main` names volume `files`, which is no emptyDir: `fileKeyRef` reads from nothing else",
            "container `main` names volume `memory`, with a `fileKeyRef` path that is no path in it",
            "container `main` names volume `memory`, with a `fileKeyRef` that has no key",
        ]
    );
}

#[test]
fn names() {
    assert_eq!(refused(&json!({})), ["pod has no containers"]);
    let containers = json!([
        sh("a", "true", &json!({})),
        sh("a", "true", &json!({})),
        sh("../b", "true", &json!({})),
        sh("", "true", &json!({}))
    ]);
    assert_eq!(
        refused(&pod(&containers, &json!({"volumes": [{"name": ".."}, {"name": "a"}]}))),
        [
            "container name `a` is given twice",
            "container name `../b` is no name that Kubernetes would take",
            "container name `` is no name that Kubernetes would take",
            "volume name `..` is no name that Kubernetes would take",
        ]
    );
    let pod = one("true", &json!({}));
    let mut options = crate::support::options(std::path::Path::new("/nowhere"));
    options.builtin = Some(runner::Builtin::new("fetch", |_| Ok(())));
    let refusal = runner::prepare(&crate::support::read(&pod), &Secrets::default(), options).err().unwrap();
    assert_eq!(refusal.to_string(), "pod can't be run here: pod has no init container `fetch`");
}

//! The laptop and the cluster are the same: what `explain` says a container will see is what it sees in `run`.

use crate::support::{Place, pod};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What the secrets' root is in a cluster.
const ROOT: &str = "/etc/flyte/secrets";

/// Prints, from inside, every variable and every file of the secrets' folder.
const LOOK: &str = "\
import json, os
root = os.environ.get('FLYTE_SECRETS_DEFAULT_DIR', '')
files = [os.path.join(d, f) for d, _, fs in os.walk(root) for f in fs] if root else []
print(json.dumps({'env': dict(os.environ), 'files': [f[len(root):] for f in files if '/..' not in f]}))
";

struct Inside {
    env: BTreeMap<String, String>,
    files: BTreeSet<String>,
}

/// The secrets that are asked for, as `[group, key]`, and the pod's containers.
fn compare(secrets: &str, given: &[[&str; 2]], config: &str) {
    let look = serde_json::to_string(LOOK).unwrap();
    let spec = format!(
        "initContainers:\n- {{name: before, command: [python3, -c, {look}]}}\ncontainers:\n\
         - {{name: main, command: [python3, -c, {look}], env: [{{name: OWN, value: mine}}]}}\n\
         - {{name: istio-proxy, command: [python3, -c, {look}]}}\n"
    );
    let place = Place::new().with("pod.yaml", pod(secrets, &spec)).with("c.yaml", config);
    let of_the_host = of_the_host();
    let cluster = place.keybearer(&["explain", "pod.yaml", "--config", "c.yaml", "--output", "json"]).code(0).json();

    let values: Vec<String> =
        given.iter().map(|[group, key]| format!("{group}/{key}=value of {group} {key}")).collect();
    let mut args = vec!["pod.yaml", "--config", "c.yaml", "--output", "json", "--no-mask"];
    args.extend(values.iter().flat_map(|value| ["--secret", value.as_str()]));
    let said = place.run(&args).code(0);
    let laptop: Value = serde_json::from_str(said.stderr.lines().find(|line| line.starts_with('{')).unwrap()).unwrap();
    let only_here: BTreeSet<&str> = laptop["secrets"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|secret| secret["env"].as_array().unwrap())
        .filter(|variable| variable["in_cluster"] == false)
        .map(|variable| variable["name"].as_str().unwrap())
        .collect();

    for container in cluster["containers"].as_array().unwrap() {
        let name = container["name"].as_str().unwrap();
        let inside = inside(&said.stdout, name);
        let names: BTreeSet<&str> = inside
            .env
            .keys()
            .map(String::as_str)
            .filter(|name| !of_the_host.contains(*name) && *name != "OWN")
            .collect();
        let mut wanted: BTreeSet<&str> =
            container["env"].as_array().unwrap().iter().map(|variable| variable["name"].as_str().unwrap()).collect();
        if container["gets_secrets"] == true {
            wanted.extend(&only_here);
        }
        assert_eq!(names, wanted, "{name}: {secrets} {config}");
        let files: BTreeSet<String> = container["files"].as_array().unwrap().iter().map(below_root).collect();
        assert_eq!(inside.files, files, "{name}: {secrets} {config}");
        let root = inside.env.get("FLYTE_SECRETS_DEFAULT_DIR");
        for variable in container["env"].as_array().unwrap() {
            let (name, seen) = (variable["name"].as_str().unwrap(), &inside.env[variable["name"].as_str().unwrap()]);
            // Text is the same, and a path follows the folder; a reference has the secret's value.
            match variable.get("value").and_then(Value::as_str) {
                Some(path) if path.starts_with(ROOT) => {
                    assert_eq!(*seen, path.replacen(ROOT, root.unwrap(), 1), "{name}");
                }
                Some(text) => assert_eq!(seen, text, "{name}"),
                None => {
                    let reference = &variable["valueFrom"]["secretKeyRef"];
                    let (group, key) = (reference["name"].as_str().unwrap(), reference["key"].as_str().unwrap());
                    assert_eq!(*seen, format!("value of {group} {key}"), "{name}");
                }
            }
        }
    }
}

/// What a container sees where no secret was asked for: what the host passes on, and what a Python sets up for itself.
fn of_the_host() -> BTreeSet<String> {
    let look = serde_json::to_string(LOOK).unwrap();
    let spec = format!(
        "containers:\n- {{name: main, command: [python3, -c, {look}]}}\n- {{name: other, command: [\"true\"]}}"
    );
    let place = Place::new().with("pod.yaml", pod("[]", &spec));
    let names: BTreeSet<String> = inside(&place.run(&["pod.yaml"]).code(0).stdout, "main").env.into_keys().collect();
    assert!(!names.iter().any(|name| name.starts_with("FLYTE_") || name.starts_with("_FSEC_")), "{names:?}");
    names
}

fn below_root(path: &Value) -> String {
    path.as_str().unwrap().strip_prefix(ROOT).unwrap().to_owned()
}

fn inside(stdout: &str, container: &str) -> Inside {
    let mut lines = stdout.lines().filter_map(|line| line.split_once(" | "));
    let (_, text) = lines.find(|(name, _)| name.trim_end() == container).unwrap();
    let seen: Value = serde_json::from_str(text).unwrap();
    let env = seen["env"].as_object().unwrap().iter();
    let files = seen["files"].as_array().unwrap().iter();
    Inside {
        env: env.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect(),
        files: files.map(|file| file.as_str().unwrap().to_owned()).collect(),
    }
}

const KEYBEARER: &str = "compat: keybearer";
const FLYTE_V1: &str = "compat: flyte-v1";
const FLYTE_V2: &str = "compat: flyte-v2\nwebhook: {secretManagerType: K8s}";

#[test]
fn each_mount_in_each_dialect() {
    for config in [KEYBEARER, FLYTE_V1, FLYTE_V2] {
        for mount in ["any", "env", "file"] {
            compare(
                &format!("[{{group: user-info, key: user_secret, mount: {mount}}}]"),
                &[["user-info", "user_secret"]],
                config,
            );
        }
    }
}

#[test]
fn env_vars_spellings_and_versions() {
    let given = [["db", "Password"], ["api", "token"], ["api", "cert"]];
    for config in [KEYBEARER, FLYTE_V1, FLYTE_V2] {
        compare(
            "[{group: db, key: Password, mount: file, env_var: DB}, {group: api, key: token, mount: env, env_var: TOKEN}, \
             {group: api, key: cert, mount: any}]",
            &given,
            config,
        );
    }
}

#[test]
fn versions() {
    let asked = "[{group: db, group_version: v1, key: Password, mount: file}]";
    for config in ["compat: keybearer\nversionedName: '{group}-{version}'", FLYTE_V1, FLYTE_V2] {
        compare(asked, &[["db", "Password"]], config);
    }
}

#[test]
fn a_prefix_of_ones_own_and_containers_left_out() {
    compare(
        "[{group: a, key: b, mount: env}, {group: a, key: c, mount: file}]",
        &[["a", "b"], ["a", "c"]],
        "compat: keybearer\nwebhook: {secretEnvVarPrefix: MY_}\ntargets: {exclude: [main]}",
    );
}

#[test]
fn no_secrets_at_all() {
    for config in [KEYBEARER, FLYTE_V1, FLYTE_V2] {
        compare("[]", &[], config);
    }
}

//! Generated pods and secrets in every dialect: no panic, and everything of [`crate::oracle`] holds; also after other
//! admission plugins have had their turn on our pod.

use admission::{Config, Globals};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use secret::{Mount, Secret};
use serde_json::{Map, Value, json};

use crate::admit::{Outcome, config, create, create_unchecked, review};
use crate::api_server::violations;
use crate::ask;
use crate::oracle::our_faults;

/// Names that meet: in case, in where a part ends, in what Flyte makes of them.
const GROUPS: [&str; 9] = ["user-info", "my_secret", "MY_SECRET", "a", "a_b", "db", "hf", "x.y.z", ""];
const KEYS: [&str; 9] = ["token", "TOKEN", "b_c", "c", "key", "id.rsa", "..data", "a/b", ""];
const VERSIONS: [&str; 4] = ["", "", "v2", "latest"];
const VARS: [&str; 8] = ["", "", "", "MY_TOKEN", "PATH", "FLYTE_SECRETS_ENV_PREFIX", "A=B", "with-dash"];
const USER_VARS: [&str; 7] = ["A", "B", "HOME", "MY_TOKEN", "_FSEC_A_B_C", "_UNION_A_B_C", "FLYTE_SECRETS_DEFAULT_DIR"];

fn any_secret() -> impl Strategy<Value = Secret> {
    let part = |known: &'static [&'static str]| prop_oneof![9 => select(known).prop_map(str::to_owned), 1 => "\\PC{0,60}", 1 => "[a-z./ -]{0,300}"];
    let mount = prop_oneof![4 => Just(Mount::Any), 4 => Just(Mount::EnvVar), 4 => Just(Mount::File), 1 => Just(Mount::Other(7))];
    (part(&GROUPS), select(&VERSIONS[..]), part(&KEYS), mount, select(&VARS[..])).prop_map(
        |(group, version, key, mount, var)| Secret {
            group,
            group_version: version.into(),
            key,
            mount,
            env_var: var.into(),
        },
    )
}

/// Mostly what some dialect can give, so that most pods come through.
fn any_secrets() -> impl Strategy<Value = Vec<Secret>> {
    prop_oneof![2 => vec(good_secret(), 1..5), 1 => vec(fair_secret(), 1..4), 1 => vec(any_secret(), 1..4)]
}

/// A secret that Flyte's dialects can give.
fn fair_secret() -> impl Strategy<Value = Secret> {
    let names = (select(&GROUPS[..8]), select(&VERSIONS[..]), select(&KEYS[..6]), select(&VARS[..6]));
    let mount = select(&[Mount::Any, Mount::EnvVar, Mount::File][..]);
    (names, mount).prop_map(|((group, version, key, var), mount)| Secret {
        group_version: version.into(),
        env_var: var.into(),
        ..ask::secret(group, key, mount)
    })
}

/// A secret that every dialect can give.
fn good_secret() -> impl Strategy<Value = Secret> {
    let mount = select(&[Mount::Any, Mount::EnvVar, Mount::File][..]);
    (select(&["user-info", "a", "db", "x.y.z"][..]), select(&["token", "b_c", "id.rsa", "KEY"][..]), mount)
        .prop_map(|(group, key, mount)| ask::secret(group, key, mount))
}

fn volume() -> impl Strategy<Value = Value> {
    let names = select(&["vol0", "vol1", "mfpq", "mfpwexy", "keybearer-secrets", "ovzwk3rnnfxgm216"][..]);
    let source = prop_oneof![
        2 => Just(json!({"emptyDir": {}})),
        1 => Just(json!({"configMap": {"name": "cm"}})),
        1 => (select(&GROUPS[..8]), select(&KEYS[..6])).prop_map(|(name, key)| json!({"secret": {"secretName": name, "items": [{"key": key, "path": key.to_lowercase()}]}})),
        1 => select(&GROUPS[..8]).prop_map(|name| json!({"secret": {"secretName": name, "defaultMode": 420, "optional": true}})),
    ];
    (names, source).prop_map(|(name, mut volume)| {
        volume["name"] = json!(name);
        volume
    })
}

fn container(prefix: &'static str, n: usize) -> impl Strategy<Value = Value> {
    let var = (select(&USER_VARS[..]), 0..3).prop_map(|(name, kind)| match kind {
        0 => json!({"name": name, "value": "user $(A)"}),
        1 => json!({"name": name, "valueFrom": {"configMapKeyRef": {"name": "cm", "key": "k"}}}),
        _ => json!({"name": name}),
    });
    let mount = (
        select(&["vol0", "vol1", "mfpq", "gone"][..]),
        select(&["/mnt/x", "/etc/flyte/secrets", "/etc/flyte/secrets/a", "/y"][..]),
    )
        .prop_map(|(name, path)| json!({"name": name, "mountPath": path}));
    let env = prop_oneof![6 => vec(var, 0..5).prop_map(Value::Array), 1 => Just(Value::Null)];
    let mounts = prop_oneof![6 => vec(mount, 0..3).prop_map(Value::Array), 1 => Just(Value::Null)];
    (option::of(env), option::weighted(0.3, mounts), any::<bool>()).prop_map(move |(env, mounts, unknown)| {
        let mut container = json!({"name": format!("{prefix}{n}"), "image": "i"});
        let fields =
            [("env", env), ("volumeMounts", mounts), ("futureField", unknown.then(|| json!({"x": [null, 1]})))];
        for (field, value) in fields {
            if let Some(value) = value {
                container[field] = value;
            }
        }
        container
    })
}

fn containers(prefix: &'static str, at_least: usize) -> impl Strategy<Value = Vec<Value>> {
    (at_least..4).prop_flat_map(move |count| (0..count).map(|n| container(prefix, n)).collect::<Vec<_>>())
}

fn spec() -> impl Strategy<Value = Value> {
    let init = prop_oneof![3 => containers("init", 0).prop_map(Value::Array), 1 => Just(Value::Null)];
    let volumes = prop_oneof![5 => vec(volume(), 0..4).prop_map(Value::Array), 1 => Just(Value::Null)];
    (containers("c", 1), option::of(init), option::of(volumes)).prop_map(|(containers, init, volumes)| {
        let mut spec = Map::from_iter([
            ("containers".to_owned(), Value::Array(containers)),
            ("restartPolicy".to_owned(), json!("Never")),
        ]);
        spec.extend(init.map(|init| ("initContainers".to_owned(), init)));
        spec.extend(volumes.map(|volumes| ("volumes".to_owned(), volumes)));
        Value::Object(spec)
    })
}

fn dialect() -> impl Strategy<Value = &'static str> {
    select(&["keybearer", "flyte-v1", "flyte-v2"][..])
}

fn k8s(dialect: &str) -> Config {
    config(dialect, json!({"webhook": {"secretManagerType": "K8s"}}))
}

/// Global secrets for some of the names; our own dialect has no way to give them yet.
fn globals(dialect: &str, some: bool) -> Globals {
    let found = some && dialect != "keybearer";
    let env = [("FLYTE_SECRET_A_B_C", "$HOME $$ $(A)"), ("FLYTE_SECRET_DB_TOKEN", "")]
        .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
    let files = [("hf/key", "multi\nline\n")].map(|(path, value)| (path.to_owned(), value.as_bytes().to_vec()));
    Globals::new(env.into_iter().filter(|_| found), files.into_iter().filter(|_| found))
}

/// Every container and init container of a pod.
fn all_containers(pod: &Value) -> impl Iterator<Item = &Value> {
    ["containers", "initContainers"].into_iter().flat_map(|kind| pod["spec"][kind].as_array().into_iter().flatten())
}

/// Whether every container is told where its secrets are.
fn told(pod: &Value) -> bool {
    all_containers(pod).all(|container| container["env"].to_string().contains(r#""FLYTE_SECRETS_"#))
}

/// What other plugins do to a pod between two calls: defaults, a variable in front, an init container, a token's mount.
fn edited_by_others(pod: &Value) -> Value {
    let mut pod = pod.clone();
    let spec = pod["spec"].as_object_mut().unwrap();
    for volume in spec.get_mut("volumes").and_then(Value::as_array_mut).into_iter().flatten() {
        for kind in ["secret", "projected", "configMap"] {
            if let Some(source) = volume.get_mut(kind).and_then(Value::as_object_mut) {
                source.entry("defaultMode").or_insert(json!(420));
            }
        }
    }
    if !spec.get("initContainers").is_some_and(Value::is_array) {
        spec.insert("initContainers".into(), json!([]));
    }
    spec["initContainers"].as_array_mut().unwrap().push(json!({"name": "mesh-init", "image": "mesh"}));
    for kind in ["containers", "initContainers"] {
        for container in spec[kind].as_array_mut().unwrap() {
            for (field, what, front) in [
                ("env", json!({"name": "MESH", "value": "1"}), true),
                (
                    "volumeMounts",
                    json!({"name": "kube-api-access-x", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": true}),
                    false,
                ),
            ] {
                if !container[field].is_array() {
                    container[field] = json!([]);
                }
                let list = container[field].as_array_mut().unwrap();
                list.insert(if front { 0 } else { list.len() }, what);
            }
            container["terminationMessagePolicy"] = json!("File");
        }
    }
    if !spec.get("volumes").is_some_and(Value::is_array) {
        spec.insert("volumes".into(), json!([]));
    }
    spec["volumes"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "kube-api-access-x", "projected": {"defaultMode": 420, "sources": []}}));
    pod
}

fn assert_whole(before: &Value, outcome: &Outcome) {
    assert!(outcome.allowed, "{}", outcome.message);
    assert!(told(&outcome.pod), "admitted without its secrets: {}", outcome.pod);
    if let Some(fault) = our_faults(before, &outcome.pod).first() {
        panic!("{fault}\nbefore {before}\nafter {}", outcome.pod);
    }
}

proptest! {
    // More of them with PROPTEST_CASES.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_asked_is_given_whole_or_refused(
        spec in spec(), secrets in any_secrets(), name in dialect(), some in any::<bool>(),
    ) {
        let (config, globals) = (k8s(name), globals(name, some));
        let pod = ask::pod(&spec, &secrets);
        let outcome = create(&pod, &config, &globals);
        if outcome.allowed {
            assert_whole(&pod, &outcome);
        }
        let bytes = |_| admission::review::answer(review(&pod).to_string().as_bytes(), &config, &globals).body;
        prop_assert_eq!(bytes(1), bytes(2), "same input, same bytes");
    }

    #[test]
    fn a_good_pod_is_never_refused(secrets in vec(good_secret(), 1..5), name in dialect()) {
        // Distinct, or our own dialect would rightly complain of two secrets in one place.
        let mut secrets = secrets;
        secrets.dedup();
        let spec = json!({"containers": [{"name": "c", "image": "i", "env": [{"name": "A", "value": "1"}]}, {"name": "d", "image": "i"}]});
        let pod = ask::pod(&spec, &secrets);
        let outcome = create(&pod, &k8s(name), &globals("", false));
        assert_whole(&pod, &outcome);
        prop_assert!(violations(&outcome.pod).is_empty());
    }

    #[test]
    fn other_plugins_do_no_harm(
        spec in spec(), secrets in any_secrets(), name in dialect(), some in any::<bool>(),
    ) {
        let (config, globals) = (k8s(name), globals(name, some));
        let first = create_unchecked(&ask::pod(&spec, &secrets), &config, &globals);
        if !first.allowed {
            return Ok(());
        }
        let edited = edited_by_others(&first.pod);
        let second = create(&edited, &config, &globals);
        assert_whole(&edited, &second);
        let ours = |pod: &Value| all_containers(pod).map(|c| c["env"].to_string().matches(r#""FLYTE_SECRETS_"#).count()).collect::<Vec<_>>();
        let (one, two) = (ours(&first.pod), ours(&second.pod));
        prop_assert_eq!(&one[..], &two[..one.len()], "nothing twice");
    }

    #[test]
    fn what_we_refuse_is_a_warning_in_flytes_dialects(
        spec in spec(), secrets in any_secrets(), flyte in select(&["flyte-v1", "flyte-v2"][..]),
    ) {
        let pod = ask::pod(&spec, &secrets);
        let ours = create_unchecked(&pod, &k8s("keybearer"), &globals("", false));
        // With one prefix, or names would meet in one dialect and not in the other.
        let one_prefix = json!({"webhook": {"secretManagerType": "K8s", "secretEnvVarPrefix": "_FSEC_"}});
        let theirs = create_unchecked(&pod, &config(flyte, one_prefix), &globals("", false));
        // Flyte v2's SDK never sends a group, and its dialect has a rule for that.
        let usual = flyte == "flyte-v2" && secrets.iter().any(|secret| secret.group.is_empty());
        // For variables alone Flyte does not say where files are, so that nothing is in its way; nor is the mount that it
        // would make itself.
        let idle = ours.message.contains("`FLYTE_SECRETS_DEFAULT_DIR`") && secrets.iter().all(|secret| secret.mount == Mount::EnvVar)
            || ours.message.contains("`mfpq` at `/etc/flyte/secrets/a`");
        if !ours.allowed && theirs.allowed && !usual && !idle {
            prop_assert!(!theirs.warnings.is_empty(), "{}", ours.message);
        }
    }

    #[test]
    fn any_bytes_are_answered(bytes in vec(any::<u8>(), 0..200), name in dialect()) {
        let _ = crate::admit::send(&bytes, &k8s(name), &globals("", false));
    }

    #[test]
    fn any_annotation_is_answered(
        raw in "\\PC{0,60}", text in "[a-z_: \"\\\\0-9\n;,#<>\\[\\]]{0,80}", readable in "[a-z:{}\\[\\]&*! \n-]{0,60}", name in dialect(),
    ) {
        for annotations in [
            json!({"flyte.secrets/s0": raw}),
            json!({"flyte.secrets/s0": ask::base32(&text)}),
            json!({"keybearer.dev/secrets": raw}),
            json!({"keybearer.dev/secrets": readable}),
        ] {
            create(&ask::annotated(&ask::plain(), &annotations), &k8s(name), &globals("", false));
        }
    }
}

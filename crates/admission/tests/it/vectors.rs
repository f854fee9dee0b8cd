//! Flyte's own unit tests of the managers, Embedded apart, end to end: annotation in, pod out.

use admission::{Config, Globals};
use secret::{Mount, Secret};
use serde_json::{Map, Value, json};

use crate::admit::{Outcome, config, create, no_globals};
use crate::api_server::is_label;
use crate::ask;
use crate::cases::vectors;
use crate::compare::is_uuid;
use crate::oracle::our_faults;

/// Vectors in which Flyte's test puts a mock in place of the look-up: a value for a secret without a group. The real look-up
/// refuses that before it looks (`both key and group are required parameters`), and so do we.
const MOCKED: [&str; 3] = ["global found, no group", "global found, FILE", "global not found"];

/// What our refusal must speak of, for the start of Flyte's error. v2 hides it from its users; we don't.
const CAUSES: [(&str, &str); 13] = [
    ("k8s Secrets Webhook require both key and group to be set", "group"),
    ("k8s Secrets Webhook require key to be set", "key"),
    ("mounting a secret to env var requires selecting the secret and a single key", "group"),
    ("global secrets can only be injected as environment variables", "group"),
    ("secret not found", "group"),
    ("unrecognized mount requirement [7]", "7"),
    ("AWS Secrets Webhook require both key and group to be set", "AWS: needs both key and group"),
    ("GCP Secrets Webhook require both group and group version to be set", "GCP: needs both group and group version"),
    ("azure Secrets Webhook require both group and group version to be set", "Azure: needs a group"),
    ("vault Secrets Webhook requires both key and group to be set", "Vault: needs both key and group"),
    ("Vault Secrets Webhook requires both key and group to be set", "Vault: needs both key and group"),
    ("Env_Var is not a supported mount requirement for Vault", "Vault: can't give environment variables"),
    ("unrecognized mount requirement [ENV_VAR]", "can't give environment variables"),
];

/// The versions that a vector is about.
fn versions(vector: &Value) -> Vec<&str> {
    match vector["version"].as_str().unwrap_or("both") {
        "both" => vec!["v1", "v2"],
        one => vec![one],
    }
}

fn configured(version: &str, manager: &str) -> Config {
    config(&format!("flyte-{version}"), json!({"webhook": {"secretManagerType": manager}}))
}

/// A look-up that finds the vector's value as a file, which is the only way that can say what the mock says.
fn provider(vector: &Value, secret: &Secret) -> Globals {
    let value = vector["provider_value"].as_str();
    let file = value.map(|value| (format!("{}/{}", secret.group, secret.key), value.as_bytes().to_vec()));
    Globals::new(None::<(String, Vec<u8>)>, file)
}

/// The configuration of a vector: its manager, and Vault's settings where it has some.
fn configured_by(vector: &Value, version: &str) -> Config {
    let mut webhook = json!({"secretManagerType": vector["manager"]});
    if let Some(settings) = vector.get("config").filter(|_| vector["manager"] == "Vault") {
        webhook["vaultSecretManager"] = settings.clone();
    }
    config(&format!("flyte-{version}"), json!({"webhook": webhook}))
}

/// The pod without what the test itself put into it, and without empty lists, which mean nothing. UUIDs have the name that
/// the vectors give them.
fn comparable(pod: &Value) -> Value {
    let mut spec = pod["spec"].clone();
    without_empty_lists(&mut spec);
    let annotations = pod["metadata"]["annotations"].as_object().into_iter().flatten();
    let annotations: Map<String, Value> = annotations
        .filter(|(name, _)| !name.starts_with("flyte.secrets/"))
        .map(|(name, value)| {
            let named = name.split_at_checked(name.len().saturating_sub(36)).filter(|(_, id)| is_uuid(id));
            (named.map_or_else(|| name.clone(), |(start, _)| format!("{start}<UUID>")), value.clone())
        })
        .collect();
    json!({"annotations": annotations, "spec": spec})
}

fn without_empty_lists(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.as_array().is_some_and(Vec::is_empty));
            fields.values_mut().for_each(without_empty_lists);
        }
        Value::Array(items) => items.iter_mut().for_each(without_empty_lists),
        _ => {}
    }
}

fn assert_refused(outcome: &Outcome, version: &str, cause: &str, at: &str) {
    assert!(!outcome.allowed, "{at}");
    assert_eq!(outcome.code, if version == "v2" { 400 } else { 403 }, "{at}");
    assert!(outcome.message.contains(cause), "{at}: `{}` says nothing of {cause}", outcome.message);
}

#[test]
fn the_managers_make_flytes_pods() {
    let mut seen = 0;
    for vector in vectors()["inject"].as_array().unwrap() {
        let manager = vector["manager"].as_str().unwrap();
        if manager == "Embedded" || vector["flyte_bug"] == true {
            continue;
        }
        let secret = ask::of_vector(&vector["secret"]);
        for version in versions(vector) {
            let at = format!("{} {version}", vector["name"]);
            let mut before = ask::pod(&vector["pod_in"]["spec"], std::slice::from_ref(&secret));
            let own = vector["pod_in"]["metadata"]["annotations"].as_object().cloned();
            before["metadata"]["annotations"].as_object_mut().unwrap().extend(own.unwrap_or_default());
            let outcome = create(&before, &configured_by(vector, version), &provider(vector, &secret));
            let expect = &vector["expect"];
            seen += 1;
            if expect["injected"] == true {
                assert!(outcome.allowed, "{at}: {}", outcome.message);
                assert_eq!(comparable(&outcome.pod), comparable(&expect["pod"]), "{at}");
                continue;
            }
            let error = expect["error_prefix"].as_str().or(expect["error"].as_str()).unwrap();
            let (_, cause) =
                CAUSES.iter().find(|(start, _)| error.starts_with(start)).unwrap_or_else(|| panic!("{error}"));
            assert_refused(&outcome, version, cause, &at);
        }
    }
    assert_eq!(seen, 64, "vectors in scope, those of both versions counted twice");
}

#[test]
fn what_only_a_mock_can_do_is_named() {
    let all = vectors();
    for name in MOCKED {
        let mut named = all["inject"].as_array().unwrap().iter().filter(|vector| vector["name"] == name);
        assert!(named.all(|vector| vector["secret"].get("group").is_none()), "{name}: only without a group");
    }
}

#[test]
fn with_a_group_the_mocked_vectors_are_flytes_too() {
    let secret = ask::secret("group", "hello", Mount::File);
    let found = || Globals::new(None::<(String, Vec<u8>)>, [("group/hello".to_owned(), b"my_password".to_vec())]);
    for version in ["v1", "v2"] {
        let before = ask::pod(&ask::plain(), std::slice::from_ref(&secret));
        let outcome = create(&before, &configured(version, "Global"), &found());
        assert_refused(&outcome, version, "group/hello", version);
        assert!(outcome.message.contains("only be injected as environment variables"), "{}", outcome.message);
        let missing = create(&before, &configured(version, "Global"), &no_globals());
        assert_refused(&missing, version, "group/hello", version);
        assert!(missing.message.contains("FLYTE_SECRET_GROUP_HELLO"), "says where it looked: {}", missing.message);
    }
}

#[test]
fn a_value_in_the_environment_is_found_before_a_file() {
    let secret = ask::secret("group", "hello", Mount::Any);
    let globals = Globals::new(
        [("FLYTE_SECRET_GROUP_HELLO".to_owned(), b"from the environment".to_vec())],
        [("group/hello".to_owned(), b"from a file".to_vec())],
    );
    let outcome = create(&ask::pod(&ask::plain(), &[secret]), &configured("v2", "K8s"), &globals);
    assert_eq!(
        outcome.pod["spec"]["containers"][0]["env"][0],
        json!({"name": "_UNION_GROUP_HELLO", "value": "from the environment"})
    );
}

#[test]
fn the_broken_mount_is_not_copied() {
    let all = vectors();
    let bugs: Vec<_> =
        all["inject"].as_array().unwrap().iter().filter(|v| v["flyte_bug"] == true && v["manager"] == "K8s").collect();
    assert_eq!(bugs.len(), 1);
    for vector in bugs {
        let before = ask::pod(&vector["pod_in"]["spec"], &[ask::of_vector(&vector["secret"])]);
        let outcome = create(&before, &configured("v2", "K8s"), &no_globals());
        assert!(outcome.allowed, "{}", outcome.message);
        assert_eq!(our_faults(&before, &outcome.pod).first(), None, "{}", outcome.pod);
        assert!(outcome.pod["spec"]["volumes"].to_string().contains(r#""key":"b""#), "{}", outcome.pod);
    }
}

#[test]
fn pods_are_mutated_as_flyte_does() {
    let mut seen = 0;
    for vector in vectors()["mutate"].as_array().unwrap() {
        let before = ask::annotated(&ask::plain(), &vector["pod_annotations"]);
        for version in ["v1", "v2"] {
            let outcome = create(&before, &configured(version, "K8s"), &no_globals());
            let at = format!("{} {version}", vector["name"]);
            seen += 1;
            if vector["pod_annotations"] == json!({}) {
                assert!(outcome.allowed && !outcome.patched, "{at}");
            } else {
                // The second vector's key isn't UTF-8, the third can't be decoded; v1 would let both pass unpatched.
                assert_refused(&outcome, version, "flyte.secrets/s0", &at);
            }
        }
    }
    assert_eq!(seen, 6);
}

#[test]
fn variables_are_set_as_flyte_does() {
    for vector in vectors()["helpers"].as_array().unwrap().iter().filter(|vector| vector["fn"] == "AppendEnvVars") {
        let version = vector["version"].as_str().unwrap();
        let name = vector["add"]["name"].as_str().unwrap();
        let asked = Secret { env_var: name.into(), ..ask::secret("g", "k", Mount::EnvVar) };
        let spec = json!({"containers": [{"name": "c", "image": "i", "env": vector["env"]}]});
        let outcome = create(&ask::pod(&spec, &[asked]), &configured(version, "K8s"), &no_globals());
        let env = outcome.pod["spec"]["containers"][0]["env"].as_array().unwrap();
        let named: Vec<_> = env.iter().filter(|var| var["name"] == name).collect();
        assert_eq!(named.len(), 1, "{version}");
        let kept = vector["want"][0]["value"] == vector["env"][0]["value"];
        assert_eq!(named[0].get("valueFrom").is_none(), kept, "{version}: {}", named[0]);
    }
}

/// The helper merges by the Secret's name alone. Where the volume is not the one that Flyte would mount, the mount is
/// broken, and we add a volume of our own (`broken-mount-repaired`).
#[test]
fn volumes_are_merged_where_flytes_mount_works() {
    let all = vectors();
    let vector = all["helpers"]
        .as_array()
        .unwrap()
        .iter()
        .find(|v| v["fn"] == "AppendVolume" && v["add"].get("secret").is_some())
        .unwrap();
    let items = |volume: &Value| {
        volume["secret"]["items"].as_array().unwrap().iter().map(|item| item["key"].clone()).collect::<Vec<_>>()
    };
    let asked = ask::secret("foo", "newKey", Mount::File);
    for (name, merged) in [(ask::base32("foo_"), true), ("existing".to_owned(), false)] {
        let mut existing = vector["volumes"][0].clone();
        existing["name"] = json!(name);
        existing["secret"]["items"][0]["path"] = json!("existingkey");
        let spec = json!({"containers": [{"name": "c", "image": "i"}], "volumes": [existing]});
        let before = ask::pod(&spec, std::slice::from_ref(&asked));
        for version in ["v1", "v2"] {
            let outcome = create(&before, &configured(version, "K8s"), &no_globals());
            let volumes = outcome.pod["spec"]["volumes"].as_array().unwrap();
            if merged {
                assert_eq!(volumes.len(), 1);
                assert_eq!(items(&volumes[0]), items(&vector["want"][0]));
            } else {
                assert_eq!((volumes.len(), &volumes[0]), (2, &existing));
                assert_eq!(items(&volumes[1]), items(&vector["add"]));
            }
            assert_eq!(our_faults(&before, &outcome.pod).first(), None, "{version} {name}");
        }
    }
}

#[test]
fn volumes_are_named_as_flyte_names_them_if_that_is_a_name() {
    for vector in vectors()["k8s_volume_names"].as_array().unwrap() {
        let fields = Map::from_iter(
            [("group", "group"), ("group_version", "group_version")]
                .map(|(to, from)| (to.to_owned(), vector[from].clone())),
        );
        let asked = Secret { key: "k".into(), mount: Mount::File, ..ask::of_vector(&Value::Object(fields)) };
        for version in ["v1", "v2"] {
            let outcome = create(
                &ask::pod(&ask::plain(), std::slice::from_ref(&asked)),
                &configured(version, "K8s"),
                &no_globals(),
            );
            let name = outcome.pod["spec"]["volumes"][0]["name"].as_str().unwrap();
            assert_eq!(outcome.pod["spec"]["containers"][0]["volumeMounts"][0]["name"], name);
            if vector["dns_label_ok"] == true {
                assert_eq!(name, vector["volume_name"]);
            } else {
                assert!(is_label(name), "{name}");
            }
        }
    }
}

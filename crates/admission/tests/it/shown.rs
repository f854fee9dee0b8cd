//! Deviations that no observed case shows, each with the pod that shows it.

use proptest::prelude::*;
use secret::{Mount, Secret};
use serde_json::{Value, json};

use crate::admit::{Outcome, config, create, dialects, no_globals};
use crate::api_server::list;
use crate::ask::{self, plain, secret};
use crate::cases::{Case, observed};
use admission::Globals;

/// Name and reason, for `testdata/conformance.md`; the test of that name is below.
pub(crate) const SHOWN: &[(&str, &str)] = &[
    (
        "dollar-escaped",
        "the kubelet expands `$(NAME)` and halves `$$` in a literal value, and so changes a global secret or a path; ours is escaped, so that the task reads the exact value",
    ),
    ("not-utf8", "Flyte turns bytes that are no UTF-8 into U+FFFD, in names and in global values; we refuse them"),
    (
        "global-path-traversal",
        "Flyte joins group and key of a global secret to a path that can leave the folder of secrets; we find only what is in it",
    ),
    (
        "azure-name-formatted",
        "Flyte v2 takes an Azure secret's name for a format where it has a version, so that `a%20b` becomes another folder; ours is the name",
    ),
    (
        "vault-id-of-secret",
        "Flyte ties the annotations for Vault together by a random UUID, another one for each request; ours is made of the secret, so that the same pod gets the same annotations, and a secret that is asked for twice is fetched once",
    ),
    (
        "containers-added-once",
        "a second call of Flyte adds the vendors' init containers again; ours takes what is there for its own, by what it fetches",
    ),
    (
        "container-name-taken",
        "the pod has a container with the name of Flyte's, and the API server refuses Flyte's pod; ours has the next free number",
    ),
    (
        "mount-within-mount",
        "files of K8s beside those of AWS, GCP or Azure: Flyte mounts one volume within another that is read-only, and no container of the pod starts; we refuse it",
    ),
    (
        "no-options",
        "a group or version that starts with `-` is an option to `gcloud` or `az` in Flyte's pod; we refuse it",
    ),
    (
        "no-file-of-that-name",
        "a name over 255 bytes, or with a NUL, can't be a file's, and the container that Flyte adds fails; we refuse it",
    ),
    (
        "items-added-once",
        "Flyte adds an item again that is already in the volume, so that a second call changes the pod; ours takes what is there for its own",
    ),
    (
        "unknown-fields-kept",
        "Flyte's patch removes every field that its Kubernetes library doesn't know; ours touches nothing but what it adds",
    ),
];

fn flyte(version: &str, asked: &[Secret], globals: &Globals) -> Outcome {
    let config = config(&format!("flyte-{version}"), json!({"webhook": {"secretManagerType": "K8s"}}));
    create(&ask::pod(&plain(), asked), &config, globals)
}

fn file(path: &str, value: &[u8]) -> Globals {
    Globals::new(None::<(String, Vec<u8>)>, [(path.to_owned(), value.to_vec())])
}

fn value<'a>(outcome: &'a Outcome, name: &str) -> &'a str {
    let env = list(&outcome.pod["spec"]["containers"][0], "env");
    let var = env.iter().find(|var| var["name"] == name).unwrap_or_else(|| panic!("no {name}: {}", outcome.message));
    var["value"].as_str().unwrap()
}

/// What the kubelet makes of a literal value when no variable that it names is set: `$$` is `$`, the rest stays; and when
/// every one is: then `$(NAME)` is replaced too.
fn kubelet(value: &str, set: bool) -> String {
    let mut text = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('$') {
        text.push_str(before);
        rest = after;
        if let Some(after) = rest.strip_prefix('$') {
            text.push('$');
            rest = after;
        } else if let Some((name, after)) = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
            text.extend(if set { ["EXPANDED", "", ""] } else { ["$(", name, ")"] });
            rest = after;
        } else {
            text.push('$');
        }
    }
    text + rest
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn dollar_escaped(wanted in "[a$()]{0,12}|\\PC{0,20}", version in proptest::sample::select(&["v1", "v2"][..]), set in any::<bool>()) {
        let prefix = if version == "v1" { "_FSEC_" } else { "_UNION_" };
        let outcome = flyte(version, &[secret("g", "k", Mount::EnvVar)], &file("g/k", wanted.as_bytes()));
        prop_assert_eq!(kubelet(value(&outcome, &format!("{prefix}G_K")), set), wanted);
    }

    #[test]
    fn dollar_escaped_in_paths(part in "[a$()]{1,8}", version in proptest::sample::select(&["v1", "v2"][..])) {
        let asked = Secret { env_var: "WHERE".into(), ..secret(&part, "k", Mount::File) };
        let outcome = flyte(version, &[asked], &no_globals());
        prop_assert_eq!(kubelet(value(&outcome, "WHERE"), true), format!("/etc/flyte/secrets/{part}/k"));
    }
}

#[test]
fn not_utf8() {
    for text in [&b"group: \"g\\377\" key: \"k\""[..], b"group: \"g\" key: \"k\\xff\"", b"group: \"g\xff\" key: \"k\""]
    {
        for (name, config) in dialects() {
            let outcome = create(&ask::pod_of_texts(&plain(), &[text]), &config, &no_globals());
            assert!(!outcome.allowed, "{name}");
            assert!(
                outcome.message.contains("flyte.secrets/s0") && outcome.message.contains("UTF-8"),
                "{}",
                outcome.message
            );
        }
    }
    for value in [&b"\xff\xfe"[..], b"a\0b"] {
        for version in ["v1", "v2"] {
            let outcome = flyte(version, &[secret("g", "k", Mount::EnvVar)], &file("g/k", value));
            assert!(!outcome.allowed && outcome.message.contains("`g/k`"), "{version} {}", outcome.message);
        }
    }
}

#[test]
fn global_path_traversal() {
    let outside = || {
        Globals::new(None::<(String, Vec<u8>)>, ["passwd", "g/k"].map(|path| (path.to_owned(), b"planted".to_vec())))
    };
    for (group, key) in [
        ("..", "passwd"),
        ("g/..", "passwd"),
        ("g", "../passwd"),
        (".", "passwd"),
        ("x/../g", "k"),
        ("", "passwd"),
        ("/", "passwd"),
    ] {
        for version in ["v1", "v2"] {
            for mount in [Mount::Any, Mount::EnvVar] {
                let outcome = flyte(version, &[secret(group, key, mount)], &outside());
                assert!(!outcome.pod.to_string().contains("planted"), "{group} {key}");
            }
        }
    }
    // A slash alone is no way out.
    let nested = flyte("v2", &[secret("a/b", "k", Mount::EnvVar)], &file("a/b/k", b"nested"));
    assert_eq!(value(&nested, "_UNION_A/B_K"), "nested");
}

#[test]
fn items_added_once() {
    let spec = json!({
        "containers": [{"name": "main", "image": "i"}],
        "volumes": [{"name": ask::base32("g_"), "secret": {"secretName": "g", "optional": true, "items": [{"key": "k", "path": "k"}]}}],
    });
    for version in ["v1", "v2"] {
        let config = config(&format!("flyte-{version}"), json!({"webhook": {"secretManagerType": "K8s"}}));
        let outcome = create(&ask::pod(&spec, &[secret("g", "k", Mount::File)]), &config, &no_globals());
        assert_eq!(outcome.pod["spec"]["volumes"], spec["volumes"]);
    }
}

#[test]
fn unknown_fields_kept() {
    let mut seen = 0;
    for case in observed().into_iter().filter(|case| case.in_scope() && case.natural_patches()) {
        let lost = |pod: &Value| {
            case.roundtrip
                .dropped
                .iter()
                .filter(|at| case.pod.pointer(at).is_some_and(|v| !v.is_null()) && pod.pointer(at).is_none())
                .count()
        };
        let flytes = case.natural().pod.as_ref().map_or(0, lost);
        if flytes == 0 {
            continue;
        }
        let ours = create(&case.pod, &case.config(), &case.globals());
        if ours.allowed {
            seen += 1;
            assert_eq!(lost(&ours.pod), 0, "{}", case.id);
        }
    }
    assert!(seen > 0, "no case has such a field");
}

impl Case {
    fn natural_patches(&self) -> bool {
        self.http.is_none() && self.natural().patched
    }
}

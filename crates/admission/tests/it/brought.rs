//! AWS, GCP, Azure and Vault, whose secrets another program brings: what no observed pod shows, and bad input.

use admission::{Config, Globals};
use secret::{Mount, Secret};
use serde_json::{Value, json};

use crate::admit::{Outcome, config, create, no_globals};
use crate::api_server::list;
use crate::ask::{self, plain, secret};
use crate::oracle::our_faults;

/// The managers, each with a secret that it gives.
pub(crate) const MANAGERS: [&str; 4] = ["AWS", "GCP", "Azure", "Vault"];

pub(crate) fn configured(version: &str, manager: &str) -> Config {
    config(&format!("flyte-{version}"), json!({"webhook": {"secretManagerType": manager}}))
}

fn pinned(group: &str, version: &str, key: &str) -> Secret {
    Secret { group_version: version.into(), ..secret(group, key, Mount::File) }
}

/// A secret that the manager gives.
fn good(manager: &str) -> Secret {
    match manager {
        "AWS" => pinned("arn:aws:secretsmanager:eu-west-1:123456789012:secret:", "", "db-AbCdEf"),
        "GCP" => pinned("projects/p/secrets/db", "3", ""),
        "Azure" => pinned("https://v.vault.azure.net/secrets/db", "0123abc", ""),
        _ => pinned("secret/data/db", "kv2", "password"),
    }
}

fn admit(version: &str, manager: &str, asked: &[Secret]) -> Outcome {
    create(&ask::pod(&plain(), asked), &configured(version, manager), &no_globals())
}

fn added(outcome: &Outcome) -> &[Value] {
    list(&outcome.pod["spec"], "initContainers")
}

fn command(container: &Value) -> Vec<&str> {
    list(container, "command").iter().filter_map(Value::as_str).collect()
}

fn annotation<'a>(pod: &'a Value, start: &str) -> Option<&'a str> {
    let annotations = pod["metadata"]["annotations"].as_object()?;
    annotations.iter().find(|(name, _)| name.starts_with(start))?.1.as_str()
}

/// Refused with every one of these words.
fn assert_refused(outcome: &Outcome, words: &[&str]) {
    assert!(!outcome.allowed, "{}", outcome.pod);
    for word in words {
        assert!(outcome.message.contains(word), "`{}` says nothing of {word}", outcome.message);
    }
}

fn assert_warned(outcome: &Outcome, words: &[&str]) {
    assert!(outcome.allowed, "{}", outcome.message);
    let said = outcome.warnings.iter().any(|warning| words.iter().all(|word| warning.contains(word)));
    assert!(said, "no warning has {words:?}: {:?}", outcome.warnings);
}

#[test]
fn what_a_manager_gives_needs_no_warning() {
    for manager in MANAGERS {
        for version in ["v1", "v2"] {
            let outcome = admit(version, manager, &[good(manager)]);
            assert!(outcome.allowed && outcome.patched, "{manager}: {}", outcome.message);
            assert_eq!(outcome.warnings, Vec::<String>::new(), "{manager}");
            let before = ask::pod(&plain(), &[good(manager)]);
            assert_eq!(our_faults(&before, &outcome.pod).first(), None, "{manager}");
        }
    }
}

#[test]
fn variables_are_refused_with_the_remedy() {
    for manager in MANAGERS {
        let asked = Secret { mount: Mount::EnvVar, ..good(manager) };
        assert_refused(&admit("v2", manager, &[asked]), &["can't give environment variables", "ask for it as FILE"]);
        let asked = Secret { mount: Mount::from_number(7), ..good(manager) };
        assert_refused(&admit("v1", manager, &[asked]), &["unrecognized mount requirement [7]"]);
    }
}

#[test]
fn what_is_missing_is_named() {
    for (manager, asked, words) in [
        ("AWS", secret("", "k", Mount::Any), "needs both key and group"),
        ("AWS", secret("g", "", Mount::Any), "needs both key and group"),
        ("GCP", pinned("", "1", "k"), "needs both group and group version"),
        ("GCP", secret("g", "k", Mount::Any), "needs both group and group version"),
        ("Azure", secret("", "k", Mount::Any), "needs a group"),
        ("Azure", secret("///", "k", Mount::Any), "no URI of a secret"),
        ("Vault", secret("", "k", Mount::Any), "needs both key and group"),
        ("Vault", secret("g", "", Mount::Any), "needs both key and group"),
    ] {
        for version in ["v1", "v2"] {
            assert_refused(&admit(version, manager, std::slice::from_ref(&asked)), &[manager, words, "hint:"]);
        }
    }
}

/// What a shell or a template might take for something of its own.
const HOSTILE: [&str; 14] = [
    "$(touch /tmp/x)",
    "`id`",
    "a;b",
    "a b",
    "a'b",
    "a\"b",
    "a\nb",
    "a\\b",
    "{{ env \"HOME\" }}",
    "}}",
    "a|b>c",
    "$HOME",
    "~",
    "*",
];

#[test]
fn shells_and_templates_see_words() {
    for text in HOSTILE {
        for manager in MANAGERS {
            let asked = match manager {
                "AWS" => secret(text, text, Mount::File),
                "GCP" | "Azure" => pinned(text, text, text),
                _ => pinned(text, "kv2", text),
            };
            let outcome = admit("v2", manager, &[asked]);
            assert!(outcome.allowed, "{manager} {text:?}: {}", outcome.message);
            for container in added(&outcome) {
                let script = command(container).get(2).copied().unwrap_or_default().to_owned();
                assert!(
                    !script.contains(text) || text == "$HOME" && !script.contains("HOME"),
                    "{manager} {text:?}: {script}"
                );
            }
            if manager == "Vault" {
                let template = annotation(&outcome.pod, "vault.hashicorp.com/agent-inject-template-").unwrap();
                let inside = template
                    .strip_prefix("{{- with secret \"")
                    .and_then(|t| t.strip_suffix("\" }}{{- end -}}"))
                    .unwrap();
                let (path, key) =
                    inside.split_once("\" -}}{{ index .Data.data \"").unwrap_or_else(|| panic!("{template}"));
                for literal in [path, key] {
                    assert!(!literal.contains(|c: char| c.is_control() || "\"{}`".contains(c)), "{text:?}: {template}");
                }
            }
        }
    }
}

#[test]
fn arguments_are_the_names_themselves() {
    let outcome = admit("v1", "GCP", &[pinned("My $(id)", "1", "")]);
    let command = command(&added(&outcome)[0]);
    assert_eq!(
        command[3..],
        ["sh", "My $$(id)", "1", "/etc/flyte/secrets/my $$(id)/1", "/etc/flyte/secrets/my $$(id)"],
        "the kubelet halves `$$`"
    );
    assert!(command[2].contains(r#""$1/versions/$2""#), "{}", command[2]);
}

#[test]
fn azure_name_formatted() {
    let outcome = admit("v2", "Azure", &[pinned("https://v.vault.azure.net/secrets/a%20b", "1", "")]);
    assert!(command(&added(&outcome)[0])[2].contains("mkdir -p /etc/flyte/secrets/a%20b;"), "{:?}", outcome.pod);
}

#[test]
fn vault_id_of_secret() {
    let asked =
        [pinned("g", "kv1", "k"), Secret { mount: Mount::Any, ..pinned("g", "kv1", "k") }, pinned("g", "kv1", "l")];
    let outcome = admit("v2", "Vault", &asked);
    assert_eq!(outcome.pod, admit("v2", "Vault", &asked).pod);
    let annotations = outcome.pod["metadata"]["annotations"].as_object().unwrap();
    assert_eq!(annotations.keys().filter(|name| name.contains("agent-inject-secret-")).count(), 2);
    // The lengths are part of the digest: no two secrets run together.
    let one = admit("v2", "Vault", &[pinned("ab", "", "c")]);
    assert_eq!(annotation(&one.pod, "vault.hashicorp.com/agent-inject-secret-"), Some("ab"));
    let two = admit("v2", "Vault", &[pinned("a", "", "bc")]);
    let name = |outcome: &Outcome| {
        let annotations = outcome.pod["metadata"]["annotations"].as_object().unwrap();
        annotations.keys().find(|name| name.contains("agent-inject-secret-")).cloned()
    };
    assert_ne!(name(&one), name(&two));
}

#[test]
fn containers_added_once() {
    // `create` admits a second time and finds no difference; here the containers have moved, and others changed them.
    for manager in ["AWS", "GCP", "Azure"] {
        let asked = [good(manager), pinned("https://v.vault.azure.net/secrets/other", "1", "k")];
        let config = configured("v2", manager);
        let before = create(&ask::pod(&plain(), &asked), &config, &no_globals()).pod;
        let mut moved = before.clone();
        let init = moved["spec"]["initContainers"].as_array_mut().unwrap();
        init.reverse();
        init[0]["image"] = json!("mirror.example/image:1");
        init.insert(0, json!({"name": "istio-init", "image": "i"}));
        let after = create(&moved, &config, &no_globals()).pod;
        assert_eq!(
            list(&after["spec"], "initContainers")[1..],
            list(&moved["spec"], "initContainers")[1..],
            "{manager}"
        );
    }
}

#[test]
fn container_name_taken() {
    let spec = json!({
        "initContainers": [{"name": "aws-pull-secret-1", "image": "i"}],
        "containers": [{"name": "aws-pull-secret-2", "image": "i"}],
    });
    let before = ask::pod(&spec, &[good("AWS")]);
    let outcome = create(&before, &configured("v2", "AWS"), &no_globals());
    assert_eq!(added(&outcome)[1]["name"], "aws-pull-secret-3");
    assert_eq!(our_faults(&before, &outcome.pod).first(), None);
}

#[test]
fn no_options() {
    for (manager, asked) in [
        ("GCP", pinned("--project=other", "1", "")),
        ("GCP", pinned("g", "--impersonate-service-account=other", "")),
        ("Azure", pinned("--vault-name", "1", "")),
    ] {
        assert_refused(&admit("v2", manager, &[asked]), &["starts with `-`"]);
    }
}

#[test]
fn no_file_of_that_name() {
    let long = "x".repeat(300);
    for (manager, asked) in [
        ("AWS", secret(&long, "k", Mount::File)),
        ("AWS", secret("g", &long, Mount::File)),
        ("AWS", secret("g\0", "k", Mount::File)),
        ("GCP", pinned(&long, "1", "")),
        ("GCP", pinned("g", &long, "")),
        ("GCP", pinned("g", "1\0", "")),
        ("Azure", pinned(&format!("https://v/secrets/{long}"), "1", "")),
        ("Azure", pinned("https://v/secrets/s", &long, "")),
        ("Azure", pinned("https://v\0/secrets/s", "1", "")),
        ("Vault", secret(&long, "k", Mount::File)),
        ("Vault", secret("g", &long, Mount::File)),
        ("Vault", secret("g", "k\0", Mount::File)),
    ] {
        assert_refused(&admit("v2", manager, &[asked]), &["secret `", "use other names"]);
    }
    // What plays no part may be of any length.
    let ignored = Secret { env_var: "A".repeat(300), ..pinned("g", "1", &long) };
    assert!(admit("v2", "GCP", &[ignored]).allowed);
}

#[test]
fn paths_stay_below_the_secrets_folder() {
    for (manager, asked) in [
        ("AWS", secret("..", "k", Mount::File)),
        ("AWS", secret("g", "../../k", Mount::File)),
        ("GCP", pinned("../g", "1", "")),
        ("GCP", pinned("g", "..", "")),
        ("Azure", pinned("https://v/secrets/..", "1", "")),
        ("Azure", pinned("https://v/secrets/s", "../../1", "")),
        ("Vault", secret("secret/../../x", "k", Mount::File)),
        ("Vault", secret("g", "..", Mount::File)),
    ] {
        assert_refused(&admit("v2", manager, &[asked]), &["leaves the secrets' folder"]);
    }
}

#[test]
fn two_secrets_in_one_file_are_refused() {
    for (manager, one, two) in [
        ("AWS", secret("G", "k", Mount::File), secret("g", "K", Mount::File)),
        ("GCP", pinned("G", "1", ""), pinned("g", "1", "")),
        ("Azure", pinned("https://one/secrets/s", "1", ""), pinned("https://two/secrets/s", "1", "")),
        ("Vault", pinned("g", "kv1", "k"), pinned("g", "kv2", "k")),
        ("GCP", pinned("g", "a", ""), pinned("g", "a/b", "")),
        ("Azure", pinned("https://v/secrets/s", "", ""), pinned("https://v/secrets/s", "1", "")),
        ("Vault", pinned("a", "", "b"), pinned("a/b", "", "c")),
    ] {
        for asked in [[one.clone(), two.clone()], [two, one]] {
            let outcome = admit("v2", manager, &asked);
            assert_refused(&outcome, &["file", &asked[0].to_string(), &asked[1].to_string()]);
        }
    }
    // The same secret, asked for in two ways, is one.
    for (manager, one, two) in [
        ("AWS", secret("g:", "k", Mount::Any), Secret { group_version: "1".into(), ..secret("g:", "k", Mount::File) }),
        ("GCP", pinned("g", "1", ""), pinned("g", "1", "k")),
        ("Azure", pinned("https://v/secrets/s//", "1", ""), pinned("https://v/secrets/s", "1", "k")),
        ("Vault", pinned("g", "kv2", "k"), pinned("g", "", "k")),
    ] {
        let outcome = admit("v2", manager, &[one, two]);
        assert!(outcome.allowed, "{manager}: {}", outcome.message);
    }
}

#[test]
fn names_of_another_store_are_told() {
    assert_warned(
        &admit("v2", "Vault", &[secret("arn:aws:secretsmanager:x", "k", Mount::File)]),
        &["is an ARN of AWS"],
    );
    assert_warned(
        &admit("v2", "AWS", &[secret("secret/data/db", "k", Mount::File)]),
        &["`secret/data/db:k` is no ARN"],
    );
    assert_warned(&admit("v2", "GCP", &[pinned("secret/data/db", "1", "")]), &["neither a secret's name nor"]);
    assert_warned(&admit("v2", "Azure", &[pinned("db", "1", "")]), &["not the URI of a secret"]);
}

#[test]
fn ignored_fields_are_told_with_the_remedy() {
    assert_warned(
        &admit("v1", "GCP", &[pinned("db", "3", "password")]),
        &["GCP ignores the key", "get(group=\"db\", group_version=\"3\")"],
    );
    assert_warned(
        &admit("v2", "Azure", &[pinned("https://v.vault.azure.net/secrets/Db", "", "password")]),
        &["Azure ignores the key", "`/etc/flyte/secrets/db`", "get(key=\"Db\")"],
    );
    assert_warned(
        &admit("v2", "Vault", &[pinned("secret/App", "kv2", "k")]),
        &["keeps upper case", "use lower case in Vault"],
    );
    assert_warned(
        &admit("v2", "Vault", &[pinned("g", "3", "k")]),
        &["`group_version` has no effect", "PATH?version=3"],
    );
    assert_warned(&admit("v2", "AWS", &[pinned("g", "3", "k")]), &["`group_version` has no effect"]);
    for (version, manager) in [("v1", "GCP"), ("v2", "GCP"), ("v2", "AWS"), ("v2", "Azure"), ("v1", "Vault")] {
        let asked = Secret { env_var: "TOKEN".into(), ..good(manager) };
        assert_warned(&admit(version, manager, &[asked]), &["`env_var` has no effect", manager]);
    }
}

#[test]
fn the_pods_own_annotations_of_the_injector_count_and_are_told() {
    let with = |name: &str, value: &str| {
        let mut pod = ask::pod(&plain(), &[good("Vault")]);
        pod["metadata"]["annotations"][format!("vault.hashicorp.com/{name}")] = json!(value);
        let outcome = create(&pod, &configured("v2", "Vault"), &no_globals());
        assert_eq!(outcome.pod["metadata"]["annotations"][format!("vault.hashicorp.com/{name}")], value);
        outcome
    };
    assert_warned(&with("agent-inject", "false"), &["passes the pod by", "remove that annotation"]);
    assert_warned(&with("agent-inject-status", "injected"), &["has been here"]);
    assert_warned(&with("secret-volume-path", "/x"), &["flytekit looks for them at `/etc/flyte/secrets`"]);
    for (name, value) in [("agent-inject", "1"), ("role", "own"), ("agent-inject-secret-mine", "s/p")] {
        assert_eq!(with(name, value).warnings, Vec::<String>::new(), "{name}");
    }
    let template = annotation_name(&admit("v2", "Vault", &[good("Vault")]), "template");
    assert_warned(&with(&template, "{{ own }}"), &[&template, "counts"]);
}

fn annotation_name(outcome: &Outcome, of: &str) -> String {
    let annotations = outcome.pod["metadata"]["annotations"].as_object().unwrap();
    let name = annotations.keys().find(|name| name.contains(&format!("agent-inject-{of}-"))).unwrap();
    name.trim_start_matches("vault.hashicorp.com/").to_owned()
}

#[test]
fn vaults_own_template_for_database_credentials_is_replaced_where_it_would_break() {
    let plain = admit("v2", "Vault", &[pinned("database/creds/role", "db", "k")]);
    assert_eq!(annotation(&plain.pod, "vault.hashicorp.com/agent-inject-template-"), None);
    let odd = admit("v2", "Vault", &[pinned("a\" }}{{ env \"HOME", "db", "k")]);
    let template = annotation(&odd.pod, "vault.hashicorp.com/agent-inject-template-").unwrap();
    assert!(template.starts_with(r#"{{ with secret "a\x22 \x7d\x7d\x7b\x7b env \x22HOME" }}{{ range"#), "{template}");
}

#[test]
fn too_many_annotations_are_refused_before_the_api_server_does() {
    let asked: Vec<_> = (0..800).map(|n| secret(&format!("{n}{}", "g".repeat(100)), "k", Mount::File)).collect();
    assert_refused(&admit("v2", "Vault", &asked), &["annotations would have", "fewer secrets"]);
}

#[test]
fn managers_of_files_do_not_mix_in_one_pod() {
    let config = |managers: [&str; 2]| config("flyte-v2", json!({"webhook": {"secretManagerTypes": managers}}));
    let pod = |asked: &[Secret]| ask::pod(&plain(), asked);
    let asked = [pinned("arn:x:", "", "k"), pinned("https://v/secrets/s", "", "")];
    let outcome = create(&pod(&asked), &config(["AWS", "Azure"]), &no_globals());
    assert_refused(&outcome, &["aws-secret-vol", "azure-secret-vol", "keep the pod's secrets in one manager"]);
    let outcome = create(&pod(&asked), &config(["Vault", "Azure"]), &no_globals());
    assert_refused(&outcome, &["Vault's injector", "azure-secret-vol", "keep the pod's secrets in one manager"]);
}

#[test]
fn mount_within_mount() {
    let config = config("flyte-v2", json!({"webhook": {"secretManagerTypes": ["AWS", "K8s"]}}));
    // AWS can't give a secret without a group; K8s can, in Flyte v2.
    for asked in [[good("AWS"), secret("", "k", Mount::File)], [secret("", "k", Mount::File), good("AWS")]] {
        let outcome = create(&ask::pod(&plain(), &asked), &config, &no_globals());
        assert_refused(
            &outcome,
            &["aws-secret-vol", "no container would start", "keep the pod's files in one manager"],
        );
    }
    // A variable needs no mount.
    let asked = [good("AWS"), secret("g", "k", Mount::EnvVar)];
    let outcome = create(&ask::pod(&plain(), &asked), &config, &no_globals());
    assert!(outcome.allowed, "{}", outcome.message);
}

#[test]
fn the_chain_goes_on_where_flytes_does() {
    let config = config("flyte-v2", json!({"webhook": {"secretManagerTypes": ["AWS", "Vault", "K8s"]}}));
    let variable = secret("g", "k", Mount::EnvVar);
    let outcome = create(&ask::pod(&plain(), std::slice::from_ref(&variable)), &config, &no_globals());
    assert!(outcome.allowed && added(&outcome).is_empty(), "{}", outcome.message);
    let env = &outcome.pod["spec"]["containers"][0]["env"];
    assert_eq!(env[1]["valueFrom"]["secretKeyRef"]["name"], "g", "{env}");
    // Global has it first, and the others are not asked.
    let globals = Globals::new([("FLYTE_SECRET_G_K".to_owned(), b"v".to_vec())], None::<(String, Vec<u8>)>);
    let outcome = create(&ask::pod(&plain(), &[secret("g", "k", Mount::Any)]), &config, &globals);
    assert!(added(&outcome).is_empty());
}

#[test]
fn a_volume_of_the_pods_own_under_that_name_is_taken_only_if_it_is_an_empty_dir() {
    for (volume, is_taken) in [
        (json!({"name": "gcp-secret-vol", "emptyDir": {"medium": "Memory"}}), true),
        (json!({"name": "gcp-secret-vol", "emptyDir": {}}), true),
        (json!({"name": "gcp-secret-vol", "persistentVolumeClaim": {"claimName": "c"}}), false),
        (json!({"name": "gcp-secret-vol", "configMap": {"name": "c"}}), false),
    ] {
        let mut spec = plain();
        spec["volumes"] = json!([volume]);
        let outcome = create(&ask::pod(&spec, &[good("GCP")]), &configured("v2", "GCP"), &no_globals());
        assert_eq!(outcome.allowed, is_taken, "{volume}");
        if is_taken {
            assert_eq!(outcome.pod["spec"]["volumes"], spec["volumes"]);
        } else {
            assert_refused(&outcome, &["another volume named `gcp-secret-vol`"]);
        }
    }
}

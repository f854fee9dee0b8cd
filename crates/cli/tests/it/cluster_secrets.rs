//! `keybearer secret … --cluster`. `kubectl` is a script here that has one Secret; the end-to-end tests ask the real one.

use crate::support::{CANARY, Place, with_kubectl};
use std::fs;

/// `there.json` is the Secret `db` of namespace `team`; a change is written down and puts `after.json` in its place.
const KUBECTL: &str = r#"
echo "$@" >> asked
env >> environment
case "$1 $2" in
  "config view") printf team;;
  "get secret/db") [ ! -e there.json ] || while IFS= read -r line; do printf '%s\n' "$line"; done < there.json;;
  "get namespace/"*) ;;
  "create --filename" | "patch secret") IFS= read -r line; printf '%s' "$line" > changed; cp after.json there.json;;
  *) echo "error: unexpected: $*" >&2; exit 1;;
esac"#;

/// `canary-Zq7Lw0` and `other`, as Secrets have them.
const CANARY_ENCODED: &str = "Y2FuYXJ5LVpxN0x3MA==";
const OTHER_ENCODED: &str = "b3RoZXI=";

fn secret(metadata: &str, data: &str, more: &str) -> String {
    format!(
        r#"{{"kind": "Secret", "metadata": {{"name": "db", "resourceVersion": "7"{metadata}}}, "data": {{{data}}}{more}}}"#
    )
}

const OURS: &str = r#", "labels": {"app.kubernetes.io/managed-by": "keybearer"}"#;

fn place() -> Place {
    let after = secret(OURS, &format!(r#""password": "{CANARY_ENCODED}""#), "");
    with_kubectl(KUBECTL).with("after.json", format!("{after}\n"))
}

const SET: [&str; 4] = ["secret", "set", "db/password", "--cluster"];

#[test]
fn a_value_goes_to_the_secret_of_the_plan_and_through_pipes_alone() {
    let place = place();
    let said = place.keybearer_reads(CANARY, &SET).code(0);
    said.complains(&["key `password` of Secret `db` in namespace `team`", "13 bytes"]).never_says(CANARY);
    let changed: serde_json::Value = serde_json::from_slice(&fs::read(place.path("changed")).unwrap()).unwrap();
    assert_eq!(
        changed,
        serde_json::json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": {"name": "db", "labels": {"app.kubernetes.io/managed-by": "keybearer"}},
            "data": {"password": CANARY_ENCODED}})
    );
    for seen in ["asked", "environment"] {
        let text = fs::read_to_string(place.path(seen)).unwrap();
        assert!(!text.contains(CANARY) && !text.contains(CANARY_ENCODED), "{text}");
    }
}

#[test]
fn other_keys_are_not_touched_and_a_change_in_between_is_noticed() {
    let there = secret(OURS, &format!(r#""user": "{OTHER_ENCODED}""#), "");
    let place = place().with("there.json", there + "\n");
    place.keybearer_reads(CANARY, &SET).code(0);
    // The version that was seen is a condition of the change.
    let expected = format!(r#"{{"metadata":{{"resourceVersion":"7"}},"data":{{"password":"{CANARY_ENCODED}"}}}}"#);
    assert_eq!(fs::read_to_string(place.path("changed")).unwrap(), expected);
}

#[test]
fn what_others_made_is_changed_only_by_force() {
    let password = format!(r#""password": "{OTHER_ENCODED}""#);
    let owned = r#", "ownerReferences": [{"kind": "ExternalSecret", "name": "db"}]"#;
    let helm = r#", "labels": {"app.kubernetes.io/managed-by": "Helm"}"#;
    for (metadata, data, words) in [
        ("", password.as_str(), &["was not made by this command", "has a key `password`", "--force"][..]),
        (owned, "", &["ExternalSecret `db` owns it", "--force"][..]),
        (helm, "", &["`Helm` manages it", "--force"][..]),
    ] {
        let place = place().with("there.json", secret(metadata, data, "") + "\n");
        // Nothing is asked for that will not be kept.
        place.keybearer(&SET).code(2).complains(words).never_says("nothing on stdin");
        assert!(!place.path("changed").exists());
        place.keybearer_reads(CANARY, &[&SET[..], &["--force"]].concat()).code(0);
    }
    // A new key of a Secret that was made by hand does no harm.
    let place = place().with("there.json", secret("", &format!(r#""user": "{OTHER_ENCODED}""#), "") + "\n");
    place.keybearer_reads(CANARY, &SET).code(0);
}

#[test]
fn what_can_not_be_changed_is_said_with_the_remedy() {
    let immutable = secret(OURS, "", r#", "immutable": true"#);
    let place = place().with("there.json", immutable + "\n");
    place.keybearer(&SET).code(2).complains(&["`db` is immutable", "kubectl delete secret db -n team"]);
    place.keybearer(&[&SET[..], &["--force"]].concat()).code(2).complains(&["immutable"]);
}

#[test]
fn a_name_that_no_pod_could_ask_for_is_refused_as_explain_refuses_it() {
    let place = place().with("webhook.yaml", "versionedName: \"{group}-v{version}\"");
    for (name, config, words) in [
        ("DB/password", &[][..], &["`DB` can't be the name of a Secret", "lower case"][..]),
        ("db/pass word", &[], &["can't be a key of a Secret"]),
        ("db/password@3", &[], &["have no versions", "versionedName"]),
    ] {
        let args = [&["secret", "set", name, "--cluster", "-n", "team"], config].concat();
        place.keybearer(&args).code(2).complains(words);
    }
    // The name is the configuration's.
    let args = ["secret", "get", "db/password@3", "--cluster", "-n", "team", "--config", "webhook.yaml"];
    place.keybearer(&args).code(2).complains(&["unexpected: get secret/db-v3"]);
}

#[test]
fn where_another_manager_gives_the_value_no_secret_is_made() {
    let config = "compat: flyte-v1\nwebhook: {secretManagerType: AWS}";
    let place = place().with("webhook.yaml", config);
    let said = place.keybearer(&[&SET[..], &["--config", "webhook.yaml"]].concat()).code(2);
    said.complains(&["`AWS` gives secret `db/password`", "hint:"]);
}

#[test]
fn why_the_cluster_refuses_is_told_with_the_remedy() {
    let refuse = |said: &str| with_kubectl(&format!("echo '{said}' >&2; exit 1"));
    let args = ["secret", "set", "db/password", "--cluster", "-n", "team"];
    for (said, words) in [
        (
            "Error from server (Forbidden): secrets \"db\" is forbidden: User \"me\" cannot get resource \"secrets\" in API group \"\"",
            &["you may not get Secrets in namespace `team`", "verbs: [get]"][..],
        ),
        ("The connection to the server localhost:8080 was refused", &["knows no cluster here", "KUBECONFIG"]),
        ("Unable to connect to the server: dial tcp 10.0.0.1:6443: i/o timeout", &["the cluster does not answer"]),
        ("error: context \"x\" does not exist", &["the kubeconfig has no context"]),
        ("Unable to connect to the server: x509: unknown authority", &["certificate is not the one", "kubeconfig"]),
        ("error: You must be logged in to the server (Unauthorized)", &["does not know who you are"]),
    ] {
        refuse(said).keybearer(&args).code(2).complains(words);
    }
    Place::new().env("PATH", "/nowhere").keybearer(&args).code(2).complains(&["there is no `kubectl`", "PATH"]);
}

#[test]
fn options_for_a_cluster_mean_nothing_without_one() {
    for option in [&["-n", "team"][..], &["--context", "x"], &["--config", "x"], &["--force"]] {
        let args = [&["secret", "set", "db/password"], option].concat();
        Place::new().keybearer(&args).code(2).complains(&["--cluster"]);
    }
}

//! Configurations, and what this build can't serve: each named, with its place and a remedy.

use crate::support::{Place, Said, pod};

fn explained(config: &str, args: &[&str]) -> Said {
    let pod = pod("[{group: a, key: b, mount: env}]", "containers: [{name: main}]");
    let place = Place::new().with("pod.yaml", pod).with("c.yaml", config);
    place.keybearer(&[&["explain", "pod.yaml", "--config", "c.yaml"], args].concat())
}

/// Refused at this place, with these words and a hint that holds the last of them.
fn refused(config: &str, place: &str, message: &str, hint: &str) {
    let said = explained(config, &[]).code(2);
    let first = said.stderr.lines().next().unwrap();
    assert_eq!(first, format!("error: {place}: {message}"), "{config}");
    if !hint.is_empty() {
        let hints: Vec<&str> = said.stderr.lines().filter(|line| line.starts_with("hint: ")).collect();
        assert!(hints.len() == 1 && hints[0].contains(hint), "{config}: {hints:?}");
    }
    assert_eq!(said.stdout, "");
}

#[test]
fn a_mistyped_name_is_told_with_the_nearest() {
    for (config, place, message, hint) in [
        ("polcy: []", "c.yaml:1:1", "unknown name `polcy` in the configuration", "`policy`"),
        (
            "webhook:\n  secretManagerTyp: K8s",
            "c.yaml:2:3",
            "unknown name `secretManagerTyp` in `webhook`",
            "`secretManagerType`",
        ),
        ("targets: {exlude: []}", "c.yaml:1:11", "unknown name `exlude` in `targets`", "`exclude`"),
        ("policy: [{alow: {}}]", "c.yaml:1:11", "unknown name `alow` in rule 1 of `policy`", "`allow`"),
        (
            "policy: [{allow: {}}, {deny: {gruop: a}}]",
            "c.yaml:1:31",
            "unknown name `gruop` in `deny` of rule 2 of `policy`",
            "`group`",
        ),
        ("webhook: {secretManagerType: K9s}", "c.yaml:1:30", "there is no manager `K9s`", "`K8s`"),
        ("something: 1", "c.yaml:1:1", "unknown name `something` in the configuration", "known here: compat, webhook"),
        (
            "compat: keybearer\nCompat: flyte-v1",
            "c.yaml:2:1",
            "`Compat` is `compat` a second time in the configuration",
            "once",
        ),
    ] {
        refused(config, place, message, hint);
    }
}

#[test]
fn mistakes_in_the_settings_of_flytes_managers_are_named_with_a_remedy() {
    for (settings, place, message, hint) in [
        ("awsSecretManager: {sidecarimage: ''}", "3:36", "`sidecarImage` has to be the name of an image, not ``", ""),
        ("awsSecretManager: {image: i}", "3:22", "unknown name `image` in `webhook.awsSecretManager`", "known here"),
        (
            "gcpSecretManager: {resources: {limits: {cpu: lots}}}",
            "3:48",
            "`cpu` has to be the amount of a resource",
            "cpu: 200m",
        ),
        (
            "gcpSecretManager: {resources: {limit: {cpu: 1}}}",
            "3:34",
            "unknown name `limit` in `webhook.gcpSecretManager.resources`",
            "did you mean `limits`?",
        ),
        (
            "azureSecretManager: {resources: {requests: {memory: 1Gi}}}",
            "3:35",
            "the request of memory is over its limit, and the API server would refuse every pod",
            "set `limits.memory`",
        ),
        ("vaultSecretManager: {kvVersion: 3}", "3:35", "`kvVersion` has to be `\"1\"` or `\"2\"`, not `3`", ""),
        (
            "vaultSecretManager: {annotations: {'a b': c}}",
            "3:38",
            "`a b` can't be the name of an annotation",
            "example.com/name",
        ),
        ("vaultSecretManager: {annotations: {a/b: {c: d}}}", "3:43", "annotation `a/b` has to be text", "quotes"),
    ] {
        let config = format!("compat: flyte-v2\nwebhook:\n  {settings}\n  secretManagerType: Vault");
        refused(&config, &format!("c.yaml:{place}"), message, hint);
    }
}

#[test]
fn what_this_build_does_not_serve_is_named_with_a_remedy() {
    for manager in ["AWS", "Vault", "GCP", "Azure", "Confidant", "Exec"] {
        let message = format!("manager `{manager}` is not served by this build");
        refused(
            &format!("webhook: {{secretManagerType: {manager}}}"),
            "c.yaml:1:30",
            &message,
            "secretManagerType: K8s",
        );
        let config = format!("compat: flyte-v1\nwebhook: {{secretManagerTypes: [K8s, {manager}]}}");
        if ["Confidant", "Exec"].contains(&manager) {
            refused(&config, "c.yaml:2:37", &message, "`K8s` or `Global`");
        }
    }
    let sealed = "needs sealed delivery from the cluster, which this build does not have";
    let embedded = format!("manager `Embedded`, the default of dialect `flyte-v2`, {sealed}");
    refused("compat: flyte-v2", "c.yaml:1:1", &embedded, "`K8s` or `Global`");
    let place = "c.yaml:1:30";
    refused("webhook: {secretManagerType: Embedded}", place, &format!("manager `Embedded` {sealed}"), "K8s");
    refused("webhook: {secretManagerType: Global}", place, &format!("manager `Global` {sealed}"), "K8s");
    refused(
        "secrets: {secrets-prefix: /etc/secrets}",
        "c.yaml:1:1",
        &format!("`secrets` sets up Global, which in dialect `keybearer` {sealed}"),
        "remove `secrets`",
    );
    refused(
        "webhook: {secretManagerTypes: [K8s, AWS]}",
        "c.yaml:1:37",
        "`AWS` stands after `K8s`, which by reference always answers and ends the chain",
        "remove `AWS`",
    );
    let message = "`verify: admission` looks Secrets up in the cluster, which this build does not do";
    refused("verify: admission", "c.yaml:1:9", message, "`verify: none`");
}

#[test]
fn the_command_line_is_told_the_same_where_there_is_no_file() {
    let place = Place::new().with("pod.yaml", pod("[]", "containers: [{name: main}]"));
    let said = place.keybearer(&["explain", "pod.yaml", "--compat", "flyte-v2"]).code(2);
    said.complains(&["error: default configuration: manager `Embedded`", "hint: set `webhook.secretManagerType`"]);
    let said = place.keybearer(&["explain", "pod.yaml", "--compat", "flyte-v3"]).code(2);
    said.complains(&["'flyte-v3'", "keybearer, flyte-v1, flyte-v2"]);
}

#[test]
fn values_that_make_no_sense_are_refused_where_they_stand() {
    for (config, place, message) in [
        ("compat: flyte", "c.yaml:1:9", "`compat` has to be one of `keybearer`, `flyte-v1`, `flyte-v2`, not `flyte`"),
        ("refusalStatus: 500", "c.yaml:1:16", "`refusalStatus` has to be 400 or 403, not `500`"),
        ("verify: maybe", "c.yaml:1:9", "`verify` has to be `none` or `admission`, not `maybe`"),
        ("fetch: {deadline: soon}", "c.yaml:1:19", "`deadline` has to be a duration such as `90s` or `2m`, not `soon`"),
        ("webhook: {listenPort: 99999}", "c.yaml:1:23", "`listenPort` has to be a port, 1 to 65535, not `99999`"),
        ("webhook: {localCert: maybe}", "c.yaml:1:22", "`localCert` has to be `true` or `false`, not `maybe`"),
        ("webhook: []", "c.yaml:1:10", "`webhook` has to be a map, not a list"),
        ("policy: {}", "c.yaml:1:9", "`policy` has to be a list of rules, not a map"),
        (
            "policy: [{allow: {}, deny: {}}]",
            "c.yaml:1:10",
            "rule 1 of `policy` needs exactly one of `allow` and `deny`",
        ),
        ("versionedName: x", "c.yaml:1:16", "`versionedName` has to hold `{group}` and `{version}`, not `x`"),
        ("label: no label", "c.yaml:1:8", "`label` has to be the name of a label, not `no label`"),
        ("label: ''", "c.yaml:1:8", "`label` has to be the name of a label, not ``"),
        ("- compat", "c.yaml:1:1", "the configuration has to be a map, not a list"),
    ] {
        refused(config, place, message, "");
    }
}

#[test]
fn yaml_that_can_not_be_read_is_told_in_one_line() {
    for (config, start) in [
        ("label: [a", "c.yaml:1:8: unclosed bracket '['"),
        ("compat: keybearer\ncompat: flyte-v1", "c.yaml:2:1: `compat` is there a second time"),
        ("compat: keybearer\n---\ncompat: flyte-v1", "c.yaml:3:1: there is more than one document"),
        ("label: *nothing", "c.yaml:1:8: alias references unknown anchor"),
    ] {
        let said = explained(config, &[]).code(2);
        assert_eq!(said.stderr, format!("error: {start}\n"));
    }
    let deep = format!("label: {}", "[".repeat(100_000));
    assert!(explained(&deep, &[]).code(2).stderr.ends_with("it is nested too deeply\n"));
    explained("label: \0", &[]).code(2);
    let place = Place::new().with("pod.yaml", pod("[]", "containers: []")).with("c.yaml", b"\xff");
    place.keybearer(&["explain", "pod.yaml", "--config", "c.yaml"]).code(2).complains(&["`c.yaml` is not UTF-8"]);
    place
        .keybearer(&["explain", "pod.yaml", "--config", "d.yaml"])
        .code(2)
        .complains(&["can't read `d.yaml`: there is no such file"]);
    place.keybearer(&["explain", "pod.yaml", "--config", "tmp"]).code(2).complains(&["`tmp` is a directory"]);
}

#[test]
fn flytes_own_file_is_taken_as_it_is() {
    let config = "\
propeller: {rawoutput-prefix: s3://x}
logger: {level: 5}
webhook:
  certDir: /etc/webhook/certs
  SERVICENAME: flyte-pod-webhook
  listenPort: \"9443\"
  secretManagerType: k8s
  awsSecretManager: {sidecarImage: x}
";
    explained(config, &["--compat", "flyte-v1"]).code(0).complains(&[
        "note: section `propeller` is for other parts of Flyte and is ignored",
        "note: section `logger` is",
        "note: `webhook.awsSecretManager` is not used: `AWS` is none of the managers",
    ]);
}

#[test]
fn compat_on_the_command_line_stands_over_the_files() {
    let said = explained("compat: keybearer", &["--compat", "flyte-v1"]).code(0);
    said.says(&["dialect flyte-v1"]);
}

#[test]
fn a_configuration_may_come_through_stdin() {
    let place = Place::new().with("pod.yaml", pod("[]", "containers: []"));
    let said = place.keybearer_reads("compat: flyte-v1", &["explain", "pod.yaml", "--config", "-"]).code(0);
    said.says(&["dialect flyte-v1"]);
    let said = place.keybearer_reads("polcy: 1", &["explain", "pod.yaml", "--config", "-"]).code(2);
    said.complains(&["error: stdin:1:1: unknown name `polcy`"]);
}

#[test]
fn a_rule_that_denies_is_named() {
    let rules = "policy: [{name: no-secrets-here, deny: {manager: K8s, namespace: 'dev-*'}}]";
    explained(rules, &["-n", "dev-a"])
        .code(1)
        .complains(&["error: secret `a/b`: no manager gives it (K8s: skipped by rule `no-secrets-here`)", "hint: "]);
    explained(rules, &["-n", "prod"]).code(0).says(&["default: Secrets of the pod's own namespace"]);
}

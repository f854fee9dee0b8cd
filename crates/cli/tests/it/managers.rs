//! `explain` for Flyte's managers: what each would do, and where the task finds it.

use crate::support::{Place, Said, pod};
use serde_json::json;

/// What is told of one secret, in one dialect with these managers.
fn told(dialect: &str, managers: &str, asked: &str, args: &[&str]) -> Said {
    let config = format!("compat: {dialect}\nwebhook: {{secretManagerTypes: [{managers}]}}\n");
    let place = Place::new().with("c.yaml", config).with("pod.yaml", pod(asked, "containers: [{name: main}]"));
    place.keybearer(&[&["explain", "pod.yaml", "--config", "c.yaml"], args].concat())
}

#[test]
fn each_says_what_is_fetched_and_where_the_task_finds_it() {
    for (manager, asked, words) in [
        (
            "AWS",
            "[{group: 'arn:aws:secretsmanager:x:1:secret:', key: Db, mount: file}]",
            [
                "AWS       gives it by an init container of docker.io/amazon/aws-secrets-manager-secret-sidecar:v0.1.4",
                "which fetches `arn:aws:secretsmanager:x:1:secret:Db`",
                "in file     /etc/flyte/secrets/arn:aws:secretsmanager:x:1:secret:/db",
                "name: aws-pull-secret-0",
            ],
        ),
        (
            "GCP",
            "[{group: db, group_version: 3, mount: file}]",
            [
                "which fetches `db/versions/3`",
                "in file     /etc/flyte/secrets/db/3",
                "flytekit finds it with get(group=\"db\", group_version=\"3\")",
                "name: gcp-pull-secret-0",
            ],
        ),
        (
            "Azure",
            "[{group: 'https://v.vault.azure.net/secrets/Db', mount: file}]",
            [
                "which fetches `https://v.vault.azure.net/secrets/Db/`",
                "in file     /etc/flyte/secrets/db",
                "flytekit finds it with get(key=\"Db\")",
                "name: azure-pull-secret-0",
            ],
        ),
        (
            "Vault",
            "[{group: secret/data/db, key: password, mount: file}]",
            [
                "Vault     gives it by Vault's own injector, told to fetch `kv2 secret/data/db:password`",
                "in file     /etc/flyte/secrets/secret/data/db/password",
                "vault.hashicorp.com/agent-inject: \"true\"",
                "vault.hashicorp.com/role: flyte",
            ],
        ),
    ] {
        for dialect in ["flyte-v1", "flyte-v2"] {
            told(dialect, manager, asked, &[]).code(0).says(&words);
        }
    }
}

#[test]
fn programs_read_it_too() {
    let said = told("flyte-v2", "Vault, AWS", "[{group: secret/db, key: k, mount: file}]", &["--output", "json"]);
    let report = said.code(0).json();
    let secret = &report["secrets"][0];
    assert_eq!((&secret["delivery"], &secret["fetches"]), (&json!("annotate"), &json!("kv2 secret/db:k")));
    assert_eq!(secret["chain"][2], json!({"manager": "AWS", "outcome": "shadowed"}));
    let said = told("flyte-v2", "GCP", "[{group: db, group_version: 3, key: k, mount: file}]", &["--output", "json"]);
    let report = said.code(0).json();
    let secret = &report["secrets"][0];
    assert_eq!((&secret["delivery"], &secret["fetches"]), (&json!("sidecar"), &json!("db/versions/3")));
    assert_eq!(secret["read_with"], "get(group=\"db\", group_version=\"3\")");
    assert!(report["warnings"][0].as_str().unwrap().contains("GCP ignores the key"), "{}", report["warnings"]);
}

#[test]
fn a_container_that_an_admission_has_added_is_told_apart() {
    let place = Place::new().with("c.yaml", "compat: flyte-v2\nwebhook: {secretManagerType: GCP}\n");
    let first = pod("[{group: db, group_version: 3, mount: file}]", "containers: [{name: main}]");
    let place = place.with("pod.yaml", first);
    let report = place.keybearer(&["explain", "pod.yaml", "--config", "c.yaml", "--output", "json"]).code(0).json();
    let added = report["patch"].as_array().unwrap().iter().find(|op| op["path"] == "/spec/initContainers").unwrap();
    let spec = format!("containers: [{{name: main}}]\ninitContainers: {}", added["value"]);
    let second = pod("[{group: db, group_version: 3, mount: file}]", &spec);
    let place = place.with("second.yaml", second);
    let said = place.keybearer(&["explain", "second.yaml", "--config", "c.yaml"]).code(0);
    said.says(&["init container gcp-pull-secret-0 gets nothing: there to fetch a secret"])
        .never_says("gcp-pull-secret-1");
}

#[test]
fn what_no_manager_gives_is_told_with_what_each_said() {
    told("flyte-v2", "AWS, Vault, GCP", "[{group: g, key: k, mount: env}]", &[]).code(1).complains(&[
        "AWS: can't give environment variables, only files; Vault: can't give environment variables, only files; \
         GCP: needs both group and group version",
        "hint: ask with both `group` (the secret) and `group_version`",
    ]);
}

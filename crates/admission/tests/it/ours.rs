//! Our own dialect: the pod that K8s makes by reference, and what is refused rather than left to chance.

use admission::Config;
use secret::{Mount, Secret};
use serde_json::{Value, json};

use crate::admit::{Outcome, config, create, no_globals};
use crate::api_server::api_server_would_refuse;
use crate::ask::{self, plain, secret};

fn ours() -> Config {
    config("keybearer", json!({}))
}

fn flyte() -> [Config; 2] {
    ["flyte-v1", "flyte-v2"].map(|dialect| config(dialect, json!({"webhook": {"secretManagerType": "K8s"}})))
}

fn ask_ours(spec: &Value, secrets: &[Secret]) -> Outcome {
    create(&ask::pod(spec, secrets), &ours(), &no_globals())
}

fn given(spec: &Value, secrets: &[Secret]) -> Value {
    let outcome = ask_ours(spec, secrets);
    assert!(outcome.allowed, "{}", outcome.message);
    assert_eq!(api_server_would_refuse(&outcome.pod), None, "{}", outcome.pod);
    outcome.pod
}

/// Refused with a message that holds all of these, and told what to do.
fn refused(outcome: &Outcome, words: &[&str]) {
    assert!(!outcome.allowed, "admitted, but should be refused for {words:?}: {}", outcome.pod);
    assert_eq!((outcome.code, outcome.reason.as_str()), (403, "Forbidden"), "{}", outcome.message);
    for word in words {
        assert!(outcome.message.contains(word), "`{}` has no `{word}`", outcome.message);
    }
}

/// In Flyte's dialects the same request makes Flyte's pod, and a warning that holds these words.
fn warned(spec: &Value, secrets: &[Secret], words: &[&str]) {
    for config in flyte() {
        let outcome = create(&ask::pod(spec, secrets), &config, &no_globals());
        assert!(outcome.allowed && outcome.patched, "{}", outcome.message);
        let about = |warning: &&String| words.iter().all(|word| warning.contains(word));
        assert!(outcome.warnings.iter().any(|warning| about(&warning)), "{words:?} in {:?}", outcome.warnings);
    }
}

fn names(container: &Value) -> Vec<&str> {
    container["env"].as_array().unwrap().iter().map(|var| var["name"].as_str().unwrap()).collect()
}

fn volume(pod: &Value) -> &Value {
    let mut ours =
        pod["spec"]["volumes"].as_array().unwrap().iter().filter(|volume| volume["name"] == "keybearer-secrets");
    let volume = ours.next().expect("one volume of ours");
    assert!(ours.next().is_none(), "only one: {pod}");
    volume
}

#[test]
fn files_come_in_one_projected_volume() {
    let spec = json!({
        "initContainers": [{"name": "prepare", "image": "i"}, {"name": "proxy", "image": "i", "restartPolicy": "Always"}],
        "containers": [{"name": "main", "image": "i", "env": [{"name": "A", "value": "1"}], "volumeMounts": [{"name": "data", "mountPath": "/data"}]}, {"name": "side", "image": "i"}],
        "volumes": [{"name": "data", "secret": {"secretName": "db"}}],
    });
    let secrets = [
        secret("db", "Password", Mount::File),
        secret("db", "user", Mount::Any),
        Secret { env_var: "TOKEN_PATH".into(), ..secret("api", "token", Mount::File) },
    ];
    let pod = given(&spec, &secrets);
    assert_eq!(pod["spec"]["volumes"][0], spec["volumes"][0], "the user's volume is never touched");
    assert_eq!(
        volume(&pod),
        &json!({"name": "keybearer-secrets", "projected": {"defaultMode": 0o444, "sources": [
            {"secret": {"name": "db", "optional": true, "items": [
                {"key": "Password", "path": "db/password"}, {"key": "Password", "path": "db/Password"}, {"key": "user", "path": "db/user"}]}},
            {"secret": {"name": "api", "optional": true, "items": [{"key": "token", "path": "api/token"}]}},
        ]}})
    );
    let mount = json!({"name": "keybearer-secrets", "mountPath": "/etc/flyte/secrets", "readOnly": true});
    for container in
        pod["spec"]["containers"].as_array().unwrap().iter().chain(pod["spec"]["initContainers"].as_array().unwrap())
    {
        let mounts = container["volumeMounts"].as_array().unwrap();
        assert_eq!(
            mounts.iter().filter(|m| m["name"] == "keybearer-secrets").collect::<Vec<_>>(),
            [&mount],
            "{container}"
        );
        let env = container["env"].as_array().unwrap();
        assert_eq!(env[0], json!({"name": "FLYTE_SECRETS_DEFAULT_DIR", "value": "/etc/flyte/secrets"}));
        assert_eq!(env[1]["name"], "FLYTE_SECRETS_FILE_PREFIX");
        assert_eq!(env[1].get("value").and_then(Value::as_str).unwrap_or_default(), "");
        assert_eq!(env[2], json!({"name": "FLYTE_SECRETS_ENV_PREFIX", "value": "_FSEC_"}));
        assert_eq!(env[3], json!({"name": "TOKEN_PATH", "value": "/etc/flyte/secrets/api/token"}));
    }
    assert_eq!(names(&pod["spec"]["containers"][0])[4..], ["A"], "ours first");
    let digest = pod["metadata"]["annotations"]["keybearer.dev/injected"].as_str().unwrap();
    assert!(digest.len() >= 32 && digest.bytes().all(|b| b.is_ascii_hexdigit()), "{digest}");
}

#[test]
fn variables_refer_to_the_secret() {
    let asked = Secret { env_var: "API_TOKEN".into(), ..secret("user-info", "token", Mount::EnvVar) };
    let pod = given(&plain(), &[asked]);
    let reference = json!({"secretKeyRef": {"name": "user-info", "key": "token", "optional": false}});
    let env = pod["spec"]["containers"][0]["env"].as_array().unwrap();
    assert_eq!(
        env[3..],
        [
            json!({"name": "_FSEC_USER-INFO_TOKEN", "valueFrom": reference}),
            json!({"name": "API_TOKEN", "valueFrom": reference})
        ]
    );
    assert!(
        pod["spec"].get("volumes").is_none() && pod["spec"]["containers"][0].get("volumeMounts").is_none(),
        "no volume for variables: {pod}"
    );
    assert_eq!(
        names(&pod["spec"]["containers"][0])[..3],
        ["FLYTE_SECRETS_DEFAULT_DIR", "FLYTE_SECRETS_FILE_PREFIX", "FLYTE_SECRETS_ENV_PREFIX"]
    );
}

#[test]
fn the_prefix_is_the_configured_one() {
    let config = config("keybearer", json!({"webhook": {"secretEnvVarPrefix": "S_"}}));
    let outcome = create(&ask::pod(&plain(), &[secret("a", "b", Mount::EnvVar)]), &config, &no_globals());
    let env = &outcome.pod["spec"]["containers"][0]["env"];
    assert_eq!((&env[2]["value"], &env[3]["name"]), (&json!("S_"), &json!("S_A_B")));
}

#[test]
fn no_secrets_no_change() {
    for (_, config) in crate::admit::dialects() {
        for pod in [
            ask::pod(&plain(), &[]),
            ask::annotated(&plain(), &json!({"flyte.secret/s0": "not ours"})),
            json!({"metadata": {}, "spec": plain()}),
        ] {
            let outcome = create(&pod, &config, &no_globals());
            assert!(outcome.allowed && !outcome.patched, "{pod}");
        }
    }
}

#[test]
fn names_that_are_none_are_refused() {
    let long = "k".repeat(300);
    for name in ["", "..", "../up", "a/../b", "a\0b", "a\nb", long.as_str()] {
        for (group, key) in [(name, "key"), ("group", name)] {
            for mount in [Mount::Any, Mount::EnvVar, Mount::File] {
                refused(&ask_ours(&plain(), &[secret(group, key, mount)]), &["secret `"]);
            }
        }
    }
}

#[test]
fn two_secrets_on_one_variable_are_refused_with_both_names() {
    let by_case = [secret("my-secret", "KEY", Mount::EnvVar), secret("my-secret", "key", Mount::EnvVar)];
    let by_parts = [
        secret("a", "b_c", Mount::EnvVar),
        secret("a-b", "x", Mount::File),
        Secret { env_var: "_FSEC_A_B_C".into(), ..secret("z", "y", Mount::EnvVar) },
    ];
    for (secrets, words) in [
        (&by_case[..], ["`my-secret/KEY`", "`my-secret/key`", "_FSEC_MY-SECRET_KEY"]),
        (&by_parts[..], ["`a/b_c`", "`z/y`", "_FSEC_A_B_C"]),
    ] {
        refused(&ask_ours(&plain(), secrets), &words);
        warned(
            &plain(),
            &secrets.iter().map(|s| Secret { env_var: "SAME".into(), ..s.clone() }).collect::<Vec<_>>(),
            &[&words[0][1..5], "SAME"],
        );
    }
}

#[test]
fn two_secrets_in_one_file_are_refused_with_both_names_everywhere() {
    let secrets = [secret("db", "Token", Mount::File), secret("db", "token", Mount::File)];
    refused(&ask_ours(&plain(), &secrets), &["`db/Token`", "`db/token`", "/etc/flyte/secrets/db/token"]);
    for config in flyte() {
        let outcome = create(&ask::pod(&plain(), &secrets), &config, &no_globals());
        assert!(!outcome.allowed, "in Flyte's pod one of them would be the other");
        assert!(outcome.message.contains("db/Token") && outcome.message.contains("db/token"), "{}", outcome.message);
    }
}

#[test]
fn a_file_that_is_another_ones_folder_is_refused() {
    // Groups are names of Secrets, so only a version can add a part to the path.
    let config = config("keybearer", json!({"versionedName": "{group}-{version}"}));
    let pinned = Secret { group_version: "v1".into(), ..secret("db", "key", Mount::File) };
    let secrets = [secret("db", "v1", Mount::File), pinned];
    let outcome = create(&ask::pod(&plain(), &secrets), &config, &no_globals());
    refused(&outcome, &["db/v1", "db/key@v1"]);
}

#[test]
fn the_same_secret_twice_is_merged() {
    let once = Secret { env_var: "PASSWORD".into(), ..secret("db", "password", Mount::EnvVar) };
    let pod = given(&plain(), &[once.clone(), secret("db", "password", Mount::File), once.clone()]);
    let found = names(&pod["spec"]["containers"][0]);
    assert_eq!(found[3..], ["_FSEC_DB_PASSWORD", "PASSWORD"]);
    assert_eq!(volume(&pod)["projected"]["sources"][0]["secret"]["items"].as_array().unwrap().len(), 1);
    warned(&plain(), &[once.clone(), once], &["db/password"]);
}

#[test]
fn dangerous_variables_are_refused() {
    for name in [
        "LD_PRELOAD",
        "PATH",
        "PYTHONPATH",
        "LD_LIBRARY_PATH",
        "FLYTE_INTERNAL_EXECUTION_ID",
        "FLYTE_SECRETS_ENV_PREFIX",
        "BASH_ENV",
    ] {
        for mount in [Mount::EnvVar, Mount::File] {
            let asked = [Secret { env_var: name.into(), ..secret("db", "password", mount) }];
            refused(&ask_ours(&plain(), &asked), &["db/password", name]);
            warned(&plain(), &asked, &["db/password", name]);
        }
    }
}

#[test]
fn dangerous_variables_are_refused_also_where_the_prefix_makes_them() {
    let config = config("keybearer", json!({"webhook": {"secretEnvVarPrefix": ""}}));
    let ask = |mount| create(&ask::pod(&plain(), &[secret("ld", "preload", mount)]), &config, &no_globals());
    let outcome = ask(Mount::EnvVar);
    refused(&outcome, &["ld/preload", "LD_PRELOAD", "ask for it as FILE"]);
    let outcome = ask(Mount::File);
    assert!(outcome.allowed && !names(&outcome.pod["spec"]["containers"][0]).contains(&"LD_PRELOAD"));
    let config =
        crate::admit::config("flyte-v2", json!({"webhook": {"secretManagerType": "K8s", "secretEnvVarPrefix": "LD_"}}));
    let outcome = create(&ask::pod(&plain(), &[secret("pre", "load", Mount::EnvVar)]), &config, &no_globals());
    assert!(outcome.warnings.iter().any(|warning| warning.contains("`LD_PRE_LOAD`")), "{:?}", outcome.warnings);
}

#[test]
fn the_remedy_is_one_that_helps() {
    // Neither a file nor a variable can have such a name.
    for mount in [Mount::File, Mount::EnvVar] {
        let outcome = ask_ours(&plain(), &[secret("db", "a\0b", mount)]);
        assert!(!outcome.allowed && !outcome.message.contains("ask for it as"), "{}", outcome.message);
    }
}

#[test]
fn it_is_said_where_no_container_gets_anything() {
    let config = config("keybearer", json!({"targets": {"exclude": ["main"]}}));
    let outcome = create(&ask::pod(&plain(), &[secret("db", "key", Mount::File)]), &config, &no_globals());
    assert!(outcome.warnings.iter().any(|warning| warning.contains("targets.exclude")), "{:?}", outcome.warnings);
}

#[test]
fn variables_that_are_no_names_are_refused() {
    for name in ["A=B", "é", "A\nB", "del\u{7f}"] {
        let asked = [Secret { env_var: name.into(), ..secret("db", "password", Mount::EnvVar) }];
        refused(&ask_ours(&plain(), &asked), &["db/password"]);
        for config in flyte() {
            assert!(
                !create(&ask::pod(&plain(), &asked), &config, &no_globals()).allowed,
                "the API server would refuse it"
            );
        }
    }
}

#[test]
fn a_variable_of_the_pod_in_our_place_is_refused() {
    let spec = json!({"containers": [{"name": "main", "image": "i", "env": [{"name": "PASSWORD", "value": "mine"}]}]});
    let asked = [Secret { env_var: "PASSWORD".into(), ..secret("db", "password", Mount::EnvVar) }];
    refused(&ask_ours(&spec, &asked), &["db/password", "PASSWORD", "`main`"]);
    warned(&spec, &asked, &["PASSWORD", "`main`"]);
}

#[test]
fn a_mount_of_the_pod_in_our_place_is_refused_by_name() {
    for path in [
        "/etc/flyte/secrets",
        "/etc/flyte/secrets/db",
        "/etc/flyte/secrets/",
        "/etc//flyte/./secrets/x/..",
        "/mnt/../etc/flyte/secrets",
    ] {
        let spec = json!({
            "containers": [{"name": "main", "image": "i", "volumeMounts": [{"name": "mine", "mountPath": path}]}],
            "volumes": [{"name": "mine", "emptyDir": {}}],
        });
        refused(
            &ask_ours(&spec, &[secret("db", "password", Mount::File)]),
            &["`mine`", "`main`", "/etc/flyte/secrets"],
        );
        warned(&spec, &[secret("elsewhere", "password", Mount::File)], &["`mine`", "`main`"]);
    }
    let beside = json!({
        "containers": [{"name": "main", "image": "i", "volumeMounts": [{"name": "mine", "mountPath": "/etc/flyte/secrets-of-mine"}]}],
        "volumes": [{"name": "mine", "emptyDir": {}}],
    });
    given(&beside, &[secret("db", "password", Mount::File)]);
}

#[test]
fn what_carries_our_name_is_made_anew() {
    let theirs =
        json!({"name": "keybearer-secrets", "projected": {"sources": [{"secret": {"name": "someone-elses"}}]}});
    let spec =
        json!({"containers": [{"name": "main", "image": "i"}], "volumes": [{"name": "a", "emptyDir": {}}, theirs]});
    let pod = given(&spec, &[secret("db", "password", Mount::File)]);
    let sources = volume(&pod)["projected"]["sources"].as_array().unwrap();
    assert_eq!(sources.iter().map(|source| &source["secret"]["name"]).collect::<Vec<_>>(), ["db"]);
    assert_eq!(pod["spec"]["volumes"].as_array().unwrap().len(), 2);
}

#[test]
fn a_version_that_no_one_can_give_is_refused() {
    let asked = Secret { group_version: "v2".into(), ..secret("db", "password", Mount::File) };
    refused(&ask_ours(&plain(), &[asked]), &["db/password@v2", "versionedName"]);
}

#[test]
fn ephemeral_containers_are_left_alone() {
    let mut spec = plain();
    spec["ephemeralContainers"] = json!([{"name": "debug", "image": "i"}]);
    let outcome = ask_ours(&spec, &[secret("db", "password", Mount::File)]);
    assert_eq!(outcome.pod["spec"]["ephemeralContainers"], spec["ephemeralContainers"]);
}

#[test]
fn the_readable_spelling_asks_for_the_same() {
    let secrets = [
        secret("user-info", "user_secret", Mount::File),
        Secret { env_var: "TOKEN".into(), ..secret("db", "1", Mount::EnvVar) },
    ];
    let flyte = given(&plain(), &secrets);
    for list in [
        "[{group: user-info, key: user_secret, mount: file}, {group: db, key: 1, mount: env, env_var: TOKEN}]",
        r#"[{"group":"user-info","key":"user_secret","mount":"file"},{"group":"db","key":"1","mount":"env","env_var":"TOKEN"}]"#,
        "- group: user-info\n  key: user_secret\n  mount: file\n- {group: db, key: '1', mount: env, env_var: TOKEN}\n",
    ] {
        let outcome =
            create(&ask::annotated(&plain(), &json!({"keybearer.dev/secrets": list})), &ours(), &no_globals());
        assert_eq!(outcome.pod["spec"], flyte["spec"], "{} {list}", outcome.message);
    }
}

/// What we refuse is either refused in Flyte's dialects too, or a warning there: nobody is left to find out alone.
#[test]
fn what_we_refuse_is_a_warning_in_flytes_dialects() {
    let long = "k".repeat(300);
    let mut wrong = Vec::new();
    for name in ["", "..", "../up", "a/../b", "a\0b", "a\nb", "my_secret", "Upper", "é", long.as_str()] {
        for (group, key) in [(name, "key"), ("group", name)] {
            for mount in [Mount::Any, Mount::EnvVar, Mount::File] {
                let asked = [secret(group, key, mount)];
                if ask_ours(&plain(), &asked).allowed {
                    continue;
                }
                for config in flyte() {
                    let outcome = create(&ask::pod(&plain(), &asked), &config, &no_globals());
                    // Flyte v2's SDK never sends a group: its dialect has a rule for that.
                    let usual = group.is_empty() && config.dialect.name == "flyte-v2";
                    if outcome.allowed && outcome.warnings.is_empty() && !usual {
                        wrong.push(format!(
                            "{} {:?} {mount}",
                            config.dialect.name,
                            asked[0].to_string().chars().take(20).collect::<String>()
                        ));
                    }
                }
            }
        }
    }
    let versioned = [Secret { group_version: "v2".into(), ..secret("db", "password", Mount::File) }];
    for config in flyte() {
        let outcome = create(&ask::pod(&plain(), &versioned), &config, &no_globals());
        if outcome.warnings.is_empty() {
            wrong.push(format!("{} group_version", config.dialect.name));
        }
    }
    assert!(wrong.is_empty(), "no warning for:\n{}", wrong.join("\n"));
}

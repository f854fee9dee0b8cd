//! `annotate` and `decode`.

use crate::support::Place;

#[test]
fn what_is_printed_is_metadata_that_can_be_pasted() {
    let said = Place::new().keybearer(&["annotate", "user-info/user_secret"]).code(0);
    assert_eq!(
        said.stdout,
        "labels:\n  inject-flyte-secrets: \"true\"\nannotations:\n  flyte.secrets/s0: \
         \"m4zg54lqhiqce4ltmvzc11lomzxsectlmv3tuibcovzwk3s6onswg3tfoqrau\"\n"
    );
    assert_eq!(said.stderr, "");
}

#[test]
fn the_readable_spelling_can_be_read() {
    let said = Place::new().keybearer(&["annotate", "--readable", "db/password@3:env=DB_PASSWORD", "db/ca.crt:file"]);
    let line = r#"  keybearer.dev/secrets: '[{"group":"db","group_version":"3","key":"password","mount":"env","env_var":"DB_PASSWORD"},{"group":"db","key":"ca.crt","mount":"file"}]'"#;
    said.code(0).says(&[line]);
}

#[test]
fn json_is_the_same_in_the_same_order() {
    let secrets: Vec<String> = (0..12).map(|number| format!("g/k{number}")).collect();
    let mut args = vec!["annotate", "--output", "json"];
    args.extend(secrets.iter().map(String::as_str));
    let said = Place::new().keybearer(&args).code(0);
    assert_eq!(said.json()["labels"]["inject-flyte-secrets"], "true");
    let last = said.stdout.find("flyte.secrets/s11").unwrap();
    assert!(said.stdout.find("flyte.secrets/s9").unwrap() < last, "{}", said.stdout);
}

#[test]
fn what_annotate_prints_decode_reads_back() {
    let asked = [
        "db/password",
        "db/password@3:env=DB_PASSWORD",
        "arn:aws:secretsmanager:us-east-2:1:secret:x/key:file",
        "/key",
        "Größe/it's \"quoted\" \\ and: #odd:any",
        "a/joe@example.com@",
    ];
    let place = Place::new();
    for output in ["yaml", "json"] {
        for spelling in [&["annotate"][..], &["annotate", "--readable"]] {
            let printed = place.keybearer(&[spelling, &["--output", output], &asked].concat()).code(0).stdout;
            let read = place.keybearer_reads(printed.as_str(), &["decode", "-", "--output", "json"]).code(0).json();
            let one = |i: usize, field: &str| read[i][field].as_str().unwrap().to_owned();
            assert_eq!(read.as_array().unwrap().len(), asked.len());
            assert_eq!((one(1, "group_version"), one(1, "mount_requirement")), ("3".into(), "ENV_VAR".into()));
            assert_eq!(one(1, "env_var"), "DB_PASSWORD");
            assert_eq!(one(2, "group"), "arn:aws:secretsmanager:us-east-2:1:secret:x");
            assert_eq!((one(3, "group"), one(3, "key")), (String::new(), "key".into()));
            assert_eq!((one(4, "group"), one(4, "key")), ("Größe".into(), "it's \"quoted\" \\ and: #odd".into()));
            assert_eq!(one(5, "key"), "joe@example.com");
        }
    }
}

#[test]
fn what_annotate_prints_explain_takes() {
    let place = Place::new();
    for spelling in [&["annotate"][..], &["annotate", "--readable"]] {
        let metadata = place.keybearer(&[spelling, &["db/password:env", "db/ca.crt:file"]].concat()).code(0).stdout;
        let indented: String = metadata.lines().flat_map(|line| ["  ", line, "\n"]).collect();
        let pod = format!("kind: Pod\nmetadata:\n  name: task\n{indented}spec:\n  containers: [{{name: main}}]\n");
        let said = place.keybearer_reads(pod, &["explain", "-"]).code(0);
        said.says(&["_FSEC_DB_PASSWORD", "/etc/flyte/secrets/db/ca.crt"]).never_says("warning");
    }
}

#[test]
fn decode_takes_a_value_a_file_or_stdin() {
    let value = "m4zg54lqhiqce4ltmvzc11lomzxsectlmv3tuibcovzwk3s6onswg3tfoqrau";
    let manifest = format!("kind: Pod\nmetadata: {{annotations: {{flyte.secrets/s0: {value}}}}}\n");
    let job = format!(
        "kind: Job\nspec: {{template: {{metadata: {{annotations: {{flyte.secrets/s0: {value}}}}}, spec: {{}}}}}}\n"
    );
    let place = Place::new().with("pod.yaml", &manifest).with("value", format!("{value}\n")).with("job.yaml", job);
    let want = "SECRET                 MOUNT  ENV_VAR\nuser-info/user_secret  ANY\n";
    for what in [value, "pod.yaml", "job.yaml", "value"] {
        assert_eq!(place.keybearer(&["decode", what]).code(0).stdout, want, "{what}");
    }
    for stdin in [value, manifest.as_str()] {
        assert_eq!(place.keybearer_reads(stdin, &["decode", "-"]).code(0).stdout, want);
    }
    for readable in [r#"[{"group": "user-info", "key": "user_secret"}]"#, "[{group: user-info, key: user_secret}]"] {
        assert_eq!(place.keybearer(&["decode", readable]).code(0).stdout, want);
        assert_eq!(place.keybearer_reads(readable, &["decode", "-"]).code(0).stdout, want);
    }
    let said = place.keybearer_reads("kind: Pod", &["decode", "-"]).code(0);
    assert_eq!(said.stdout, "asks for no secrets\n");
}

#[test]
fn what_asks_for_no_secret_is_told_why() {
    let place = Place::new();
    let refused =
        |args: &[&str], words: &[&str]| place.keybearer(args).code(2).complains(&["error: "]).complains(words);
    refused(&["annotate"], &["<SECRET>", "Usage: keybearer annotate"]);
    refused(&["annotate", "password"], &["`password` asks for no secret: there is no `/`", "hint: write GROUP/KEY"]);
    refused(&["annotate", "/"], &["group and key are both empty"]);
    // All of them at once, and a remedy once.
    let said = place.keybearer(&["annotate", "one", "two", "a/b=hunter2!=é"]).code(2);
    let said = said.complains(&["`one` asks for no secret", "`two` asks for no secret", "`a/b` asks for no secret"]);
    assert_eq!(said.stderr.matches("hint: write GROUP/KEY").count(), 1, "{}", said.stderr);
    refused(&["annotate", "a/b:disk"], &["unknown mount `disk`", "hint: "]);
    // It may be a value that somebody meant to give.
    refused(&["annotate", "a/b=hunter2!=é"], &["`a/b` asks for no secret", "hint: "]).never_says("hunter2");
    refused(&["annotate", "a/b", "--output", "toml"], &["[possible values: yaml, json]"]);
}

#[test]
fn what_will_be_refused_is_said_at_once() {
    let place = Place::new();
    let said = place.keybearer(&["annotate", "My_Secret/key"]).code(0);
    assert!(said.stdout.starts_with("labels:"));
    said.complains(&["note: with the webhook's default configuration this would be refused", "`My_Secret`", "hint: "]);
    let said = place.keybearer(&["annotate", "my-secret/key"]).code(0);
    assert_eq!(said.stderr, "");
}

#[test]
fn requests_in_the_wrong_place_are_named() {
    let job = "\
apiVersion: batch/v1
kind: Job
metadata: {name: j, annotations: {keybearer.dev/secrets: \"[{group: g, key: k}]\"}}
spec: {template: {spec: {containers: [{name: main, image: i}]}}}
";
    let place = Place::new().with("job.yaml", job);
    let words = ["annotation `keybearer.dev/secrets` is on the Job", "move it to its pods"];
    place.keybearer(&["decode", "job.yaml"]).code(0).says(&["asks for no secrets"]).complains(&words);
    place.keybearer(&["explain", "job.yaml", "--output", "patch"]).code(0).says(&["[]"]).complains(&words);
}

//! The readable spelling: what is taken, and that what is refused is refused in words that help.

use secret::{MAX_ENCODED, MAX_READABLE, Mount, READABLE_ANNOTATION, Secret, Spelling, read, write};

fn list(text: &str) -> Result<Vec<Secret>, String> {
    read([(READABLE_ANNOTATION, text)]).map_err(|error| error.to_string())
}

fn one(group: &str, key: &str) -> Secret {
    Secret { group: group.to_owned(), key: key.to_owned(), ..Secret::default() }
}

#[test]
fn yaml_and_json_say_the_same() {
    let want = vec![
        Secret { mount: Mount::File, ..one("user-info", "user_secret") },
        Secret {
            group_version: "3".to_owned(),
            mount: Mount::EnvVar,
            env_var: "DB_PASSWORD".to_owned(),
            ..one("arn:aws:secretsmanager:eu-1:1:secret:db", "password")
        },
        one("", "token"),
    ];
    for text in [
        "[{group: user-info, key: user_secret, mount: file},
          {group: arn:aws:secretsmanager:eu-1:1:secret:db, group_version: 3, key: password, mount: env, env_var: DB_PASSWORD},
          {key: token, mount: any}]",
        "- group: user-info\n  key: user_secret\n  mount: file\n\
         - group: arn:aws:secretsmanager:eu-1:1:secret:db # the database\n  group_version: '3'\n  key: password\n  \
           mount: env\n  env_var: DB_PASSWORD\n\
         - key: token\n",
        "[\n\t{\"group\": \"user-info\", \"key\": \"user_secret\", \"mount\": \"file\"},\n\
         \t{\"group\": \"arn:aws:secretsmanager:eu-1:1:secret:db\", \"group_version\": \"3\", \"key\": \"password\",\n\
         \t \"mount\": \"env\", \"env_var\": \"DB_PASSWORD\"},\n\t{\"key\": \"token\"}\n]\n",
    ] {
        assert_eq!(list(text).as_ref(), Ok(&want), "{text}");
    }
    let written = write(&want, Spelling::Readable).unwrap();
    assert_eq!(
        written,
        [(
            "keybearer.dev/secrets".to_owned(),
            "[{\"group\":\"user-info\",\"key\":\"user_secret\",\"mount\":\"file\"},\
             {\"group\":\"arn:aws:secretsmanager:eu-1:1:secret:db\",\"group_version\":\"3\",\"key\":\"password\",\
             \"mount\":\"env\",\"env_var\":\"DB_PASSWORD\"},{\"key\":\"token\"}]"
                .to_owned()
        )]
    );
    assert!(serde_json::from_str::<serde_json::Value>(&written[0].1).is_ok());
}

#[test]
fn plain_scalars_are_taken_as_they_are_spelled() {
    for spelled in
        ["1", "1.10", "010", "0x1F", "1e3", "yes", "no", "on", "true", "False", ".nan", "2026-08-21", "a#b", "1_000"]
    {
        assert_eq!(list(&format!("- {{group: g, key: {spelled}}}")), Ok(vec![one("g", spelled)]), "{spelled}");
    }
    assert_eq!(list("[{\"key\": 1.50}]"), Ok(vec![one("", "1.50")]));
    assert_eq!(list("[{\"key\": \"\\ud83d\\ude00 \\/\"}]"), Ok(vec![one("", "😀 /")]));
    assert_eq!(list("- key: |\n    a\n    b\n"), Ok(vec![one("", "a\nb\n")]));
    assert_eq!(list("[]"), Ok(vec![]));
    assert_eq!(list("[{}]"), Ok(vec![Secret::default()]));
}

#[test]
fn what_is_no_list_of_secrets_is_refused_with_the_reason() {
    let bomb = "- &a {group: g}\n- &b [*a, *a, *a]\n- &c [*b, *b, *b]\n- [*c, *c, *c]\n";
    for (text, want) in [
        ("", "it is empty; write [] for none"),
        (" \n# nothing\n", "it is empty; write [] for none"),
        ("null", "it is empty; write [] for none"),
        ("group: g", "expected a list at line 1, column 1"),
        ("{\"secrets\": []}", "expected a list at line 1, column 1"),
        ("db/password", "expected a list at line 1, column 1"),
        ("- db/password", "expected a secret such as {group: user-info, key: token} at line 1, column 3"),
        (
            "- {group: g, kye: k}",
            "unknown field `kye`, expected one of group, group_version, key, mount, env_var at line 1, column 14",
        ),
        ("- {group: g, Key: k}", "unknown field `Key`"),
        ("- {group: g, group: h}", "field `group` is repeated at line 1, column 14"),
        ("[{\"key\":\"a\",\"key\":\"a\"}]", "field `key` is repeated at line 1, column 13"),
        ("- {group: g, mount: ENV_VAR}", "unknown mount `ENV_VAR`; it is one of any, env, file at line 1, column 21"),
        ("- {group: g, mount: 1}", "unknown mount `1`; it is one of any, env, file at line 1, column 21"),
        ("- {group: g, key: null}", "a value is empty or null; quote it, or leave the field out at line 1, column 19"),
        ("- {group: g, key: ~}", "a value is empty or null"),
        ("- {group: g, key: }", "a value is empty or null"),
        ("- {group: g, mount: null}", "a value is empty or null"),
        (r#"[{"mount": {"env": null}}]"#, "a value is a list or a map; it must be text"),
        (r#"[["g", "", "k", "file", ""]]"#, "expected a secret"),
        ("[[]]", "expected a secret"),
        (r#"[{"group": null}]"#, "a value is empty or null"),
        (r#"{"group": "g"}"#, "expected a list"),
        ("- group: g\n  key: [a]", "a value is a list or a map; it must be text at line 2, column 8"),
        ("- group: g\n  key: {a: b}", "a value is a list or a map; it must be text at line 2, column 8"),
        ("[[{group: g}]]", "expected a secret"),
        ("- {group: g}\n---\n- {group: h}\n", "there is more than one document at line 2, column 1"),
        ("- &a {group: g}\n", "an anchor (`&name`) is not allowed at line 1, column 6"),
        (bomb, "an anchor (`&name`) is not allowed at line 1, column 6"),
        (
            "- {group: *a}\n",
            "an alias (`*name`) is not allowed; quote a text that starts with `*` at line 1, column 11",
        ),
        ("- <<: {group: g}\n", "a merge key (`<<`) is not allowed at line 1, column 3"),
        ("- {group: !vault g}\n", "unsupported tag `!vault` at line 1, column 18"),
        ("- {group: !!int 1}\n", "a value has a tag that makes it no string"),
        ("- {group: 'g}\n", "at line"),
    ] {
        let error = list(text).expect_err(text);
        let why = error.strip_prefix("annotation `keybearer.dev/secrets` is not a list of secrets: ").expect(&error);
        assert!(why.contains(want), "{text}\n {why}\n {want}");
        assert!(!why.contains('\n') && why.len() < 400, "{why}");
    }
    assert!(read([(READABLE_ANNOTATION, "x")]).unwrap_err().hint().unwrap().contains("[{group: "));
}

#[test]
fn lists_are_bounded_in_number_length_and_depth() {
    assert_eq!(list(&format!("[{}]", "{},".repeat(MAX_READABLE))).unwrap().len(), MAX_READABLE);
    let many = format!("[{}{{}}]", "{},".repeat(MAX_READABLE));
    for too_many in [format!("# YAML\n{many}"), many] {
        assert!(list(&too_many).unwrap_err().contains("more than 1024 secrets"));
    }

    let fits = |length: usize| format!("[{{\"key\":\"{}\"}}]", "k".repeat(length - 12));
    assert_eq!(list(&fits(MAX_ENCODED)).unwrap()[0].key.len(), MAX_ENCODED - 12);
    assert!(list(&fits(MAX_ENCODED + 1)).unwrap_err().contains("it is longer than 262144 bytes"));

    for deep in ["[", "{", "- ", "[{a: ", "? ", "!!str "] {
        let error = list(&deep.repeat(20_000)).unwrap_err();
        assert!(error.len() < 500, "{error}");
    }
}

#[test]
fn too_many_secrets_are_not_written() {
    let many = vec![one("g", "k"); MAX_READABLE + 1];
    assert_eq!(write(&many, Spelling::Readable).unwrap_err().to_string(), "a list of secrets cannot exceed [1024]");
    assert_eq!(write(&many, Spelling::Flyte).unwrap().len(), MAX_READABLE + 1);
    let long = [one("g", &"k".repeat(MAX_ENCODED))];
    for spelling in [Spelling::Flyte, Spelling::Readable] {
        assert_eq!(write(&long, spelling).unwrap_err().to_string(), "secret descriptor cannot exceed [262144]");
        assert_eq!(write(&[], spelling), Ok(vec![]));
    }
}

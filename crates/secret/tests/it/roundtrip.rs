//! Any secret survives both spellings and the command line; nothing that comes in makes the reader panic.

use proptest::prelude::*;
use secret::{
    ANNOTATION_PREFIX, Mount, READABLE_ANNOTATION, Secret, Spelling, decode, encode, from_text, read, shorthand,
    to_text, write,
};

use crate::chance::{any_secret, near_text, runner};

fn read_back(annotations: &[(String, String)]) -> Vec<Secret> {
    read(annotations.iter().map(|(name, value)| (name.as_str(), value.as_str()))).expect("what was written")
}

#[test]
fn any_secrets_are_read_as_they_were_written() {
    let lists = prop::collection::vec(any_secret(), 0..13);
    let check = |secrets: Vec<Secret>| {
        for spelling in [Spelling::Flyte, Spelling::Readable] {
            let mut written = write(&secrets, spelling).unwrap();
            prop_assert_eq!(&read_back(&written), &secrets);
            // Annotations are a map: their order in the pod means nothing.
            written.reverse();
            prop_assert_eq!(&read_back(&written), &secrets);
        }
        // After a comment it is YAML and no longer JSON, and means the same.
        if let Some((name, json)) = write(&secrets, Spelling::Readable).unwrap().pop() {
            prop_assert_eq!(&read_back(&[(name, format!("# YAML\n{json}"))]), &secrets);
        }
        Ok(())
    };
    runner(200, Some(1)).run(&lists, check).unwrap();
    runner(200, None).run(&lists, check).unwrap();
}

#[test]
fn the_readable_spelling_is_json_and_plain_ascii_where_it_must_be() {
    let check = |secret: Secret| {
        let written = write(std::slice::from_ref(&secret), Spelling::Readable).unwrap();
        let json: serde_json::Value = serde_json::from_str(&written[0].1).unwrap();
        let field = |name: &str| json[0][name].as_str().unwrap_or_default().to_owned();
        prop_assert_eq!(field("group"), secret.group);
        prop_assert_eq!(field("group_version"), secret.group_version);
        prop_assert_eq!(field("key"), secret.key);
        prop_assert_eq!(field("env_var"), secret.env_var);
        prop_assert!(!written[0].1.chars().any(char::is_control));
        Ok(())
    };
    runner(1000, None).run(&any_secret(), check).unwrap();
}

#[test]
fn flytes_spelling_is_one_of_its_kind() {
    let check = |secret: Secret| {
        let (text, annotation) = (to_text(&secret), encode(&secret));
        prop_assert!(text.is_ascii() && (text.is_empty() || text.ends_with('\n')));
        prop_assert!(annotation.bytes().all(|symbol| matches!(symbol, b'a'..=b'z' | b'1'..=b'6')));
        prop_assert_eq!(from_text(text.as_bytes()), Ok(secret.clone()));
        prop_assert_eq!(decode(&annotation), Ok(secret));
        Ok(())
    };
    runner(1000, None).run(&any_secret(), check).unwrap();
}

#[test]
fn what_can_be_said_on_a_command_line_is_read_as_it_is_printed() {
    let check = |secret: Secret| {
        if let Some(text) = shorthand::print(&secret) {
            prop_assert_eq!(shorthand::parse(&text), Ok(secret));
        }
        Ok(())
    };
    runner(2000, None).run(&any_secret(), check).unwrap();
    let said = "[a-z/]{0,4}/[a-z@:]{0,6}(@[a-z0-9:@]{0,4})?(:any|:env|:file)?(=[A-Z_]{0,4})?";
    let check = |text: String| {
        if let Ok(secret) = shorthand::parse(&text) {
            let printed = shorthand::print(&secret).expect("what was parsed can be printed");
            prop_assert_eq!(shorthand::parse(&printed), Ok(secret));
        }
        Ok(())
    };
    runner(5000, None).run(&said, check).unwrap();
}

#[test]
fn assignments_come_apart_as_they_were_put_together() {
    let check = |(group, key, value): (String, String, String)| {
        let text = format!("{group}/{key}={value}");
        match shorthand::parse_assignment(&text) {
            Ok(parts) => prop_assert_eq!(parts, (group.as_str(), key.as_str(), value.as_str())),
            Err(_) => prop_assert!(group.is_empty() && key.is_empty()),
        }
        Ok(())
    };
    runner(1000, None).run(&("[^=]{0,10}", "[^=/]{0,10}", ".{0,10}"), check).unwrap();
}

#[test]
fn whatever_comes_in_is_a_secret_or_an_error_in_bounds() {
    let annotation = |value: &str| {
        for name in ["flyte.secrets/s0", "flyte.secrets/s", READABLE_ANNOTATION] {
            if let Err(error) = read([(name, value)]) {
                assert_eq!(error.annotation(), name);
                assert!(error.to_string().len() < 700, "{error}");
            }
        }
    };
    let check = |text: Vec<u8>| {
        annotation(&String::from_utf8_lossy(&text));
        annotation(&secret::base32(&text));
        // What can be read is read again as the same from what we write of it.
        if let Ok(secret) = from_text(&text) {
            prop_assert_eq!(from_text(to_text(&secret).as_bytes()), Ok(secret));
        }
        Ok(())
    };
    runner(1500, None).run(&near_text(), check).unwrap();
    runner(1500, None)
        .run(&".*", |value| {
            annotation(&value);
            let _ = (shorthand::parse(&value), shorthand::parse_assignment(&value));
            Ok(())
        })
        .unwrap();
    runner(1500, None)
        .run(&r#"[-\[\]{}:,&*!|>'"%@`#?~ \n\ta-c0-1\\<.]{0,30}"#, |value| {
            annotation(&value);
            Ok(())
        })
        .unwrap();
}

#[test]
fn annotations_are_taken_by_number_whatever_their_order_in_the_pod() {
    let named = |key: &str| encode(&Secret { key: key.to_owned(), ..Secret::default() });
    let names = [
        "0",
        "00",
        "1",
        "2",
        "007",
        "10",
        "18446744073709551616",
        "0018446744073709551617",
        "99999999999999999999999",
        "",
        "-1",
        "1a",
        "X",
        "x",
        "٣",
    ];
    let mut annotations: Vec<(String, String)> =
        names.iter().map(|name| (format!("{ANNOTATION_PREFIX}{name}"), named(name))).collect();
    annotations.push((READABLE_ANNOTATION.to_owned(), "[{key: last}]".to_owned()));
    annotations.push(("flyte.secrets/t0".to_owned(), "not ours".to_owned()));
    annotations.push(("keybearer.dev/secrets2".to_owned(), "not ours".to_owned()));
    let want: Vec<&str> = names.into_iter().chain(["last"]).collect();
    let check = |annotations: Vec<(String, String)>| {
        let got = read_back(&annotations);
        prop_assert_eq!(got.iter().map(|secret| secret.key.as_str()).collect::<Vec<_>>(), want.clone());
        Ok(())
    };
    runner(300, None).run(&Just(annotations).prop_shuffle(), check).unwrap();
}

#[test]
fn the_first_wrong_annotation_by_number_is_the_one_named() {
    let error =
        read([("flyte.secrets/s10", "!"), ("flyte.secrets/s9", "mfrgg"), ("flyte.secrets/s1", "")]).unwrap_err();
    assert_eq!(error.annotation(), "flyte.secrets/s9");
    assert_eq!(
        error.to_string(),
        "error unmarshaling secret [flyte.secrets/s9]. Error: line 1.0: unknown field name \"abc\" in core.Secret"
    );
    let long = "a".repeat(secret::MAX_ENCODED + 1);
    let error = read([("flyte.secrets/s0", long.as_str())]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "error unmarshaling secret [flyte.secrets/s0]. Error: secret descriptor cannot exceed [262144]"
    );
}

#[test]
fn a_mount_is_known_by_its_number() {
    let secret = |mount| Secret { mount, ..Secret::default() };
    for number in [-1, 3, i32::MIN, i32::MAX] {
        for spelling in [Spelling::Flyte, Spelling::Readable] {
            let error = write(&[secret(Mount::Other(number))], spelling).unwrap_err();
            assert_eq!(error.to_string(), format!("invalid mount requirement [{number}]"));
        }
        // Only writing refuses it: it can be read, and shown.
        assert_eq!(decode(&encode(&secret(Mount::Other(number)))), Ok(secret(Mount::Other(number))));
    }
    for (number, mount) in [(0, Mount::Any), (1, Mount::EnvVar), (2, Mount::File)] {
        for spelling in [Spelling::Flyte, Spelling::Readable] {
            let odd = write(&[secret(Mount::Other(number))], spelling);
            assert_eq!(odd, write(&[secret(mount)], spelling));
            assert_eq!(read_back(&odd.unwrap()), [secret(mount)]);
        }
    }
}

//! The cases of `testdata/vectors.json`, which were executed with Flyte's own code.

use std::collections::BTreeMap;

use secret::{DecodeError, Mount, Secret, Spelling, decode, encode, from_text, read, to_text, write};
use serde_json::Value;

fn vectors() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/vectors.json");
    serde_json::from_slice(&std::fs::read(path).expect(path)).unwrap()
}

fn cases(list: &Value) -> &[Value] {
    let cases = list.as_array().unwrap();
    assert!(!cases.is_empty());
    cases
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn secret(value: &Value) -> Secret {
    let mount = match &value["mount_requirement"] {
        Value::Null => Mount::Any,
        Value::Number(number) => Mount::from_number(number.as_i64().unwrap().try_into().unwrap()),
        name => match name.as_str().unwrap() {
            "ENV_VAR" => Mount::EnvVar,
            "FILE" => Mount::File,
            other => panic!("mount {other}"),
        },
    };
    Secret {
        group: text(&value["group"]),
        group_version: text(&value["group_version"]),
        key: text(&value["key"]),
        mount,
        env_var: text(&value["env_var"]),
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap()
}

#[test]
fn every_secret_is_written_and_read_to_the_byte() {
    let vectors = vectors();
    let mut not_utf8 = Vec::new();
    for case in cases(&vectors["codec"]) {
        let (name, annotation) = (case["name"].as_str().unwrap(), case["annotation"].as_str().unwrap());
        if case["secret"].is_null() {
            assert_eq!(decode(annotation), Err(DecodeError::NotUtf8 { field: "key" }), "{name}");
            not_utf8.push(name);
            continue;
        }
        let secret = secret(&case["secret"]);
        assert_eq!(to_text(&secret), case["text"].as_str().unwrap(), "{name}");
        assert_eq!(encode(&secret), annotation, "{name}");
        assert_eq!(decode(annotation).as_ref(), Ok(&secret), "{name}");
    }
    // A deviation from Flyte by intent.
    assert_eq!(not_utf8, ["invalid utf8 byte"]);
}

#[test]
fn lists_of_secrets_become_the_annotations_that_flyte_makes() {
    for case in cases(&vectors()["codec_map"]) {
        let secrets: Vec<Secret> = case["secrets"].as_array().unwrap().iter().map(secret).collect();
        let written = write(&secrets, Spelling::Flyte);
        if let Some(error) = case["error"].as_str() {
            assert_eq!(written.unwrap_err().to_string(), error);
            continue;
        }
        let want: BTreeMap<String, String> = serde_json::from_value(case["annotations"].clone()).unwrap();
        let written = written.unwrap();
        assert_eq!(written.iter().cloned().collect::<BTreeMap<_, _>>(), want);
        assert_eq!(read(written.iter().map(|(name, value)| (name.as_str(), value.as_str()))), Ok(secrets));
    }
}

#[test]
fn text_is_taken_and_refused_as_flyte_does() {
    let vectors = vectors();
    let mut not_utf8 = Vec::new();
    for case in cases(&vectors["decode_text_lenient"]["cases"]) {
        let text = case["text"].as_str().unwrap();
        let got = from_text(text.as_bytes());
        if let Some(error) = case["error"].as_str() {
            assert_eq!(got.unwrap_err().to_string(), error, "{text}");
        } else if case["secret"].is_null() {
            assert_eq!(got, Err(DecodeError::NotUtf8 { field: "key" }), "{text}");
            not_utf8.push(text);
        } else {
            assert_eq!(got, Ok(secret(&case["secret"])), "{text}");
        }
    }
    // A deviation from Flyte by intent.
    assert_eq!(not_utf8, [r#"key: "\xff""#]);
}

/// A base32 case is seen through a secret: the bytes that come out are the start of a text, whose error shows them.
#[test]
fn base32_is_taken_and_refused_as_go_does() {
    for case in cases(&vectors()["decode_base32"]["cases"]) {
        let input = case["in"].as_str().unwrap();
        let got = decode(input);
        if let Some(error) = case["error"].as_str() {
            assert_eq!(got.unwrap_err().to_string(), error, "{input}");
        } else {
            let want = bytes(case["hex"].as_str().unwrap());
            assert_eq!(got, from_text(&want), "{input}");
        }
    }
}

#[test]
fn a_field_of_a_newer_flyte_is_unreadable_in_the_same_words() {
    let vectors = vectors();
    let case = &vectors["codec_unknown_wire_field"];
    let annotation = case["annotation"].as_str().unwrap();
    let error = read([("flyte.secrets/s0", annotation)]).unwrap_err();
    let cause = case["decode_error"].as_str().unwrap();
    assert_eq!(error.to_string(), format!("error unmarshaling secret [flyte.secrets/s0]. Error: {cause}"));
    assert!(error.hint().unwrap().contains("another version of Flyte"));
}

#[test]
fn names_are_those_of_flyte() {
    let vectors = vectors();
    assert_eq!(secret::LABEL.0, vectors["label"]["name"].as_str().unwrap());
    assert_eq!(secret::LABEL.1, vectors["label"]["value"].as_str().unwrap());
    assert_eq!(secret::ANNOTATION_PREFIX, vectors["annotation_prefix"].as_str().unwrap());
    for (number, symbol) in (0u8..32).zip(vectors["base32_alphabet"].as_str().unwrap().chars()) {
        assert!(secret::base32(&[number << 3]).starts_with(symbol), "{symbol}");
    }
    for case in cases(&vectors["k8s_volume_names"]) {
        let named = format!("{}_{}", case["group"].as_str().unwrap(), case["group_version"].as_str().unwrap());
        assert_eq!(secret::base32(named.as_bytes()), case["volume_name"].as_str().unwrap());
    }
}

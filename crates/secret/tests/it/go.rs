//! What golang/protobuf itself made of thousands of texts by chance (`tests/go`), value by value and word by word.

use std::collections::BTreeMap;

use secret::{DecodeError, Mount, Secret, decode, from_text};
use serde_json::Value;

#[test]
fn texts_by_chance_are_taken_and_refused_as_golang_protobuf_does() {
    let rows = include_str!("../go/cases.jsonl").lines().map(|row| serde_json::from_str::<Value>(row).unwrap());
    let (mut taken, mut refused, mut not_utf8) = (0, 0, 0);
    let mut other_words: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows {
        let (text, got) = if let Some(annotation) = row["annotation"].as_str() {
            (annotation.as_bytes().to_vec(), decode(annotation))
        } else {
            let text = match (row["text"].as_str(), row["hex"].as_str()) {
                (Some(text), _) => text.as_bytes().to_vec(),
                (None, Some(hex)) => data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap(),
                (None, None) => panic!("{row}"),
            };
            let got = from_text(&text);
            (text, got)
        };
        match (row["error"].as_str(), &row["fields_hex"], got) {
            (Some(want), _, Err(got)) => {
                refused += 1;
                if got.to_string() != want {
                    *other_words.entry(why_other_words(&text, &got, want)).or_default() += 1;
                }
            }
            (None, Value::Null, Ok(got)) => {
                taken += 1;
                assert_eq!(got, secret(&row), "{row}");
            }
            (None, Value::Object(_), Err(DecodeError::NotUtf8 { .. })) => not_utf8 += 1,
            (_, _, got) => panic!("{row}\n{got:?}"),
        }
    }
    assert!(taken > 1000 && refused > 1000 && not_utf8 > 20, "{taken} {refused} {not_utf8}");
    // Words differ in a few of the refusals only.
    assert!(other_words.values().sum::<usize>() * 20 < refused, "{other_words:#?}");
}

/// Where a refusal isn't in Go's words, and why. Everything else fails the test.
fn why_other_words(text: &[u8], got: &DecodeError, want: &str) -> &'static str {
    let got = got.to_string();
    let literals = |words: &str| words.matches(['"', '\'']).count() >= 4;
    if got.ends_with("unrecognized extension or type URL") {
        "Go reads extensions and Any, though the message can hold neither, up to an error"
    } else if got.ends_with("proto: bad UTF-8") && want.contains("invalid quoted string") {
        "two things wrong in one literal, the other one named"
    } else if got.contains('…') {
        "a long piece of the text is shortened"
    } else if literals(&got) && literals(want) {
        "several literals are shown as they stand, not with one space between"
    } else {
        panic!("{:?}\n got {got}\nwant {want}", String::from_utf8_lossy(text));
    }
}

fn secret(row: &Value) -> Secret {
    let field = |name: &str| row["fields"][name].as_str().unwrap_or_default().to_owned();
    Secret {
        group: field("group"),
        group_version: field("group_version"),
        key: field("key"),
        mount: Mount::from_number(row["mount"].as_i64().unwrap_or(0).try_into().unwrap()),
        env_var: field("env_var"),
    }
}

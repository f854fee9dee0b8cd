//! The two readers side by side: what this one takes, `serde_json` takes too, and as the same.

use super::review;
use crate::review::read;
use serde_json::{Value, json};
use std::io::Read as _;

/// Whether this reader takes a review. Fails where the other one sees something else in it.
fn takes(text: &str) -> bool {
    let Some(quick) = review(text) else { return false };
    match read(text) {
        Ok(thorough) => {
            assert_eq!(format!("{quick:?}"), format!("{:?}", *thorough), "{text}");
            true
        }
        Err(error) => panic!("serde_json does not take it: {error}: {text}"),
    }
}

fn of(pod: &Value) -> String {
    json!({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {
        "uid": "u", "kind": {"group": "", "version": "v1", "kind": "Pod"}, "namespace": "n", "operation": "CREATE",
        "userInfo": {"username": "system:admin", "groups": ["a", "b"]}, "dryRun": true, "oldObject": null,
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"}, "object": pod}})
    .to_string()
}

/// Every member that is read, and what is gone past.
fn rich() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": "p", "generateName": "p-", "namespace": "n", "uid": null, "managedFields": [{"a": {}}, [], {}, [[]]],
            "labels": {"a": "b", "c": null}, "annotations": {"x": "long ".repeat(50), "y": "\\ \" é \u{1} \u{2028}"},
        },
        "spec": {
            "serviceAccountName": "s", "securityContext": {"runAsUser": 1000, "fsGroup": -1, "seLinux": 1.5},
            "containers": [
                {
                    "name": "main", "image": "i", "command": ["sh", "-c", "echo \"hi\""], "args": [null, ""],
                    "env": [{"name": "A", "value": "é"}, {"name": "B", "valueFrom": {"x": [1, 2e3, -0, true]}}, null, {}],
                    "volumeMounts": [{"name": "v", "mountPath": "/v", "readOnly": true, "subPath": "s"}, {"readOnly": false}],
                    "resources": {"limits": {"cpu": "1"}}, "securityContext": {"runAsUser": null}, "tty": false,
                },
                null,
                {"env": null, "volumeMounts": null, "args": null, "resources": null, "securityContext": null},
            ],
            "initContainers": [],
            "volumes": [
                {"name": "a", "secret": {"secretName": "s", "items": [{"key": "k", "path": "p"}, null]}},
                {"name": "b", "projected": {"sources": []}}, {"name": "c", "emptyDir": {}}, {"name": "d", "secret": {}},
            ],
        },
        "status": {"phase": "Pending", "conditions": [{"status": "True", "n": u64::MAX}]},
    })
}

#[test]
fn what_api_servers_send_is_taken() {
    assert!(takes(&of(&rich())));
    let pretty: Value = serde_json::from_str(&of(&rich())).unwrap();
    assert!(takes(&format!("\n\t {}\r\n ", serde_json::to_string_pretty(&pretty).unwrap())));
    let compressed = include_bytes!("../../../../testdata/observed.jsonl.gz");
    let mut lines = String::new();
    flate2::read::GzDecoder::new(compressed.as_slice()).read_to_string(&mut lines).unwrap();
    let mut count = 0;
    for case in lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        if case["pod"].is_object() {
            let review = of(&case["pod"]);
            let is_taken = takes(&review);
            count += usize::from(is_taken);
            assert_eq!(is_taken, read(&review).is_ok(), "{}", case["id"]);
        }
    }
    assert!(count > 400, "{count} pods");
}

#[test]
fn a_review_with_a_byte_wrong_is_no_other_review() {
    let whole = of(&rich());
    let (mut taken, mut left) = (0, 0);
    let mut count = |text: &str| if takes(text) { taken += 1 } else { left += 1 };
    for (at, c) in whole.char_indices() {
        count(&whole[..at]);
        let rest = &whole[at + c.len_utf8()..];
        for other in [
            "", "\"", "\\", "{", "}", "[", "]", ",", ":", "0", "1", "-", ".", "e", "n", " ", "\u{1}", "é", "null", "{}",
        ] {
            count(&format!("{}{other}{rest}", &whole[..at]));
        }
    }
    assert!(taken > 1000 && left > 1000, "{taken} were taken, {left} were not");
}

#[test]
fn what_is_odd_is_left_to_the_other_reader() {
    let deep = |depth: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
    assert!(takes(&deep(100)));
    for text in [
        "",
        "null",
        "[]",
        "{} {}",
        r#"{"kind":"a","kind":"b"}"#,
        r#"{"request":{},"request":null}"#,
        r#"{"kin\u0064":"a"}"#,
        r#"{"kind":1}"#,
        r#"{"kind":"\ud800"}"#,
        r#"{"a":"\x"}"#,
        r#"{"a":01}"#,
        r#"{"a":1.}"#,
        r#"{"a":nul}"#,
        r#"{"a":nulls}"#,
        r#"{"a":[1,]}"#,
        r#"{"a":[1}"#,
        r#"{"a":{1:2}}"#,
        r#"{"a":{"b"}}"#,
        r#"{"a":1,}"#,
        r#"{"request":{"dryRun":"true"}}"#,
        r#"{"request":{"object":{"spec":{"securityContext":{"fsGroup":1.0}}}}}"#,
        r#"{"request":{"object":{"spec":{"containers":{}}}}}"#,
        r#"{"request":{"object":{"spec":{"containers":[{"args":"a"}]}}}}"#,
        r#"{"request":{"object":{"spec":{"containers":[{"args":["\ud800"]}]}}}}"#,
        r#"{"request":{"object":{"spec":{"containers":[{"command":["a",1]}]}}}}"#,
        r#"{"request":{"object":{"spec":{"containers":[[]]}}}}"#,
        &deep(1000),
    ] {
        assert!(!takes(text), "{text}");
    }
}

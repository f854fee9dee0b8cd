//! Bad input: whatever comes, there is one answer, soon, with the uid that was asked for.

use secret::{Mount, Secret};
use serde_json::{Value, json};

use crate::admit::{config, create, dialects, no_globals, patch_of, review, send};
use crate::ask::{self, plain, secret};

/// Answers by the default configuration.
fn answer(body: &[u8]) -> Value {
    send(body, &config("keybearer", json!({})), &no_globals())
}

/// Answers that this is not what the webhook is for.
fn assert_bad_request(answer: &Value, words: &[&str]) {
    assert_eq!(
        (&answer["response"]["allowed"], &answer["response"]["status"]["code"]),
        (&json!(false), &json!(400)),
        "{answer}"
    );
    let message = answer["response"]["status"]["message"].as_str().unwrap();
    assert!(words.iter().all(|word| message.contains(word)), "{words:?} in `{message}`");
}

fn good() -> Value {
    review(&ask::pod(&plain(), &[secret("db", "password", Mount::File)]))
}

#[test]
fn what_is_no_review_is_a_bad_request() {
    for body in [
        "",
        " ",
        "null",
        "[]",
        "1",
        "\"text\"",
        "{}",
        "{\"request\":null}",
        "{\"kind\":\"AdmissionReview\"}",
        "not json",
        "\u{feff}",
        "<xml/>",
        "a: b",
        "{\"kind\": 1}",
    ] {
        assert_bad_request(&answer(body.as_bytes()), &[]);
    }
    assert_bad_request(&answer(&[0xff, 0xfe, 0x00]), &[]);
    assert_bad_request(&answer(br#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{}}"#), &[]);
    let mut without_object = good();
    without_object["request"].as_object_mut().unwrap().remove("object");
    assert_bad_request(&answer(without_object.to_string().as_bytes()), &[]);
    for object in [json!(null), json!([]), json!("pod"), json!(1)] {
        let mut sent = good();
        sent["request"]["object"] = object;
        assert_bad_request(&answer(sent.to_string().as_bytes()), &[]);
    }
}

#[test]
fn a_list_is_no_object() {
    // A reader of structs may well take a list for the fields in their order.
    let spec = json!({
        "containers": [{"name": "main", "image": "i", "env": [{"name": "A"}], "volumeMounts": [{"name": "v", "mountPath": "/v"}]}],
        "volumes": [{"name": "v", "secret": {"secretName": "s", "items": [{"key": "k", "path": "k"}]}}],
    });
    let sent = review(&ask::pod(&spec, &[secret("db", "password", Mount::File)]));
    for at in [
        "",
        "/request",
        "/request/object",
        "/request/object/metadata",
        "/request/object/metadata/annotations",
        "/request/object/spec",
        "/request/object/spec/containers/0",
        "/request/object/spec/containers/0/env/0",
        "/request/object/spec/containers/0/volumeMounts/0",
        "/request/object/spec/volumes/0",
        "/request/object/spec/volumes/0/secret",
        "/request/object/spec/volumes/0/secret/items/0",
    ] {
        for list in [json!([]), json!(["a", "b"])] {
            let mut sent = sent.clone();
            *sent.pointer_mut(at).unwrap() = list;
            assert_bad_request(&answer(sent.to_string().as_bytes()), &[]);
        }
    }
}

#[test]
fn truncated_anywhere_it_is_a_bad_request() {
    let body = good().to_string();
    for end in 0..body.len() {
        assert_bad_request(&answer(&body.as_bytes()[..end]), &[]);
    }
}

#[test]
fn another_kind_than_pod_is_a_bad_request() {
    for (field, value) in [("kind", json!("ConfigMap")), ("apiVersion", json!("apps/v1"))] {
        let mut sent = good();
        sent["request"]["object"][field] = value;
        assert_bad_request(&answer(sent.to_string().as_bytes()), &[]);
    }
    // An object without either is a pod: the request says so.
    let mut sent = good();
    for field in ["kind", "apiVersion"] {
        sent["request"]["object"].as_object_mut().unwrap().remove(field);
    }
    assert_eq!(answer(sent.to_string().as_bytes())["response"]["allowed"], true);
}

#[test]
fn another_resource_than_pods_is_a_bad_request() {
    for (kind, resource) in [("ConfigMap", "configmaps"), ("Deployment", "deployments")] {
        let mut sent = good();
        sent["request"]["kind"] = json!({"group": "", "version": "v1", "kind": kind});
        sent["request"]["resource"] = json!({"group": "", "version": "v1", "resource": resource});
        sent["request"]["object"]["kind"] = json!(kind);
        assert_bad_request(&answer(sent.to_string().as_bytes()), &[]);
    }
}

#[test]
fn only_creation_is_answered_with_a_patch() {
    for operation in ["UPDATE", "DELETE", "CONNECT", "PATCH"] {
        let mut sent = good();
        sent["request"]["operation"] = json!(operation);
        let answer = answer(sent.to_string().as_bytes());
        assert!(patch_of(&answer).0.is_empty(), "{operation}: {answer}");
        assert_bad_request(&answer, &["CREATE"]);
    }
}

#[test]
fn both_versions_are_answered_in_kind() {
    for version in ["admission.k8s.io/v1", "admission.k8s.io/v1beta1"] {
        for uid in ["u-1", "705ab4f5-6393-11e8-b7cc-42010a800002"] {
            let mut sent = good();
            sent["apiVersion"] = json!(version);
            sent["request"]["uid"] = json!(uid);
            let answer = answer(sent.to_string().as_bytes());
            assert_eq!(
                (&answer["apiVersion"], &answer["kind"], &answer["response"]["uid"]),
                (&json!(version), &json!("AdmissionReview"), &json!(uid))
            );
            assert_eq!(answer["response"]["allowed"], true);
            assert_eq!(answer["response"]["patchType"], "JSONPatch");
        }
    }
}

#[test]
fn a_denial_has_the_uid_too() {
    let sent = review(&ask::pod(&plain(), &[secret("", "", Mount::File)]));
    let answer = answer(sent.to_string().as_bytes());
    assert_eq!(answer["response"]["uid"], sent["request"]["uid"]);
    assert_eq!(answer["response"]["allowed"], false);
}

#[test]
fn nesting_does_not_reach_the_stack() {
    let deep = 200_000;
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
        let nested = format!("{}1{}", open.repeat(deep), close.repeat(deep));
        let open = open.repeat(deep);
        let sent = good().to_string();
        let at = |place: &str, what: &str| sent.replacen(place, &format!("{what},{place}"), 1);
        for body in [
            nested.clone(),
            open.clone(),
            at("\"uid\":\"705", &format!("\"future\":{nested}")),
            at("\"containers\":", &format!("\"future\":{nested}")),
            at("\"image\":", &format!("\"securityContext\":{nested}")),
            at("\"image\":", &format!("\"resources\":{nested}")),
            at("\"image\":", &format!("\"env\":{nested}")),
            at("\"namespace\":", &format!("\"labels\":{nested}")),
            at("\"namespace\":", &format!("\"labels\":{open}")),
        ] {
            let answer = answer(body.as_bytes());
            assert!(
                answer["response"]["allowed"] == false || !patch_of(&answer).0.is_empty(),
                "never admitted without its secrets"
            );
        }
        for (_, config) in dialects() {
            for text in [&nested, &open] {
                let annotations = json!({"keybearer.dev/secrets": text[..text.len().min(200_000)]});
                assert!(!create(&ask::annotated(&plain(), &annotations), &config, &no_globals()).allowed);
            }
        }
    }
}

#[test]
fn repeated_keys_never_hide_a_request() {
    let sent = good().to_string();
    let none = review(&ask::pod(&plain(), &[])).to_string();
    let annotations = |body: &str| {
        let at = body.find("\"annotations\":").unwrap();
        body[at..=at + body[at..].find('}').unwrap()].to_owned()
    };
    for (place, twice) in [
        (
            "\"request\":",
            format!("\"request\":{},\"request\":", serde_json::from_str::<Value>(&none).unwrap()["request"]),
        ),
        ("\"object\":", "\"object\":{\"kind\":\"Pod\",\"apiVersion\":\"v1\"},\"object\":".to_owned()),
        ("\"spec\":", "\"spec\":{\"containers\":[]},\"spec\":".to_owned()),
        ("\"containers\":", "\"containers\":[],\"containers\":".to_owned()),
        ("\"metadata\":", "\"metadata\":{},\"metadata\":".to_owned()),
        ("\"annotations\":", format!("{},\"annotations\":", annotations(&none))),
        ("\"operation\":", "\"operation\":\"UPDATE\",\"operation\":".to_owned()),
    ] {
        assert_eq!(sent.matches(place).count(), 1, "{place}");
        let answer = answer(sent.replacen(place, &twice, 1).as_bytes());
        assert!(answer["response"]["allowed"] == false || !patch_of(&answer).0.is_empty(), "{place}: {answer}");
    }
}

#[test]
fn of_a_repeated_annotation_the_last_counts() {
    let [first, last] = ["first", "last"].map(|key| ask::base32(ask::text(&secret("db", key, Mount::EnvVar))));
    let sent = review(&ask::annotated(&plain(), &json!({"flyte.secrets/s0": last}))).to_string();
    let sent =
        sent.replacen("\"flyte.secrets/s0\":", &format!("\"flyte.secrets/s0\":\"{first}\",\"flyte.secrets/s0\":"), 1);
    let answer = answer(sent.as_bytes());
    let patch = json!(patch_of(&answer)).to_string();
    assert!(
        answer["response"]["allowed"] == false || patch.contains("_DB_LAST") && !patch.contains("_DB_FIRST"),
        "as the API server has it: {patch}"
    );
}

#[test]
fn annotations_that_are_no_secrets_are_refused_by_name() {
    let text = |text: &str| json!(ask::base32(text));
    for (what, annotations) in [
        ("not base32", json!({"flyte.secrets/s0": "UPPER=="})),
        ("not base32", json!({"flyte.secrets/s0": "0189"})),
        ("not base32", json!({"flyte.secrets/s0": "é"})),
        ("not text", json!({"flyte.secrets/s0": text("group = \"g\"")})),
        ("not text", json!({"flyte.secrets/s0": text("group: g")})),
        ("not text", json!({"flyte.secrets/s0": text("group: \"g\nkey: \"k\"")})),
        ("an unknown field", json!({"flyte.secrets/s0": text("group: \"g\" keys: \"k\"")})),
        ("an unknown field", json!({"flyte.secrets/s0": text("envVar: \"E\"")})),
        ("a repeated field", json!({"flyte.secrets/s0": text("key: \"a\" key: \"a\"")})),
        ("no UTF-8", json!({"flyte.secrets/s0": ask::base32(b"key: \"a\\377b\"\n")})),
        ("the second", json!({"flyte.secrets/s1": "0", "flyte.secrets/s0": text("group: \"g\" key: \"k\"")})),
        ("no list", json!({"keybearer.dev/secrets": "group: g"})),
        ("an unknown field", json!({"keybearer.dev/secrets": "[{group: g, name: k}]"})),
        ("a repeated field", json!({"keybearer.dev/secrets": "[{group: g, group: h, key: k}]"})),
        ("an unknown mount", json!({"keybearer.dev/secrets": "[{group: g, key: k, mount: ENV}]"})),
        ("an alias bomb", json!({"keybearer.dev/secrets": "[{group: &a x, key: *a}]"})),
        ("too long", json!({"flyte.secrets/s0": "a".repeat(262_145)})),
        ("too long", json!({"keybearer.dev/secrets": format!("[{{group: g, key: {}}}]", "k".repeat(262_145))})),
    ] {
        for (name, config) in dialects() {
            let outcome = create(&ask::annotated(&plain(), &annotations), &config, &no_globals());
            assert!(!outcome.allowed, "{what} {name}");
            assert_eq!(outcome.code, if name == "flyte-v2" { 400 } else { 403 }, "{what} {name}");
            let named = annotations.as_object().unwrap().keys().any(|annotation| outcome.message.contains(annotation));
            assert!(named, "{what} {name}: {}", outcome.message);
        }
    }
}

#[test]
fn indexes_may_be_skipped_and_spelled_twice() {
    let encoded = |key: &str| ask::base32(ask::text(&secret("g", key, Mount::EnvVar)));
    for suffixes in [["0", "7", "23"], ["0", "00", "000"], ["9", "10", "100"], ["", "x", "Ω"]] {
        let annotations: serde_json::Map<_, _> = suffixes
            .iter()
            .zip(["a", "b", "c"])
            .map(|(suffix, key)| (format!("flyte.secrets/s{suffix}"), json!(encoded(key))))
            .collect();
        for (name, config) in dialects() {
            let outcome =
                create(&ask::annotated(&plain(), &Value::Object(annotations.clone())), &config, &no_globals());
            assert!(outcome.allowed, "{name} {suffixes:?}: {}", outcome.message);
            let env = outcome.pod["spec"]["containers"][0]["env"].to_string();
            assert!(
                ["_G_A\"", "_G_B\"", "_G_C\""]
                    .iter()
                    .all(|var| env.contains(var) || env.contains(&var.replace("_G", "_FSEC_G"))),
                "{env}"
            );
        }
    }
}

#[test]
fn the_number_of_secrets_is_bounded() {
    let many: Vec<_> = (0..1025).map(|n| secret("g", &format!("k{n}"), Mount::EnvVar)).collect();
    for (_, config) in dialects() {
        assert!(create(&ask::pod(&plain(), &many[..1024]), &config, &no_globals()).allowed);
        let outcome = create(&ask::pod(&plain(), &many), &config, &no_globals());
        assert!(!outcome.allowed && outcome.message.contains("1024"), "{}", outcome.message);
    }
}

#[test]
fn names_that_would_write_lines_do_not_reach_a_message_raw() {
    let asked =
        Secret { env_var: "E\n\u{1b}[31m".into(), ..secret("a\nallowed: true", "\u{202e}key", Mount::Other(9)) };
    for (_, config) in dialects() {
        // `send` holds every message and warning to that.
        assert!(!create(&ask::pod(&plain(), std::slice::from_ref(&asked)), &config, &no_globals()).allowed);
    }
}

#[test]
fn whose_review_it_was_is_told_as_far_as_it_can_be_read() {
    let told = |body: &str| {
        let answer = admission::review::answer(body.as_bytes(), &config("keybearer", json!({})), &no_globals());
        (answer.outcome.is_ok(), answer.uid, answer.dry_run)
    };
    let mut review = good();
    let uid = review["request"]["uid"].as_str().unwrap().to_owned();
    assert_eq!(told(&review.to_string()), (true, uid.clone(), false));
    review["request"]["dryRun"] = json!(null);
    assert_eq!(told(&review.to_string()), (true, uid.clone(), false));
    review["request"]["dryRun"] = json!(true);
    assert_eq!(told(&review.to_string()), (true, uid.clone(), true));
    review["request"]["object"]["spec"] = json!(3);
    assert_eq!(told(&review.to_string()), (false, uid, true));
    assert_eq!(told("no review"), (false, String::new(), false));
}

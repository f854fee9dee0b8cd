//! Whatever is posted as a review is answered: with JSON, the review's own uid, the same bytes each time, and a patch that
//! applies and that changes nothing a second time.
//!
//! The first byte says in which dialect, and whether the rest is a whole review, a pod, or a pod's annotations.

#![no_main]

use admission::{Config, Globals, review};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

static CONFIGS: LazyLock<[Config; 3]> = LazyLock::new(|| {
    ["keybearer", "flyte-v1", "flyte-v2"].map(|name| {
        let text = format!("{{compat: {name}, webhook: {{secretManagerType: K8s}}}}");
        Config::parse(&text, "fuzz").expect("it is served")
    })
});

fuzz_target!(|input: &[u8]| {
    let Some((kind, input)) = input.split_first() else { return };
    let config = &CONFIGS[usize::from(kind % 3)];
    match kind / 3 % 3 {
        0 => whole(input, config),
        1 => {
            if let Ok(pod) = serde_json::from_slice(input) {
                fixed_point(pod, config);
            }
        }
        _ => annotations(input, config),
    }
});

/// Any bytes at all.
fn whole(body: &[u8], config: &Config) {
    let answer = answer(body, config);
    if let Some(odd) = odd(body) {
        let other = self::answer(&odd, config);
        assert_eq!(answer["response"]["allowed"], other["response"]["allowed"], "{answer}, {other}");
        // What is wrong stands elsewhere now.
        if answer["response"]["allowed"] == true {
            assert_eq!(answer, other);
        }
    }
    let uid = serde_json::from_slice::<Value>(body)
        .ok()
        .and_then(|review| Some(review["request"]["uid"].as_str()?.to_owned()));
    if let Some(uid) = uid.filter(|_| answer["response"]["allowed"] == true) {
        assert_eq!(answer["response"]["uid"], uid);
    }
}

/// The same review with a name in front that has an escape, which the quick reader leaves to serde_json.
fn odd(body: &[u8]) -> Option<Vec<u8>> {
    let rest = body.trim_ascii_start().strip_prefix(b"{")?;
    let is_empty = rest.trim_ascii_start().starts_with(b"}");
    (!is_empty).then(|| [br#"{"\u006fdd":null,"#, rest].concat())
}

/// Lines `NAME=VALUE` as the annotations of a usual pod.
fn annotations(input: &[u8], config: &Config) {
    let Ok(input) = std::str::from_utf8(input) else { return };
    let annotations: Map<String, Value> = input
        .split('\u{1}')
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "p", "annotations": annotations},
        "spec": {
            "initContainers": [{"name": "first", "image": "i"}],
            "containers": [{"name": "main", "image": "i", "env": [{"name": "A", "value": "b"}]}, {"name": "istio-proxy"}],
        },
    });
    fixed_point(pod, config);
}

/// What is patched once is not patched again.
fn fixed_point(mut pod: Value, config: &Config) {
    let review = |pod: &Value| {
        json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
            "uid": "u-1", "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "namespace": "n", "operation": "CREATE", "object": pod}})
        .to_string()
    };
    let first = answer(review(&pod).as_bytes(), config);
    assert_eq!(first["response"]["uid"], "u-1");
    let Some(patch) = patch(&first) else { return };
    json_patch::patch(&mut pod, &patch).expect("the patch applies");
    let second = answer(review(&pod).as_bytes(), config);
    assert_eq!(second["response"]["allowed"], true, "{second}");
    assert!(self::patch(&second).is_none(), "a second patch: {:?}", self::patch(&second));
}

fn patch(answer: &Value) -> Option<json_patch::Patch> {
    let patch = data_encoding::BASE64.decode(answer["response"].get("patch")?.as_str()?.as_bytes()).expect("base64");
    Some(serde_json::from_slice(&patch).expect("an RFC 6902 patch"))
}

/// Answers twice, and looks at the answer's form.
fn answer(body: &[u8], config: &Config) -> Value {
    let globals = Globals::default();
    let bytes = review::answer(body, config, &globals).body;
    assert_eq!(bytes, review::answer(body, config, &globals).body, "the same bytes each time");
    let answer: Value = serde_json::from_slice(&bytes).expect("an answer is JSON");
    let response = answer["response"].as_object().expect("an answer has a response");
    assert!(response["uid"].is_string(), "the API server needs a uid: {answer}");
    assert_eq!(response.contains_key("patch"), response.contains_key("patchType"), "both or neither: {answer}");
    if response["allowed"] == true {
        return answer;
    }
    assert!(response.get("patch").is_none(), "a refusal has no patch: {answer}");
    let message = response["status"]["message"].as_str().expect("a refusal says why");
    assert!(!message.is_empty() && message.len() <= 8192, "a refusal of {} bytes", message.len());
    answer
}

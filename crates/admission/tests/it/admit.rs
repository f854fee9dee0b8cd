//! One admission as the API server makes it: a review goes in, the answer is checked for form, its patch is applied.

use admission::{Config, Globals, review};
use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::oracle;

/// What became of a pod.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) allowed: bool,
    /// `response.status.code`; 200 where the answer has none.
    pub(crate) code: i64,
    pub(crate) reason: String,
    pub(crate) message: String,
    pub(crate) warnings: Vec<String>,
    pub(crate) patched: bool,
    /// The pod after the patch; the pod as it was if there was none.
    pub(crate) pod: Value,
}

/// The review of a pod's creation.
pub(crate) fn review(pod: &Value) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "requestKind": {"group": "", "version": "v1", "kind": "Pod"},
            "requestResource": {"group": "", "version": "v1", "resource": "pods"},
            "name": "f-abc-n0-0",
            "namespace": "flytesnacks-development",
            "operation": "CREATE",
            "userInfo": {"username": "system:serviceaccount:flyte:flytepropeller", "uid": "u", "groups": ["system:authenticated"]},
            "object": pod,
            "oldObject": null,
            "dryRun": false,
            "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"}
        }
    })
}

/// Sends bytes; the answer's form is checked, whatever it says.
pub(crate) fn send(body: &[u8], config: &Config, globals: &Globals) -> Value {
    let answer = review::answer(body, config, globals).body;
    let answer: Value = serde_json::from_slice(&answer).expect("an answer is JSON");
    let response = answer["response"].as_object().expect("an answer has a response");
    let allowed = response["allowed"].as_bool().expect("a response says whether it is allowed");
    assert!(response["uid"].is_string(), "the API server needs the uid: {answer}");
    assert_eq!(response.contains_key("patch"), response.contains_key("patchType"), "both or neither: {answer}");
    if response.contains_key("patch") {
        assert!(allowed, "a denial has no patch: {answer}");
        assert_eq!(response["patchType"], "JSONPatch");
        assert!(!patch_of(&answer).0.is_empty(), "a patch of nothing is no patch");
    }
    if !allowed {
        let code = response["status"]["code"].as_i64().expect("a denial has a code");
        assert!((400..600).contains(&code), "{answer}");
        let message = response["status"]["message"].as_str().expect("a denial says why");
        assert!(
            !message.is_empty() && message.len() <= 8192,
            "a message is there and bounded: {} bytes",
            message.len()
        );
        assert!(!message.chars().any(|c| c.is_control() && c != '\n'), "a message is printable: {message:?}");
    }
    for warning in response.get("warnings").and_then(Value::as_array).into_iter().flatten() {
        let warning = warning.as_str().expect("warnings are strings");
        assert!(!warning.is_empty() && !warning.chars().any(char::is_control), "fit for an HTTP header: {warning:?}");
    }
    answer
}

/// The patch of an answer; empty if there is none.
pub(crate) fn patch_of(answer: &Value) -> json_patch::Patch {
    let Some(patch) = answer["response"].get("patch") else { return json_patch::Patch(Vec::new()) };
    let bytes = BASE64.decode(patch.as_str().expect("a patch is a string").as_bytes()).expect("a patch is base64");
    let patch: Value = serde_json::from_slice(&bytes).expect("a patch is JSON");
    assert!(patch.is_array(), "a patch is a list: {patch}");
    serde_json::from_value(patch).expect("a patch is an RFC 6902 patch")
}

/// Creates a pod; what comes out is held against [`oracle::check`].
pub(crate) fn create(pod: &Value, config: &Config, globals: &Globals) -> Outcome {
    let outcome = create_unchecked(pod, config, globals);
    oracle::check(pod, &outcome, config, globals);
    outcome
}

/// Creates a pod without holding the result against anything.
pub(crate) fn create_unchecked(pod: &Value, config: &Config, globals: &Globals) -> Outcome {
    let sent = review(pod);
    let answer = send(sent.to_string().as_bytes(), config, globals);
    assert_eq!(answer["apiVersion"], sent["apiVersion"]);
    assert_eq!(answer["kind"], sent["kind"]);
    assert_eq!(answer["response"]["uid"], sent["request"]["uid"]);
    outcome(&answer, pod)
}

/// The outcome that an answer is for a pod.
pub(crate) fn outcome(answer: &Value, pod: &Value) -> Outcome {
    let response = &answer["response"];
    let text = |field: &str| response["status"][field].as_str().unwrap_or_default().to_owned();
    let mut after = pod.clone();
    let patch = patch_of(answer);
    json_patch::patch(&mut after, &patch).unwrap_or_else(|error| panic!("the patch applies: {error}\n{patch}\n{pod}"));
    let warnings = response["warnings"].as_array().cloned().unwrap_or_default();
    Outcome {
        allowed: response["allowed"] == true,
        code: response["status"]["code"].as_i64().unwrap_or(200),
        reason: text("reason"),
        message: text("message"),
        warnings: warnings.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        patched: !patch.0.is_empty(),
        pod: after,
    }
}

/// A configuration in one dialect, with more sections if given.
pub(crate) fn config(compat: &str, more: Value) -> Config {
    let mut text = json!({"compat": compat});
    if let (Value::Object(all), Value::Object(more)) = (&mut text, more) {
        all.extend(more);
    }
    Config::parse(&text.to_string(), "test.yaml").unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The three dialects, each with manager K8s.
pub(crate) fn dialects() -> [(&'static str, Config); 3] {
    ["keybearer", "flyte-v1", "flyte-v2"]
        .map(|name| (name, config(name, json!({"webhook": {"secretManagerType": "K8s"}}))))
}

/// A webhook whose own pod has no global secrets.
pub(crate) fn no_globals() -> Globals {
    Globals::new(None::<(String, Vec<u8>)>, None::<(String, Vec<u8>)>)
}

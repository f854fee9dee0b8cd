//! The API server's call: an `AdmissionReview` in, its answer out.
//!
//! kube's own response type writes a patch as a list of numbers (kube-rs/kube#1781), which the API server can't read,
//! so both sides are small types of ours.

use crate::config::Config;
use crate::denial::Denial;
use crate::object::Object;
use crate::patch::Patch;
use crate::plan::Plan;
use crate::planner::plan;
use crate::policy::Identity;
use crate::reader;
use crate::render::render;
use crate::text::Text;
use crate::unreadable;
use crate::values::{Globals, Values};
use crate::view::PodView;
use base64_simd::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The group of `AdmissionReview`.
const API_VERSIONS: [&str; 2] = ["admission.k8s.io/v1", "admission.k8s.io/v1beta1"];

/// The uid of an answer to something that was no review.
pub const NIL_UID: &str = "00000000-0000-0000-0000-000000000000";

/// A review, and what its object is read as.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a, O: Deserialize<'de>"))]
pub(crate) struct Review<'a, O> {
    #[serde(borrow, default)]
    pub(crate) api_version: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) kind: Text<'a>,
    #[serde(default = "Option::default")]
    pub(crate) request: Option<Object<Request<'a, O>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a, O: Deserialize<'de>"))]
pub(crate) struct Request<'a, O> {
    #[serde(borrow, default)]
    pub(crate) uid: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) kind: Object<GroupVersionKind<'a>>,
    #[serde(borrow, default)]
    pub(crate) namespace: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) operation: Text<'a>,
    #[serde(default)]
    pub(crate) dry_run: Option<bool>,
    #[serde(default = "Option::default")]
    pub(crate) object: Option<O>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct GroupVersionKind<'a> {
    #[serde(borrow, default)]
    pub(crate) group: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) version: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) kind: Text<'a>,
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    /// The `AdmissionReview` as JSON, byte for byte what is sent.
    pub body: Vec<u8>,
    /// The plan or the refusal behind it.
    pub outcome: Result<Plan, Denial>,
    /// The review's own name; empty where it could not be read.
    pub uid: String,
    /// Whether nothing comes of it: `kubectl apply --dry-run=server`.
    pub dry_run: bool,
    /// The pod's namespace, as far as it could be read.
    pub namespace: String,
    /// The pod's name or the prefix of it, as far as it could be read.
    pub pod: String,
}

/// Who asks, in the answer's own words.
struct Envelope<'a> {
    api_version: &'a str,
    uid: &'a str,
    dry_run: bool,
}

/// Answers a review.
pub fn answer(body: &[u8], config: &Config, globals: &Globals) -> Answer {
    let text = match simdutf8::compat::from_utf8(body) {
        Ok(text) => text,
        Err(error) => {
            return refuse(&UNKNOWN, Denial::unreadable(format!("the review is not UTF-8: {error}")));
        }
    };
    if let Some(review) = reader::review(text) {
        return answer_review(&review, |pod| Ok(&**pod), config, globals);
    }
    // Each entry has a comma before it, but the first of a list or a map.
    if text.bytes().filter(|byte| *byte == b',').count() > MAX_COMMAS {
        let message = format!("the review has more than {MAX_COMMAS} entries, and is not as API servers write it");
        return refuse(&UNKNOWN, Denial::unreadable(message));
    }
    // Only what can't be read in one go is looked at in two, to tell whether review or pod is at fault.
    match read(text) {
        Ok(review) => answer_review(&review, |pod| Ok(&**pod), config, globals),
        Err(_) => answer_in_two(text, config, globals),
    }
}

/// Commas of a review that `serde_json` is asked to read, which has no bound of its own: what an entry of a list takes in memory
/// is far more than its two bytes.
const MAX_COMMAS: usize = 1 << 17;

/// Reads a review in one go.
pub(crate) fn read(text: &str) -> Result<Object<Review<'_, Object<PodView<'_>>>>, serde_json::Error> {
    serde_json::from_str(text)
}

fn answer_in_two(text: &str, config: &Config, globals: &Globals) -> Answer {
    let Ok(review) = serde_json::from_str::<Object<Review<'_, &RawValue>>>(text) else {
        let why = unreadable::why::<Object<Review<'_, &RawValue>>>(text);
        return refuse(&UNKNOWN, Denial::unreadable(format!("the review can't be read: {why}")));
    };
    let why = |object: &&RawValue| {
        let why = unreadable::why::<Object<PodView<'_>>>(object.get());
        Err(Denial::unreadable(format!("the pod can't be read: {why}")))
    };
    answer_review(&review, why, config, globals)
}

/// Answers a review whose envelope could be read.
fn answer_review<'r, 'a: 'r, O>(
    review: &'r Review<'a, O>,
    pod: impl FnOnce(&'r O) -> Result<&'r PodView<'a>, Denial>,
    config: &Config,
    globals: &Globals,
) -> Answer {
    let uid = review.request.as_ref().and_then(|request| request.uid.as_ref()).map_or("", |uid| uid.as_str());
    let dry_run = review.request.as_ref().and_then(|request| request.dry_run).unwrap_or(false);
    let api_version = API_VERSIONS.into_iter().find(|version| *version == review.api_version.as_str());
    let envelope = Envelope { api_version: api_version.unwrap_or(API_VERSIONS[0]), uid, dry_run };
    let checked = check(review, api_version.is_some());
    match checked.and_then(|(request, object)| Ok((request, pod(object)?))) {
        Ok((request, pod)) => {
            let asked = request.namespace.as_str();
            let namespace = if asked.is_empty() { pod.metadata.namespace.as_str() } else { asked };
            answer_pod(&envelope, pod, namespace, config, globals)
        }
        Err(denial) => refuse(&envelope, denial),
    }
}

/// Who asks is not known.
const UNKNOWN: Envelope<'static> = Envelope { api_version: API_VERSIONS[0], uid: "", dry_run: false };

/// Refuses before anything is known of the pod.
fn refuse(envelope: &Envelope<'_>, denial: Denial) -> Answer {
    Answer {
        body: write_refusal(envelope, &denial),
        outcome: Err(denial),
        uid: envelope.uid.to_owned(),
        dry_run: envelope.dry_run,
        namespace: String::new(),
        pod: String::new(),
    }
}

/// Answers for a pod that did not come in a review: what the webhook would send, with a nil uid.
pub fn answer_for(pod: &PodView<'_>, namespace: &str, config: &Config, globals: &Globals) -> Answer {
    let envelope = Envelope { api_version: API_VERSIONS[0], uid: NIL_UID, dry_run: false };
    answer_pod(&envelope, pod, namespace, config, globals)
}

/// On whose behalf a pod in a namespace asks.
pub fn identity<'p>(pod: &'p PodView<'_>, namespace: &'p str) -> Identity<'p> {
    let account = pod.spec.as_ref().map_or("", |spec| spec.service_account_name.as_str());
    Identity { namespace, service_account: if account.is_empty() { "default" } else { account } }
}

fn answer_pod(
    envelope: &Envelope<'_>,
    pod: &PodView<'_>,
    namespace: &str,
    config: &Config,
    globals: &Globals,
) -> Answer {
    let planned = check_pod_kind(pod).and_then(|()| plan(pod, &identity(pod, namespace), config, globals));
    let patched = planned.and_then(|plan| {
        let values = Values::inline(&plan, globals, &config.global);
        let patch = render(&plan, pod, &values).sendable(config)?;
        Ok((write(envelope, &plan, &patch), plan))
    });
    let (written, outcome) = match patched {
        Ok((body, plan)) => (body, Ok(plan)),
        Err(denial) => (write_refusal(envelope, &denial), Err(denial)),
    };
    let (uid, dry_run) = (envelope.uid.to_owned(), envelope.dry_run);
    Answer { body: written, outcome, uid, dry_run, namespace: namespace.to_owned(), pod: pod.title() }
}

fn check<'r, 'a, O>(review: &'r Review<'a, O>, known_version: bool) -> Result<(&'r Request<'a, O>, &'r O), Denial> {
    if !known_version || review.kind.as_str() != "AdmissionReview" {
        return Err(Denial::unreadable(format!(
            "this is `{}` of `{}`, not an AdmissionReview of `{}`",
            review.kind.escape_debug(),
            review.api_version.escape_debug(),
            API_VERSIONS.join("` or `")
        )));
    }
    let request = review.request.as_deref().ok_or_else(|| Denial::unreadable("the review has no `request`"))?;
    if request.uid.is_none() {
        return Err(Denial::unreadable("the review's request has no `uid`"));
    }
    let kind = &request.kind;
    // Flyte's own tests, and kubectl's users, leave the kind out.
    let no_kind = kind.kind.is_empty() && kind.version.is_empty();
    if !no_kind && (kind.group.as_str(), kind.version.as_str(), kind.kind.as_str()) != ("", "v1", "Pod") {
        return Err(Denial::unreadable(format!(
            "the review is about `{}` of `{}/{}`, not about a v1 Pod",
            kind.kind.escape_debug(),
            kind.group.escape_debug(),
            kind.version.escape_debug()
        ))
        .with_hint("the webhook's registration should have a rule for CREATE of pods alone"));
    }
    if !matches!(request.operation.as_str(), "" | "CREATE") {
        return Err(Denial::unreadable(format!(
            "the review is about {}, not about CREATE",
            request.operation.escape_debug()
        ))
        .with_hint("the webhook's registration should have a rule for CREATE of pods alone"));
    }
    let object = request.object.as_ref().ok_or_else(|| Denial::unreadable("the review's request has no `object`"))?;
    Ok((request, object))
}

fn check_pod_kind(pod: &PodView<'_>) -> Result<(), Denial> {
    let named = (pod.api_version.as_str(), pod.kind.as_str());
    if matches!(named.0, "" | "v1") && matches!(named.1, "" | "Pod") {
        return Ok(());
    }
    Err(Denial::unreadable(format!(
        "the review's object is `{}` of `{}`, not a v1 Pod",
        named.1.escape_debug(),
        named.0.escape_debug()
    )))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReviewOut<'a> {
    api_version: &'a str,
    kind: &'a str,
    // The last one: see `append_patch`.
    response: ResponseOut<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResponseOut<'a> {
    uid: &'a str,
    allowed: bool,
    status: StatusOut<'a>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    warnings: &'a [String],
}

#[derive(Serialize)]
struct StatusOut<'a> {
    code: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    message: &'a str,
}

/// What an answer has besides its patch.
const USUAL: usize = 512;

fn write(envelope: &Envelope<'_>, plan: &Plan, patch: &Patch) -> Vec<u8> {
    let message = if plan.is_empty() { "No changes" } else { "" };
    let status = StatusOut { code: 200, reason: None, message };
    let response = ResponseOut { uid: envelope.uid, allowed: true, status, warnings: &plan.warnings };
    let mut body = Vec::with_capacity(USUAL + STANDARD.encoded_length(patch.as_bytes().len()));
    write_response(envelope.api_version, response, &mut body);
    if !patch.is_empty() {
        append_patch(patch, &mut body);
    }
    body
}

fn write_refusal(envelope: &Envelope<'_>, denial: &Denial) -> Vec<u8> {
    let message = denial.to_string();
    let status = StatusOut { code: denial.code, reason: Some(denial.reason()), message: &message };
    let mut body = Vec::with_capacity(USUAL + message.len());
    write_response(
        envelope.api_version,
        ResponseOut { uid: envelope.uid, allowed: false, status, warnings: &[] },
        &mut body,
    );
    body
}

fn write_response(api_version: &str, response: ResponseOut<'_>, body: &mut Vec<u8>) {
    let review = ReviewOut { api_version, kind: "AdmissionReview", response };
    if let Err(error) = serde_json::to_writer(body, &review) {
        unreachable!("strings are JSON, and memory takes them: {error}");
    }
}

/// Adds the patch to a response, as its last members; the API server wants both or neither. It goes from the patch's text
/// right to where it is sent from: as a string of its own it would be copied, and searched for what has to be escaped.
fn append_patch(patch: &Patch, body: &mut Vec<u8>) {
    // The response's end and the review's.
    body.truncate(body.len() - 2);
    body.extend_from_slice(br#","patch":""#);
    STANDARD.encode_append(patch.as_bytes(), body);
    body.extend_from_slice(br#"","patchType":"JSONPatch"}}"#);
}

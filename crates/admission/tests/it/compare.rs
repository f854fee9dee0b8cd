//! Whether two pods are the same pod: leaving aside what Go's typed decoding and encoding adds or loses without meaning.
//!
//! Dropped on both sides: nulls, `false`, empty strings, lists and objects, and the fields that Flyte doesn't know. Values
//! that Flyte rewrites (quantities, times) are rewritten on both sides. So keeping an unknown field conforms, and is
//! better than what Flyte does. Blind spot: `false` and `""` equal absent.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::cases::{Case, Roundtrip};

/// Objects whose keys are data: an empty value of a label means something.
const MAPS: [&str; 4] = ["annotations", "labels", "nodeSelector", "matchLabels"];

/// What is left aside for one case.
#[derive(Default)]
pub(crate) struct Lenient<'a> {
    /// Names of fields that Flyte's vendored API doesn't know.
    unknown: BTreeSet<String>,
    /// `(field, from, to)`.
    rewritten: Vec<(String, &'a Value, &'a Value)>,
}

impl<'a> Lenient<'a> {
    /// For a case, as its `roundtrip` says.
    pub(crate) fn of(case: &'a Case) -> Self {
        let Roundtrip { dropped, changed } = &case.roundtrip;
        let unknown = dropped.iter().filter(|pointer| {
            // Of what Flyte drops, empty values are dropped here anyway; only full ones are of unknown fields.
            last(pointer) == "futureField" || case.pod.pointer(pointer).is_some_and(|value| !is_empty(value))
        });
        Self {
            unknown: unknown.map(|pointer| last(pointer)).collect(),
            rewritten: changed.iter().map(|change| (last(&change.path), &change.from, &change.to)).collect(),
        }
    }

    /// Whether the two are the same pod.
    pub(crate) fn same(&self, one: &Value, other: &Value) -> bool {
        self.normal(&renamed(one), "") == self.normal(&renamed(other), "")
    }

    /// `value` without what means nothing, or nothing at all. `key` is the field that holds it.
    pub(crate) fn normal(&self, value: &Value, key: &str) -> Option<Value> {
        let kept = match value {
            Value::Object(fields) if MAPS.contains(&key) => {
                let full = fields.iter().filter(|(_, value)| !value.is_null());
                Value::Object(full.map(|(name, value)| (name.clone(), value.clone())).collect())
            }
            Value::Object(fields) => {
                let mut kept = Map::new();
                for (name, value) in fields.iter().filter(|(name, _)| !self.unknown.contains(*name)) {
                    let rewrite = self.rewritten.iter().find(|(field, from, _)| field == name && *from == value);
                    let value = rewrite.map_or(value, |(_, _, to)| to);
                    if let Some(value) = self.normal(value, name) {
                        kept.insert(name.clone(), value);
                    }
                }
                Value::Object(kept)
            }
            Value::Array(items) => {
                // Flyte turns a null in a list into an empty object.
                Value::Array(items.iter().map(|item| self.item(item)).collect())
            }
            scalar => scalar.clone(),
        };
        (!is_empty(&kept) || key == "emptyDir" && kept.is_object()).then_some(kept)
    }

    fn item(&self, item: &Value) -> Value {
        match item {
            Value::Object(_) | Value::Array(_) => self
                .normal(item, "")
                .unwrap_or_else(|| if item.is_array() { Value::Array(vec![]) } else { Value::Object(Map::new()) }),
            Value::Null => Value::Object(Map::new()),
            scalar => scalar.clone(),
        }
    }
}

/// The pod with `UUID-0`, `UUID-1`, … in the names of Vault's annotations, in the order of what the annotations say, as the
/// observed pods have it.
pub(crate) fn renamed(pod: &Value) -> Value {
    const OF: [&str; 3] = ["secret", "file", "template"];
    let mut pod = pod.clone();
    let Some(annotations) = pod.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) else { return pod };
    let name = |of: &str, id: &str| format!("vault.hashicorp.com/agent-inject-{of}-{id}");
    let ids = annotations.keys().filter_map(|key| key.strip_prefix("vault.hashicorp.com/agent-inject-secret-"));
    let ids: Vec<String> = ids.filter(|id| is_uuid(id)).map(str::to_owned).collect();
    let mut said: Vec<_> = ids.iter().map(|id| (OF.map(|of| annotations.remove(&name(of, id))), id)).collect();
    said.sort_by_key(|(said, _)| said.each_ref().map(|value| value.as_ref().map(Value::to_string)));
    for (n, (said, _)) in said.into_iter().enumerate() {
        for (of, value) in OF.iter().zip(said) {
            annotations.extend(value.map(|value| (name(of, &format!("UUID-{n}")), value)));
        }
    }
    pod
}

/// Whether a text has the form of a UUID.
pub(crate) fn is_uuid(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let lengths: Vec<_> = parts.iter().map(|part| part.len()).collect();
    lengths == [8, 4, 4, 4, 12] && parts.iter().all(|part| part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// The last token of a JSON pointer.
fn last(pointer: &str) -> String {
    let token = pointer.rsplit('/').next().unwrap_or_default();
    token.replace("~1", "/").replace("~0", "~")
}

/// Flyte's outcome of a case as a pod.
pub(crate) fn flyte_pod<'a>(case: &'a Case, outcome: &'a crate::cases::Observed) -> &'a Value {
    outcome.pod.as_ref().filter(|_| outcome.patched).unwrap_or(&case.pod)
}

#[test]
fn what_means_nothing_is_left_aside() {
    let lenient = Lenient::default();
    let one =
        serde_json::json!({"a": null, "b": [], "c": {"emptyDir": {}}, "labels": {"x": ""}, "d": [null, {"e": false}]});
    let other = serde_json::json!({"c": {"emptyDir": {}}, "labels": {"x": ""}, "d": [{}, {}], "f": {"g": {}}});
    assert!(lenient.same(&one, &other));
}

#[test]
fn what_means_something_is_not() {
    let lenient = Lenient::default();
    let base = serde_json::json!({"volumes": [{"name": "v", "emptyDir": {}}], "labels": {"x": ""}});
    for other in [
        serde_json::json!({"volumes": [{"name": "v"}], "labels": {"x": ""}}),
        serde_json::json!({"volumes": [{"name": "v", "emptyDir": {}}], "labels": {}}),
        serde_json::json!({"volumes": [{"name": "w", "emptyDir": {}}], "labels": {"x": ""}}),
    ] {
        assert!(!lenient.same(&base, &other), "{other}");
    }
}

#[test]
fn flyte_conforms_to_itself_and_to_nothing_else() {
    // Different outcomes of one case differ, and each is equal to itself: otherwise the comparison would prove nothing.
    for case in crate::cases::observed() {
        let lenient = Lenient::of(&case);
        for (n, outcome) in case.outcomes.iter().enumerate() {
            assert!(lenient.same(flyte_pod(&case, outcome), flyte_pod(&case, outcome)), "{}", case.id);
            for other in &case.outcomes[n + 1..] {
                let same_answer = (outcome.allowed, outcome.code) == (other.allowed, other.code);
                let same_pod = lenient.same(flyte_pod(&case, outcome), flyte_pod(&case, other));
                assert!(!(same_answer && same_pod), "{}: two outcomes look the same", case.id);
            }
        }
    }
}

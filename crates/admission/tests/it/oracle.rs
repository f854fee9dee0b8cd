//! What must hold of every answer, whatever the dialect: the pod is a pod, nothing of the user's is lost, and a second
//! admission changes nothing.

use std::collections::BTreeSet;

use admission::{Config, Globals};
use k8s_openapi::api::core::v1::Pod;
use serde_json::Value;

use crate::admit::{Outcome, create_unchecked};
use crate::api_server::{Rule, Violation, new_violations};

/// Holds an outcome against everything that must hold.
pub(crate) fn check(before: &Value, outcome: &Outcome, config: &Config, globals: &Globals) {
    if !outcome.allowed {
        return;
    }
    if let Err(error) = serde_json::from_value::<Pod>(outcome.pod.clone()) {
        // Flyte repairs a null in a list of objects; so may we, but need not.
        assert!(
            serde_json::from_value::<Pod>(before.clone()).is_err(),
            "a pod before, but no more: {error}\n{}",
            outcome.pod
        );
    }
    if let Err(lost) = survives(before, &outcome.pod, "") {
        panic!("lost {lost}\nbefore {before}\nafter {}", outcome.pod);
    }
    let again = create_unchecked(&outcome.pod, config, globals);
    assert!(again.allowed, "refused the second time: {}\n{}", again.message, outcome.pod);
    assert_eq!(again.pod, outcome.pod, "a second admission changes the pod");
}

/// The faults that an API server finds in our pod but not in the pod as it came, but for those that we leave to it.
pub(crate) fn our_faults(before: &Value, after: &Value) -> BTreeSet<Violation> {
    let mut found = new_violations(before, after);
    // A Secret named like `my_secret` can't exist. Flyte's own tests make such references (group `grOUP`), so ours are the
    // same, with a warning; the API server refuses the pod and says why.
    found.retain(|violation| violation.rule != Rule::RefName);
    found
}

/// Whether everything of `before` is still in `after`, or the pointer of what is not.
///
/// Lists may gain items anywhere. What may go: a null, and a volume of our own name, which is made anew. A variable may be
/// replaced by another of its name, and one of ours may move to the front again.
pub(crate) fn survives(before: &Value, after: &Value, at: &str) -> Result<(), String> {
    match (before, after) {
        (Value::Null, _) => Ok(()),
        (Value::Object(before), Value::Object(after)) => before.iter().try_for_each(|(field, value)| {
            let at = format!("{at}/{field}");
            match after.get(field) {
                Some(kept) => survives(value, kept, &at),
                None => Err(at),
            }
        }),
        (Value::Array(before), Value::Array(after)) => {
            let mut from = 0;
            for (n, item) in before.iter().enumerate() {
                match after[from..].iter().position(|kept| survives(item, kept, at).is_ok()) {
                    Some(found) => from += found + 1,
                    None if at.ends_with("/env") && (after.contains(item) || replaced(item, after)) => {}
                    None if at == "/spec/volumes" && item["name"] == "keybearer-secrets" => {}
                    None => return Err(format!("{at}/{n}")),
                }
            }
            Ok(())
        }
        _ if before == after => Ok(()),
        _ => Err(at.to_owned()),
    }
}

/// Whether another variable of that name is there.
fn replaced(var: &Value, env: &[Value]) -> bool {
    env.iter().any(|other| other["name"] == var["name"] && other != var)
}

#[test]
fn what_is_lost_is_noticed() {
    let pod = serde_json::json!({"spec": {"future": 1, "containers": [{"name": "a", "env": [{"name": "X", "value": "1"}, {"name": "Y"}]}, {"name": "b"}]}});
    assert_eq!(survives(&pod, &pod, ""), Ok(()));
    for (lost, at) in [
        (serde_json::json!({"spec": {"containers": pod["spec"]["containers"]}}), "/spec/future"),
        (serde_json::json!({"spec": {"future": 2, "containers": pod["spec"]["containers"]}}), "/spec/future"),
        (
            serde_json::json!({"spec": {"future": 1, "containers": [{"name": "a", "env": [{"name": "X", "value": "1"}]}, {"name": "b"}]}}),
            "/spec/containers/0",
        ),
        (
            serde_json::json!({"spec": {"future": 1, "containers": [{"name": "b"}, pod["spec"]["containers"][0]]}}),
            "/spec/containers/1",
        ),
    ] {
        assert_eq!(survives(&pod, &lost, ""), Err(at.into()));
    }
    let replaced = serde_json::json!({"spec": {"future": 1, "containers": [{"name": "a", "env": [{"name": "X", "value": "2"}, {"name": "Y"}], "new": 1}, {"name": "b"}]}});
    assert_eq!(survives(&pod, &replaced, ""), Ok(()));
}

//! Changes in a cluster: one key of a Secret, all others left as they are.

use super::object::{MANAGED_BY, Object, US};
use super::{NamesArgs, Place, Target};
use crate::fault::Fault;
use crate::kubectl::{Failure, Kubectl};
use crate::terminal;
use admission::Value;
use data_encoding::BASE64;
use secrecy::ExposeSecret;
use secret::Secret;
use serde_json::json;
use zeroize::Zeroizing;

/// How often a change is tried where somebody else changes the same Secret at the same time.
const TRIES: usize = 5;

/// Keeps a value, which is asked for when it is known that it may be kept. The answer is the Secret's name and key, whether
/// there was another value, and how large the new one is.
pub(in crate::secrets) fn set(
    place: &Place,
    secret: &Secret,
    names: &NamesArgs,
    force: bool,
    value: impl FnOnce() -> Result<Value, Fault>,
) -> Result<Kept, Fault> {
    let target = place.target(secret, names)?;
    let mut there = place.find(&target.name)?;
    check(there.as_ref(), &target, place, force)?;
    let value = value()?;
    let encoded = Zeroizing::new(BASE64.encode(value.expose_secret()));
    for _ in 0..TRIES {
        let replaced = there.as_ref().is_some_and(|object| object.has(&target.key));
        let done = match &there {
            None => create(place, &target, &encoded),
            Some(object) => patch(place, object, &target.key, Some(&encoded)),
        };
        match done {
            Ok(()) => {
                confirm(place, &target, &value)?;
                return Ok(Kept { name: target.name, key: target.key, replaced, value });
            }
            Err(failure) if is_late(&failure) => {
                there = place.find(&target.name)?;
                check(there.as_ref(), &target, place, force)?;
            }
            Err(failure) => {
                let verb = if there.is_none() { "create" } else { "patch" };
                let too_long = failure.says(&["may not be more than"]) || failure.says(&["Too long"]);
                let fault = place.fault(&failure, verb);
                return Err(fault.maybe_hint(
                    too_long.then_some("a Secret holds 1 MiB with all of its keys: give the value a group of its own"),
                ));
            }
        }
    }
    Err(always_late(&target))
}

/// A value that is in the cluster now.
pub(in crate::secrets) struct Kept {
    pub(in crate::secrets) name: String,
    pub(in crate::secrets) key: String,
    pub(in crate::secrets) replaced: bool,
    pub(in crate::secrets) value: Value,
}

/// Deletes a key, and the Secret with it where that was the last one and the Secret is ours. `None` where there is none.
pub(in crate::secrets) fn delete(
    place: &Place,
    secret: &Secret,
    names: &NamesArgs,
    force: bool,
) -> Result<Option<String>, Fault> {
    let target = place.target(secret, names)?;
    for _ in 0..TRIES {
        let Some(object) = place.find(&target.name)?.filter(|object| object.has(&target.key)) else { return Ok(None) };
        let alone = object.is_ours() && object.has_only(&target.key);
        if !alone {
            check(Some(&object), &target, place, force)?;
        }
        let done = if alone {
            let words = ["delete", "secret", &target.name, "--wait=false", "--output", "name", "--request-timeout=20s"];
            place.kubectl.ask(words, "").map(drop)
        } else {
            patch(place, &object, &target.key, None)
        };
        match done {
            Ok(()) => return Ok(Some(target.name)),
            Err(failure) if is_late(&failure) => {}
            Err(failure) => return Err(place.fault(&failure, if alone { "delete" } else { "patch" })),
        }
    }
    Err(always_late(&target))
}

/// Says why a Secret that is there is left alone.
fn check(there: Option<&Object>, target: &Target, place: &Place, force: bool) -> Result<(), Fault> {
    let Some(object) = there else { return Ok(()) };
    let name = &target.name;
    if object.is_immutable() {
        return Err(Fault::new(format!("Secret `{name}` is immutable: no key of it can be changed")).hint(format!(
            "`{}` deletes it with all of its keys, after which it can be made again",
            place.kubectl.typed(&format!("delete secret {name}"))
        )));
    }
    if force || object.is_ours() {
        return Ok(());
    }
    let again = "--force does it anyway";
    if let Some(keeper) = object.keeper() {
        return Err(Fault::new(format!("Secret `{name}` is somebody else's: {keeper}; nothing was changed"))
            .hint(format!("change it where it comes from, or it may be changed back; {again}")));
    }
    if object.has(&target.key) {
        let message = format!(
            "Secret `{name}` was not made by this command, and has a key `{}` already; nothing was changed",
            target.key
        );
        return Err(Fault::new(message).hint(format!("see whose it is with `{}`; {again}", {
            place.kubectl.typed(&format!("describe secret {name}"))
        })));
    }
    Ok(())
}

fn create(place: &Place, target: &Target, encoded: &str) -> Result<(), Failure> {
    let metadata = json!({"name": target.name, "labels": {MANAGED_BY: US}});
    let object = Zeroizing::new(format!(
        "{{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"type\":\"Opaque\",\"metadata\":{metadata},\"data\":{}}}",
        &*with_value(&target.key, Some(encoded))
    ));
    ask(&place.kubectl, &["create", "--filename", "-"], &object)
}

/// Changes one key, provided that the Secret is still as it was seen.
fn patch(place: &Place, object: &Object, key: &str, encoded: Option<&str>) -> Result<(), Failure> {
    let version = json!({"resourceVersion": object.metadata.resource_version});
    let patch = Zeroizing::new(format!("{{\"metadata\":{version},\"data\":{}}}", &*with_value(key, encoded)));
    let words = ["patch", "secret", object.name(), "--type", "merge", "--patch-file", "/dev/stdin"];
    ask(&place.kubectl, &words, &patch)
}

fn ask(kubectl: &Kubectl, words: &[&str], input: &str) -> Result<(), Failure> {
    let quiet = ["--output", "name", "--request-timeout=20s"];
    let answer = kubectl.ask(words.iter().chain(&quiet).copied(), input)?;
    answer.warnings.iter().for_each(terminal::warning);
    Ok(())
}

/// `{"KEY": "BASE64"}`. Not through a tree, which would leave copies of the value behind.
fn with_value(key: &str, encoded: Option<&str>) -> Zeroizing<String> {
    let key = json!(key);
    Zeroizing::new(match encoded {
        Some(encoded) => format!("{{{key}:\"{encoded}\"}}"),
        None => format!("{{{key}:null}}"),
    })
}

/// Whether somebody else was faster.
fn is_late(failure: &Failure) -> bool {
    failure.says(&["(Conflict)"]) || failure.says(&["AlreadyExists"]) || failure.says(&["object has been modified"])
}

fn always_late(target: &Target) -> Fault {
    Fault::new(format!("Secret `{}` is changed by somebody else all the time; nothing was changed", target.name))
        .hint("try again")
}

/// Reads the value back: what was written is there, under the name by which it is looked for.
fn confirm(place: &Place, target: &Target, value: &Value) -> Result<(), Fault> {
    let object = place.find(&target.name)?;
    let there = object.map_or(Ok(None), |object| object.value(&target.key))?;
    if there.is_some_and(|there| there.expose_secret() == value.expose_secret()) {
        return Ok(());
    }
    Err(Fault::new(format!("the value was written to Secret `{}`, but something else is there now", target.name))
        .hint("somebody else keeps this Secret: change it where it comes from"))
}

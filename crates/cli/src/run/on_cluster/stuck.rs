//! What a pod that does not start waits for, how long that may last, and what to do about it.

use super::state::Stuck;
use crate::fault::Fault;
use crate::kubectl::shown;
use crate::{quoted, secrets};
use admission::PodView;
use secret::Secret;
use serde::Deserialize;
use std::time::Duration;

/// How long something may last that passes by itself, if it passes: two tries of the kubelet to pull an image.
const SHORT: Duration = Duration::from_secs(20);

/// How long it is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// It does not pass.
    None,
    /// This long.
    For(Duration),
    /// As long as the pod has to start.
    ToStart,
}

pub(super) fn patience(stuck: &Stuck<'_>) -> Patience {
    match stuck.reason {
        "ErrImageNeverPull" | "InvalidImageName" => Patience::None,
        "CreateContainerConfigError" if missing(stuck.message).is_some() => Patience::None,
        "CreateContainerConfigError"
        | "CreateContainerError"
        | "RunContainerError"
        | "ErrImagePull"
        | "ImagePullBackOff"
        | "RegistryUnavailable"
        | "ImageInspectError" => Patience::For(SHORT),
        _ => Patience::ToStart,
    }
}

/// One line that says it.
pub(super) fn line(stuck: &Stuck<'_>) -> String {
    let Stuck { container, reason, message } = stuck;
    let who = container.map_or_else(|| "the pod".to_owned(), |name| format!("container `{name}`"));
    let message = shown(message);
    if message.is_empty() { format!("{who} waits: {reason}") } else { format!("{who} waits: {reason}: {message}") }
}

/// What to do about it.
pub(super) fn hint(stuck: &Stuck<'_>, pod: &PodView<'_>, namespace: &str) -> Option<String> {
    match stuck.reason {
        "ErrImageNeverPull" => Some(
            "`imagePullPolicy: Never` takes only what the node has: load the image there, or drop the policy"
                .to_owned(),
        ),
        "InvalidImageName" => Some("an image's name is [REGISTRY/]NAME[:TAG], in lower case".to_owned()),
        "ErrImagePull" | "ImagePullBackOff" | "RegistryUnavailable" => Some(
            "is the image's name right, and does the node reach its registry? a private one needs `imagePullSecrets`"
                .to_owned(),
        ),
        "Unschedulable" => Some(
            "look at `resources.requests`, `nodeSelector` and `tolerations`; `kubectl describe nodes` has what is free"
                .to_owned(),
        ),
        "CreateContainerConfigError" => match missing(stuck.message)? {
            Missing::Key { name, key } => Some(set(name, key, namespace)),
            Missing::Secret(name) => Some(set(name, key_of(name, stuck.container, pod).unwrap_or("KEY"), namespace)),
            Missing::Other => Some("make it, or mark the reference to it as `optional: true`".to_owned()),
        },
        _ => None,
    }
}

fn set(name: &str, key: &str, namespace: &str) -> String {
    let secret = Secret { group: name.to_owned(), key: key.to_owned(), ..Secret::default() };
    format!("give it with {} --cluster -n {}", secrets::command(&secret), quoted::word(namespace))
}

/// What the kubelet says is not there.
#[derive(Debug, PartialEq, Eq)]
enum Missing<'m> {
    Secret(&'m str),
    Key { name: &'m str, key: &'m str },
    Other,
}

fn missing(message: &str) -> Option<Missing<'_>> {
    // `couldn't find key password in Secret team/db`
    if let Some((key, rest)) =
        message.split_once("couldn't find key ").and_then(|(_, rest)| rest.split_once(" in Secret "))
    {
        let name = rest.split_whitespace().next()?;
        return Some(Missing::Key { key, name: name.rsplit('/').next().unwrap_or(name) });
    }
    // `secret "db" not found`
    if let Some((_, rest)) = message.split_once("secret \"")
        && let Some((name, rest)) = rest.split_once('"')
        && rest.starts_with(" not found")
    {
        return Some(Missing::Secret(name));
    }
    (message.contains("not found") || message.contains("couldn't find")).then_some(Missing::Other)
}

/// The key that a container wants of a Secret.
fn key_of<'p>(name: &str, container: Option<&str>, pod: &'p PodView<'_>) -> Option<&'p str> {
    let containers = pod.all_containers().filter(|(_, _, one)| container.is_none_or(|name| *one.name == *name));
    let references =
        containers.flat_map(|(_, _, one)| one.env.items().iter().flatten()).filter_map(|variable| variable.value_from);
    references
        .filter_map(|reference| serde_json::from_str::<ValueFrom<'_>>(reference.get()).ok()?.secret_key_ref)
        .find_map(|reference| (reference.name == name).then_some(reference.key))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ValueFrom<'p> {
    #[serde(borrow)]
    secret_key_ref: Option<SecretKeyRef<'p>>,
}

#[derive(Deserialize)]
struct SecretKeyRef<'p> {
    name: &'p str,
    key: &'p str,
}

/// That the pod was given up.
pub(super) fn given_up(stuck: Option<&Stuck<'_>>, after: Option<Duration>) -> Fault {
    let long = after.map_or_else(String::new, |after| format!(" within {} s", after.as_secs()));
    match stuck {
        Some(stuck) => Fault::new(format!("the pod can't start{long}")).detail(line(stuck)),
        None => Fault::new(format!("the pod has not started{long}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_read_off_the_kubelets_words() {
        for (message, is) in [
            ("secret \"nowhere\" not found", Some(Missing::Secret("nowhere"))),
            ("couldn't find key password in Secret team/db", Some(Missing::Key { name: "db", key: "password" })),
            ("configmap \"x\" not found", Some(Missing::Other)),
            ("failed to sync secret cache: timed out waiting for the condition", None),
        ] {
            assert_eq!(missing(message), is, "{message}");
        }
    }
}

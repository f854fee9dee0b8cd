//! What becomes of the pod, as long as it is there: whatever happens to the connection.

use super::Event;
use super::children::Children;
use super::state::Seen;
use crate::kubectl::{Failure, Kubectl};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::io::BufReader;
use std::sync::mpsc::Sender;
use std::time::Duration;

/// How long to wait before a connection is made again: at first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

#[derive(Deserialize)]
struct Change<T> {
    r#type: String,
    object: T,
}

/// An event of the pod.
#[derive(Deserialize)]
pub(super) struct Happening {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    pub(super) reason: String,
    #[serde(default)]
    pub(super) message: String,
}

impl Happening {
    pub(super) fn is_warning(&self) -> bool {
        self.kind == "Warning"
    }
}

/// Tells of each state of the pod, and of its end.
pub(super) fn pod(kubectl: &Kubectl, name: &str, children: &Children, events: &Sender<Event>) {
    let path = format!("pod/{name}");
    let mut is_gone = false;
    let ended = again_and_again(
        kubectl,
        &["get", &path],
        children,
        &mut |is_deleted, seen: Seen| {
            is_gone |= is_deleted;
            events.send(Event::Pod(Box::new(seen))).is_ok() && !is_deleted
        },
        &mut |failure| is_gone_by(&failure) || events.send(Event::Unreachable(failure)).is_err(),
    );
    match ended {
        Ended::Refused(failure) => _ = events.send(Event::Blind(failure)),
        Ended::Enough => _ = events.send(Event::Gone),
    }
}

/// Tells of the pod's events. Whoever may not see them does without.
pub(super) fn events(kubectl: &Kubectl, uid: &str, children: &Children, events: &Sender<Event>) {
    let selector = format!("involvedObject.uid={uid}");
    let words = ["get", "events", "--field-selector", &selector];
    again_and_again(
        kubectl,
        &words,
        children,
        &mut |_, happening: Happening| events.send(Event::Happened(happening)).is_ok(),
        &mut |_| false,
    );
}

enum Ended {
    /// Nobody wants to know more, or there is no more.
    Enough,
    /// It is not allowed.
    Refused(Failure),
}

fn is_gone_by(failure: &Failure) -> bool {
    failure.says(&["(NotFound)"])
}

fn again_and_again<T: DeserializeOwned>(
    kubectl: &Kubectl,
    words: &[&str],
    children: &Children,
    tell: &mut dyn FnMut(bool, T) -> bool,
    is_enough: &mut dyn FnMut(Failure) -> bool,
) -> Ended {
    let mut pause = PAUSES.0;
    loop {
        let mut command = kubectl.command(words);
        command.args(["--watch", "--output-watch-events", "--output", "json"]);
        let (living, stdout) = match children.start(&mut command) {
            Ok(started) => started,
            Err(failure) => return Ended::Refused(failure),
        };
        let mut is_cut = false;
        for change in serde_json::Deserializer::from_reader(BufReader::new(stdout)).into_iter::<Change<T>>() {
            match change {
                Ok(Change { r#type, object }) if matches!(r#type.as_str(), "ADDED" | "MODIFIED" | "DELETED") => {
                    pause = PAUSES.0;
                    if !tell(r#type == "DELETED", object) {
                        children.kill(&living);
                        return Ended::Enough;
                    }
                }
                // Anything else is about the connection, which is made again.
                Ok(_) | Err(_) => {
                    is_cut = true;
                    break;
                }
            }
        }
        if is_cut {
            children.kill(&living);
        }
        let ended = children.end(living);
        if children.is_stopped() {
            return Ended::Enough;
        }
        if let Err(failure) = ended {
            if failure.says(&["(Forbidden)"]) {
                return Ended::Refused(failure);
            }
            if is_enough(failure) {
                return Ended::Enough;
            }
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(PAUSES.1);
    }
}

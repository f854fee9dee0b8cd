//! The pod is made.

use super::super::Args;
use super::made::{Made, is_served};
use super::refused;
use super::state::Seen;
use crate::fault::Fault;
use crate::kubectl::{Failure, Kubectl};
use crate::terminal;
use std::time::Duration;
use zeroize::Zeroizing;

/// How often it is tried where the cluster does not answer.
const TRIES: usize = 4;
const PAUSE: Duration = Duration::from_secs(2);
const CREATE: [&str; 6] = ["create", "--filename", "-", "--output", "json", "--request-timeout=60s"];

/// Makes the pod; the answer is its JSON as the cluster has it, which may hold values of secrets.
pub(super) fn submit(made: &Made, kubectl: &Kubectl, args: &Args, label: &str) -> Result<Zeroizing<String>, Fault> {
    let pod = made.pod.to_string();
    let refused = |failure: &Failure| refused::of(failure, kubectl, &args.file);
    if made.asks {
        // Nothing is to start without what it asks for, so this is found out before.
        let dry = kubectl.ask(CREATE.into_iter().chain(["--dry-run=server"]), &pod).map_err(|why| refused(&why))?;
        if !is_served(&dry.text) {
            return Err(refused::unserved(label, kubectl.namespace.as_deref().unwrap_or_default()));
        }
    }
    let mut tries = 0;
    loop {
        tries += 1;
        let failure = match kubectl.ask(CREATE, &pod) {
            Ok(answer) => {
                answer.warnings.iter().for_each(terminal::warning);
                return Ok(answer.text);
            }
            Err(failure) => failure,
        };
        let is_there = failure.says(&["AlreadyExists"]);
        if !is_there && !failure.is_unreachable() {
            return Err(refused(&failure));
        }
        // Whether it was made before the connection broke is not known.
        if let Ok(Some(text)) = kubectl.find(&format!("pod/{}", made.name)) {
            let is_ours = serde_json::from_str::<Seen>(&text).is_ok_and(|seen| seen.is_of(&made.name));
            return if is_ours { Ok(text) } else { Err(refused(&failure)) };
        }
        if is_there || tries == TRIES {
            return Err(refused(&failure));
        }
        std::thread::sleep(PAUSE);
    }
}

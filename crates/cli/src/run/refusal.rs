//! Why nothing was started.

use crate::fault::Fault;
use runner::{Problem, Refusal, RunError};
use stores::FetchError;

/// Secrets that nobody gave, each with the option that would.
pub(super) fn of_fetch(error: &FetchError) -> Fault {
    let count = error.misses.len();
    let what = if count == 1 { "a secret that the pod asks for is".to_owned() } else { format!("{count} secrets that the pod asks for are") };
    let mut fault = Fault::new(format!("{what} not there; nothing was started"));
    for miss in &error.misses {
        fault = fault.detail(miss);
    }
    let mut options: Vec<String> =
        error.misses.iter().map(|miss| option(&miss.secret.group, &miss.secret.key)).collect();
    options.dedup();
    fault.hint(format!("give {} with {}", if count == 1 { "it" } else { "them" }, options.join(" ")))
}

/// What the runner can't give the pod.
pub(super) fn of_runner(refusal: &Refusal) -> Fault {
    let mut fault = Fault::new("the pod can't be run here; nothing was started");
    let mut options = Vec::new();
    for problem in &refusal.problems {
        fault = fault.detail(problem);
        if let Problem::MissingSecret(reference) = problem {
            let option = option(&reference.secret, reference.key.as_deref().unwrap_or("KEY"));
            if !options.contains(&option) {
                options.push(option);
            }
        }
    }
    if options.is_empty() { fault } else { fault.hint(format!("give what is missing with {}", options.join(" "))) }
}

/// What went wrong while it ran, on our side.
pub(super) fn of_run(error: &RunError) -> Fault {
    let mut fault = Fault::new(error);
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        fault = fault.detail(error);
        cause = error.source();
    }
    fault
}

fn option(group: &str, key: &str) -> String {
    let text = format!("{group}/{key}=VALUE");
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./=:@".contains(c));
    if plain { format!("--secret {text}") } else { format!("--secret '{}'", text.replace('\'', r"'\''")) }
}

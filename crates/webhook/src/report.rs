//! What is counted and logged of an admission: one line each. Never a value: none is at hand here.

use crate::metrics::{ByManager, Ended};
use crate::peaks::Bound;
use crate::server::Shared;
use admission::Plan;
use admission::review::Answer;
use std::time::Duration;

/// Bytes of a name in the log. Kubernetes allows 253; a caller that is no API server may send any.
const NAME: usize = 256;
/// Bytes of a refusal's reason in the log.
const REASON: usize = 2048;

/// Counts an admission and writes its line.
pub(crate) fn report(shared: &Shared, bytes: usize, answer: &Answer, took: Duration) {
    let metrics = &shared.metrics;
    shared.shown.duration.observe(took.as_secs_f64());
    let outcome = match &answer.outcome {
        Ok(plan) => {
            shared.peaks.saw(Bound::Secrets, plan.requests.len());
            for request in &plan.requests {
                metrics.secrets.get_or_create(&ByManager { manager: request.manager.name() }).inc();
            }
            "allowed"
        }
        Err(denial) if denial.is_unreadable => "unreadable",
        Err(_) => "refused",
    };
    metrics.admissions.get_or_create(&Ended { outcome }).inc();
    if tracing::enabled!(tracing::Level::INFO) {
        line(shared, bytes, answer, took);
    }
}

fn line(shared: &Shared, bytes: usize, answer: &Answer, took: Duration) {
    let (uid, dry_run) = (short(&answer.uid, NAME), answer.dry_run);
    let (namespace, pod) = (short(&answer.namespace, NAME), short(&answer.pod, NAME));
    let dialect = shared.config.dialect.name;
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    match &answer.outcome {
        Ok(plan) => {
            let (secrets, managers, warnings) = (plan.requests.len(), managers(plan), plan.warnings.len());
            tracing::info!(
                namespace,
                pod,
                uid,
                dry_run,
                dialect,
                allowed = true,
                code = 200,
                secrets,
                managers,
                warnings,
                bytes,
                micros,
                "admission"
            );
        }
        Err(denial) => {
            let reason = short(&denial.message, REASON);
            tracing::info!(
                namespace,
                pod,
                uid,
                dry_run,
                dialect,
                allowed = false,
                code = denial.code,
                reason,
                bytes,
                micros,
                "admission"
            );
        }
    }
}

/// The managers that give a plan's secrets, each once: `K8s,Global`.
fn managers(plan: &Plan) -> String {
    let mut names: Vec<&str> = Vec::new();
    for request in &plan.requests {
        let name = request.manager.name();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(",")
}

/// The start of a text, cut between two characters.
fn short(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn a_long_name_is_cut_between_characters() {
        assert_eq!(short("abc", 3), "abc");
        assert_eq!(short("abc", 2), "ab");
        assert_eq!(short("aäc", 2), "a");
        assert_eq!(short("ä", 0), "");
    }
}

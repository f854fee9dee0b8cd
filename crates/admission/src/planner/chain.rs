//! The managers one after another, until one takes the request.

use crate::config::Config;
use crate::denial::Denial;
use crate::manager::Manager;
use crate::managers::{Answer, ask};
use crate::plan::{Outcome, Source, Step};
use crate::policy::Identity;
use crate::values::Globals;
use secret::Secret;
use std::borrow::Cow;

/// A request that a manager took.
pub(super) struct Taken<'s> {
    pub(super) manager: Manager,
    pub(super) source: Source,
    /// The secret with the group under which its names are made.
    pub(super) named: Cow<'s, Secret>,
    pub(super) steps: Vec<Step>,
}

/// Asks the chain for a secret.
pub(super) fn walk<'s>(
    secret: &'s Secret,
    who: &Identity<'_>,
    config: &Config,
    globals: &Globals,
) -> Result<Taken<'s>, Denial> {
    let mut steps: Vec<Step> = Vec::new();
    let mut taken = None;
    for manager in config.chain() {
        let outcome = if taken.is_some() {
            Outcome::Shadowed
        } else {
            let verdict = config.policy.decide(who, manager, secret);
            if verdict.allowed {
                match ask(manager, secret, config, globals) {
                    Answer::Takes { source, named } => {
                        taken = Some((manager, source, named));
                        Outcome::Chosen { rule: verdict.rule }
                    }
                    Answer::Passes { reason, .. } => Outcome::Passed { reason },
                    Answer::Refuses { reason, hint } => {
                        return Err(Denial::secret(config, secret, format!("{manager}: {reason}")).with_hint(hint));
                    }
                }
            } else {
                Outcome::Skipped { rule: verdict.rule }
            }
        };
        steps.push(Step { manager, outcome });
    }
    match taken {
        Some((manager, source, named)) => Ok(Taken { manager, source, named, steps }),
        None => Err(nobody(secret, &steps, config, globals)),
    }
}

/// The refusal where no manager took the request: what each of them said.
fn nobody(secret: &Secret, steps: &[Step], config: &Config, globals: &Globals) -> Denial {
    let said: Vec<String> = steps
        .iter()
        .map(|step| match &step.outcome {
            Outcome::Skipped { rule } => format!("{}: skipped by rule `{rule}`", step.manager),
            Outcome::Passed { reason } => format!("{}: {reason}", step.manager),
            Outcome::Chosen { .. } | Outcome::Shadowed => step.manager.to_string(),
        })
        .collect();
    let denial = Denial::secret(config, secret, format!("no manager gives it ({})", said.join("; ")));
    // The last manager that was asked is the one that was meant to have it.
    let hint = steps.iter().rev().find_map(|step| match &step.outcome {
        Outcome::Passed { .. } => match ask(step.manager, secret, config, globals) {
            Answer::Passes { hint, .. } => Some(hint),
            Answer::Takes { .. } | Answer::Refuses { .. } => None,
        },
        Outcome::Skipped { .. } => {
            Some("ask the platform's administrators for a rule in `policy` that allows it".into())
        }
        Outcome::Chosen { .. } | Outcome::Shadowed => None,
    });
    match hint {
        Some(hint) => denial.with_hint(hint),
        None => denial,
    }
}

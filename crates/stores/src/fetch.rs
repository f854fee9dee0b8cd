//! From a plan to its values.

use crate::Local;
use admission::plan::{Plan, Source};
use admission::{Manager, Values};
use secret::Secret;
use std::fmt;

/// The stores that can be read here.
#[derive(Default)]
pub struct Stores {
    /// What the user gave by hand, and what is kept on the machine.
    pub local: Local,
}

/// Values that are not there.
#[derive(Debug, PartialEq, Eq)]
pub struct FetchError {
    /// Each secret that was not found.
    pub misses: Vec<Miss>,
}

/// A secret that was not found.
#[derive(Debug, PartialEq, Eq)]
pub struct Miss {
    /// The secret.
    pub secret: Secret,
    /// The managers that were asked.
    pub asked: Vec<Manager>,
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked: Vec<&str> = self.asked.iter().map(|manager| manager.name()).collect();
        write!(f, "secret `{}`: not found (asked: {})", self.secret, asked.join(", "))
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, miss) in self.misses.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            miss.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for FetchError {}

/// The values of everything that a plan delivers sealed.
///
/// # Errors
/// [`FetchError`] with every secret that no store has, not only the first.
pub fn fetch(plan: &Plan, stores: &Stores) -> Result<Values, FetchError> {
    let mut values = Values::none();
    let mut misses = Vec::new();
    for (index, request) in plan.requests.iter().enumerate().filter(|(_, r)| r.source == Source::Sealed) {
        let secret = &request.secret;
        match request.manager {
            Manager::Local => match stores.local.get(&secret.group, &secret.key, &secret.group_version) {
                Some((value, _)) => values.insert(index, value.clone()),
                None => misses.push(Miss { secret: secret.clone(), asked: stores.local.asked(secret) }),
            },
            // The configuration refuses these where they would be read sealed.
            Manager::Global
            | Manager::K8s
            | Manager::Aws
            | Manager::Vault
            | Manager::Gcp
            | Manager::Azure
            | Manager::Confidant
            | Manager::Embedded
            | Manager::Exec => misses.push(Miss { secret: secret.clone(), asked: Vec::new() }),
        }
    }
    if misses.is_empty() { Ok(values) } else { Err(FetchError { misses }) }
}

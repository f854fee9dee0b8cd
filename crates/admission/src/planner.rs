//! Decides what a pod gets.
//!
//! ```text
//! [ annotations ] -> [ Wish ] -chain-> [ Request ] -shape-> [ env, volumes, mounts, fetcher ] = [ Plan ]
//! ```
//!
//! Planning makes no outbound call: the same pod, identity, configuration and global secrets give the same plan.

mod annotated;
mod chain;
mod conflicts;
mod flyte;
mod flyte_volumes;
mod ours;
mod pulled;
mod seal;
mod warnings;
mod wish;

use crate::config::Config;
use crate::denial::Denial;
use crate::dialect::FileRule;
use crate::plan::{FETCHER, Plan};
use crate::policy::Identity;
use crate::values::Globals;
use crate::view::{ContainerList, PodView};
use sha2::{Digest, Sha256};

/// How many secrets one pod may ask for at most; `limits.secrets` may say less.
pub const MAX_SECRETS: usize = 1024;

/// Decides what a pod gets.
///
/// # Errors
/// A [`Denial`] that names the secret, the managers asked, what they answered and the remedy.
pub fn plan(pod: &PodView<'_>, who: &Identity<'_>, config: &Config, globals: &Globals) -> Result<Plan, Denial> {
    let secrets = secret::read(pod.metadata.annotations.iter()).map_err(|error| {
        let denial = Denial::pod(config, error.to_string());
        match error.hint() {
            Some(hint) => denial.with_hint(hint),
            None => denial,
        }
    })?;
    let limit = config.limits.secrets;
    if secrets.len() > limit {
        let message = format!("the pod asks for {} secrets; {limit} is the limit", secrets.len());
        return Err(Denial::pod(config, message));
    }
    let mut plan = Plan {
        dialect: config.dialect,
        requests: Vec::with_capacity(secrets.len()),
        targets: targets(pod, config),
        env: Vec::new(),
        volumes: Vec::new(),
        mounts: Vec::new(),
        fetcher: None,
        pulls: Vec::new(),
        annotations: Vec::new(),
        digest: None,
        warnings: Vec::new(),
    };
    if secrets.is_empty() {
        return Ok(plan);
    }
    match config.dialect.files {
        FileRule::VolumePerGroup => flyte::shape(&mut plan, &secrets, pod, who, config, globals)?,
        FileRule::OneProjected => ours::shape(&mut plan, secrets, pod, who, config, globals)?,
    }
    Ok(plan)
}

fn targets(pod: &PodView<'_>, config: &Config) -> Vec<(ContainerList, usize)> {
    let excluded = |name: &str| {
        name == FETCHER || (config.dialect.excludes_targets && config.excluded_targets.iter().any(|n| n == name))
    };
    pod.all_containers().filter(|(_, _, c)| !excluded(&c.name)).map(|(list, index, _)| (list, index)).collect()
}

/// A digest of what was asked and how it is delivered, to be found again in an audit log.
fn digest(plan: &Plan) -> String {
    let mut hash = Sha256::new();
    let mut field = |text: &str| {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    };
    field(plan.dialect.name);
    for request in &plan.requests {
        let secret = &request.secret;
        for text in [&secret.group, &secret.group_version, &secret.key] {
            field(text);
        }
        for mount in &request.mounts {
            // A number without a name was refused.
            field(mount.name().unwrap_or_default());
        }
        field(request.manager.name());
        field(request.source.delivery());
    }
    data_encoding::HEXLOWER.encode(&hash.finalize()[..16])
}

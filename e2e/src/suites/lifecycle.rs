//! The install itself: before it, twice, without its pods, and after it.

use crate::Result;
use crate::case::Case;
use crate::cases;
use crate::cluster::{Cluster, SYSTEM, TASKS, has, has_not, until};
use crate::install::{self, Form, NAME};
use crate::pod::Pod;
use serde_json::Value;
use std::time::Duration;

/// Without a webhook, with the guard.
pub(crate) const BEFORE: &[Case] =
    cases![the_guard_refuses_who_asked_and_was_not_served, the_guard_lets_everybody_else_pass];

/// In their order: they take the webhook away.
pub(crate) const CASES: &[Case] = cases![
    the_job_of_certificates_removes_itself,
    applied_twice_it_still_works_and_has_the_same_certificates,
    the_log_has_each_admission_and_no_value,
    without_the_webhook_nobody_starts_without_a_secret,
    deleted_it_leaves_nothing_and_blocks_nothing,
];

fn asking() -> Pod {
    Pod::prints_env().asks("[{group: user-info, key: user_secret, mount: env}]")
}

fn the_guard_refuses_who_asked_and_was_not_served(cluster: &Cluster) -> Result {
    // The API server takes up a policy a moment after it is there.
    let pod = asking().named(TASKS, "guarded");
    let refusal = until(Duration::from_secs(20), "the guard refuses", || Ok(cluster.kubectl.dry_run(&pod).err()))?;
    has(&refusal, "asks for secrets")?;
    let flyte = [crate::annotation::Asked { group: "user-info", key: "user_secret", ..Default::default() }];
    has(&cluster.refused("guarded", &Pod::prints_env().asks_as_flyte(&flyte))?, "flyte-pod-webhook-guard")
}

fn the_guard_lets_everybody_else_pass(cluster: &Cluster) -> Result {
    let unlabelled = Pod::prints_env().annotation("keybearer.dev/secrets", "[]").named(TASKS, "passing");
    let label_alone = Pod::prints_env().asks_as_flyte(&[]).named(TASKS, "passing");
    let served = asking().with(|spec| {
        spec["containers"][0]["env"] = serde_json::json!([{"name": "FLYTE_SECRETS_ENV_PREFIX", "value": "_"}]);
    });
    let marked = asking().annotation("keybearer.dev/injected", "a digest");
    for pod in [unlabelled, label_alone, served.named(TASKS, "passing"), marked.named(TASKS, "passing")] {
        cluster.kubectl.dry_run(&pod)?;
    }
    Ok(())
}

fn the_job_of_certificates_removes_itself(cluster: &Cluster) -> Result {
    until(Duration::from_secs(90), "the Job is gone", || {
        let there = cluster.kubectl.exists(["job/flyte-pod-webhook-secrets", "-n", SYSTEM])?;
        Ok((!there).then_some(()))
    })
}

fn certificates(cluster: &Cluster) -> Result<Value> {
    Ok(cluster.kubectl.json(["get", "secret", "-n", SYSTEM, "flyte-pod-webhook-secret"])?["data"].take())
}

fn applied_twice_it_still_works_and_has_the_same_certificates(cluster: &Cluster) -> Result {
    let before = certificates(cluster)?;
    has(&before.to_string(), "ca.crt")?;
    for _ in 0..2 {
        Form::Keybearer.apply(cluster)?;
    }
    install::certified(cluster)?;
    let path = "jsonpath={.metadata.generation}";
    let generation = cluster.kubectl.run(["get", "deployment", "-n", SYSTEM, NAME, "-o", path])?;
    if generation != "1" {
        return Err(format!("the Deployment was changed: its generation is {generation}"));
    }
    if certificates(cluster)? != before {
        return Err("the certificates are others now".to_owned());
    }
    has(&cluster.succeeds("twice", &asking())?.log, "open-sesame")
}

fn the_log_has_each_admission_and_no_value(cluster: &Cluster) -> Result {
    cluster.succeeds("logged", &asking())?;
    let log = install::log(cluster)?;
    has(&log, "logged")?;
    has_not(&log, "open-sesame")
}

fn without_the_webhook_nobody_starts_without_a_secret(cluster: &Cluster) -> Result {
    let scale = |replicas: &str| cluster.kubectl.run(["scale", "-n", SYSTEM, "deployment/flyte-pod-webhook", replicas]);
    scale("--replicas=0")?;
    until(Duration::from_secs(60), "no replica is left", || {
        let pods = cluster.kubectl.run(["get", "pods", "-n", SYSTEM, "-l", "app=flyte-pod-webhook", "-o", "name"])?;
        Ok(pods.trim().is_empty().then_some(()))
    })?;
    let refusal = cluster.refused("unserved", &asking())?;
    has(&refusal, "failed calling webhook")?;
    // Who does not ask is never sent there.
    cluster.succeeds("unasked", &Pod::prints_env())?;
    scale("--replicas=1")?;
    install::rolled_out(cluster)?;
    install::serves(cluster)
}

fn deleted_it_leaves_nothing_and_blocks_nothing(cluster: &Cluster) -> Result {
    Form::Guard.delete(cluster)?;
    Form::Keybearer.delete(cluster)?;
    install::nothing_is_left(cluster)?;
    // A deletion of the policy is taken up a moment later, too.
    let pod = asking().named(TASKS, "free");
    until(Duration::from_secs(20), "a pod that asks is admitted", || Ok(cluster.kubectl.dry_run(&pod).ok().map(drop)))
}

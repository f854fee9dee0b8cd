//! Replicas that come, go, die, and are of two versions.

use super::{a_job_gets_every_pod, metric, replicas_of};
use crate::Result;
use crate::cluster::{Cluster, SYSTEM, until};
use crate::install;
use crate::load::Load;
use crate::pod::Pod;
use crate::second;
use std::process::Command;
use std::time::Duration;

/// The image of an earlier version. Where there is none, the same program under another name stands for it, with a configuration
/// that differs.
const OLD_IMAGE: &str = "KEYBEARER_E2E_OLD_IMAGE";
const DEPLOYMENT: &str = "deployment/flyte-pod-webhook";

fn ctr(words: &[&str]) -> Result<String> {
    let output = Command::new("ctr").args(["--namespace", "k8s.io"]).args(words).output();
    let output = output.map_err(|error| format!("`ctr` can't be started: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("ctr {words:?}: {}", String::from_utf8_lossy(&output.stderr)))
}

fn image(cluster: &Cluster) -> Result<String> {
    let path = "jsonpath={.spec.template.spec.containers[0].image}";
    cluster.kubectl.run(["get", "-n", SYSTEM, DEPLOYMENT, "-o", path])
}

fn old_image(cluster: &Cluster) -> Result<String> {
    if let Ok(image) = std::env::var(OLD_IMAGE) {
        return Ok(image);
    }
    let (now, old) = (format!("docker.io/library/{}", image(cluster)?), "docker.io/library/keybearer:old");
    ctr(&["images", "tag", "--force", &now, old])?;
    Ok("keybearer:old".to_owned())
}

pub(super) fn rolling_update_there_and_back(cluster: &Cluster) -> Result {
    let old = old_image(cluster)?;
    let before = replicas_of(cluster)?;
    let load = Load::start(cluster)?;
    cluster.kubectl.run(["set", "image", "-n", SYSTEM, DEPLOYMENT, &format!("webhook={old}")])?;
    install::rolled_out(cluster)?;
    load.more(50)?;
    cluster.kubectl.run(["rollout", "undo", "-n", SYSTEM, DEPLOYMENT])?;
    install::rolled_out(cluster)?;
    // Replicas that are on their way out still take requests.
    until(Duration::from_secs(60), "two replicas are left, and other ones", || {
        let now = replicas_of(cluster)?;
        Ok((now.len() == 2 && now.iter().all(|replica| !before.contains(replica))).then_some(()))
    })?;
    load.more(50)?;
    load.end()?.none_failed()
}

pub(super) fn old_replica_beside_a_new_one(cluster: &Cluster) -> Result {
    let old = old_image(cluster)?;
    let mut deployment = cluster.kubectl.json(["get", "-n", SYSTEM, DEPLOYMENT])?;
    let labels = serde_json::json!({"app": "flyte-pod-webhook", "version": "old", "keybearer.dev/e2e": "true"});
    deployment["metadata"] = serde_json::json!({"name": "old", "namespace": SYSTEM, "labels": labels});
    deployment["status"].take();
    deployment["spec"]["replicas"] = 1.into();
    deployment["spec"]["selector"] = serde_json::json!({"matchLabels": labels});
    deployment["spec"]["template"]["metadata"]["labels"] = labels;
    deployment["spec"]["template"]["spec"]["containers"][0]["image"] = old.into();
    // The other webhook changes the pod, so the API server calls ours a second time: whichever replica that reaches.
    second::start(&cluster.kubectl)?;
    let load = Load::of(cluster, &Pod::prints_env().label(second::LABEL, "true"))?;
    cluster.kubectl.create(&deployment)?;
    cluster.kubectl.run(["rollout", "status", "-n", SYSTEM, "deployment/old", "--timeout=60s"])?;
    let replicas = replicas_of(cluster)?;
    if replicas.len() != 3 {
        return Err(format!("there are not three replicas: {replicas:?}"));
    }
    let mut answered = Vec::new();
    let all = until(Duration::from_secs(60), "each of three replicas has answered", || {
        let allowed = |replica: &String| metric(cluster, replica, "keybearer_admissions_total{outcome=\"allowed\"}");
        answered = replicas.iter().map(allowed).collect::<Result<_>>()?;
        Ok(answered.iter().all(|count| *count > 20.0).then_some(()))
    });
    all.map_err(|wrong| format!("{wrong}: {answered:?}; {}", load.so_far()))?;
    load.more(50)?;
    cluster.kubectl.run(["delete", "deployment", "-n", SYSTEM, "old"])?;
    until(Duration::from_secs(60), "the old replica is gone", || Ok((replicas_of(cluster)?.len() == 2).then_some(())))?;
    let seen = load.end()?;
    cluster.kubectl.run(["delete", "mutatingwebhookconfiguration", second::NAME])?;
    seen.none_failed()?;
    // With the container of the other webhook, and before that one was heard of.
    let plans: Vec<_> = seen.plans.iter().filter(|plan| plan.contains(second::CONTAINER)).collect();
    if plans.len() == 1 { Ok(()) } else { Err(format!("two versions make different pods: {plans:#?}")) }
}

/// The processes of the replicas, on the node that this machine is.
pub(super) fn pids(cluster: &Cluster) -> Result<Vec<String>> {
    let path = "jsonpath={range .items[*]}{.status.containerStatuses[0].containerID}{\"\\n\"}{end}";
    let ids = cluster.kubectl.run(["get", "pods", "-n", SYSTEM, "-l", "app=flyte-pod-webhook", "-o", path])?;
    let tasks = ctr(&["tasks", "list"])?;
    let pid = |id: &str| {
        let line = tasks.lines().find(|line| line.starts_with(id.trim_start_matches("containerd://")));
        line.and_then(|line| line.split_whitespace().nth(1)).map(str::to_owned)
    };
    let pids: Option<Vec<_>> = ids.lines().map(pid).collect();
    pids.filter(|pids| !pids.is_empty()).ok_or_else(|| format!("containerd does not know the replicas {ids}: {tasks}"))
}

/// Without a warning, as the kernel does when there is no memory left.
pub(super) fn kill(pid: &str) -> Result {
    let status = Command::new("kill").args(["-9", pid]).status().map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err(format!("process {pid} can't be killed")) }
}

pub(super) fn replica_killed(cluster: &Cluster) -> Result {
    let pids = pids(cluster)?;
    let load = Load::start(cluster)?;
    load.more(50)?;
    let job_is_done = a_job_gets_every_pod(cluster, "killed", 20)?;
    pids.first().map_or(Ok(()), |pid| kill(pid))?;
    job_is_done()?;
    install::rolled_out(cluster)?;
    load.more(50)?;
    load.end()?.over_within(Duration::from_secs(10))
}

//! An API server that goes and comes back.

use super::{a_job_gets_every_pod, replicas_of};
use crate::Result;
use crate::cluster::{Cluster, SYSTEM, until};
use crate::install;
use crate::load::Load;
use std::process::{Command, Stdio};
use std::time::Duration;

/// A program that is run with `stop apiserver` and `start apiserver`.
const PROGRAM: &str = "KEYBEARER_E2E_CLUSTER_PROGRAM";

/// Stops or starts it. Without the program nothing is tried, and that is said.
fn api_server(verb: &str) -> Result<bool> {
    let Some(program) = std::env::var_os(PROGRAM).filter(|program| !program.is_empty()) else {
        println!("        NOT TRIED: {PROGRAM} names no program that stops and starts the API server");
        return Ok(false);
    };
    let mut command = Command::new(&program);
    command.args([verb, "apiserver"]).stdin(Stdio::null()).stdout(Stdio::null());
    let status = command.status().map_err(|error| format!("{}: {error}", program.display()))?;
    if status.success() { Ok(true) } else { Err(format!("{} {verb} apiserver: {status}", program.display())) }
}

fn is_back(cluster: &Cluster) -> Result {
    until(Duration::from_secs(90), "the API server is ready", || {
        Ok(cluster.kubectl.run(["get", "--raw", "/readyz"]).ok().map(drop))
    })
}

pub(super) fn api_server_started_anew(cluster: &Cluster) -> Result {
    let load = Load::start(cluster)?;
    load.more(50)?;
    if !api_server("stop")? {
        return load.end()?.none_failed();
    }
    api_server("start")?;
    is_back(cluster)?;
    let job_is_done = a_job_gets_every_pod(cluster, "restarted", 10)?;
    load.more(50)?;
    job_is_done()?;
    let seen = load.end()?;
    // Nobody is served while there is no API server; but of what that answers, nothing fails.
    if seen.failed + seen.refused == 0 { Ok(()) } else { Err(format!("the webhook was not called: {seen}")) }
}

/// Replicas are started anew while it is away: by the kubelet, which needs no API server for that.
pub(super) fn webhook_started_without_an_api_server(cluster: &Cluster) -> Result {
    let before = restarts(cluster)?;
    let pids = super::replicas::pids(cluster)?;
    if !api_server("stop")? {
        return Ok(());
    }
    for pid in pids {
        super::replicas::kill(&pid)?;
    }
    // Until the kubelet has started them: it waits for some seconds with one that ended a short while ago, too.
    std::thread::sleep(Duration::from_secs(12));
    api_server("start")?;
    is_back(cluster)?;
    until(Duration::from_secs(60), "the replicas were started once more, and none ended by itself", || {
        Ok((restarts(cluster)? == before + replicas_of(cluster)?.len()).then_some(()))
    })?;
    install::rolled_out(cluster)?;
    let load = Load::start(cluster)?;
    load.more(50)?;
    load.end()?.none_failed()
}

fn restarts(cluster: &Cluster) -> Result<usize> {
    let path = "jsonpath={range .items[*]}{.status.containerStatuses[0].restartCount}{\"\\n\"}{end}";
    let text = cluster.kubectl.run(["get", "pods", "-n", SYSTEM, "-l", "app=flyte-pod-webhook", "-o", path])?;
    Ok(text.lines().filter_map(|count| count.trim().parse::<usize>().ok()).sum())
}

//! What goes wrong in the years after an install, while pods are created all the time.
//!
//! What is promised each time: no pod is admitted without its secret; where something fails, whoever made the pod tries again,
//! and it is over in seconds.

mod api_server;
mod certificates;
mod registration;
mod replicas;

use crate::Result;
use crate::case::Case;
use crate::cases;
use crate::cluster::{Cluster, SYSTEM, TASKS};
use crate::install::{self, Form, NAME};
use api_server::{api_server_started_anew, webhook_started_without_an_api_server};
use certificates::secret_of_certificates_broken_and_lost;
use registration::registration_edited_and_deleted;
use replicas::{old_replica_beside_a_new_one, replica_killed, rolling_update_there_and_back};

/// In their order, on one install of two replicas.
pub(crate) const CASES: &[Case] = cases![
    rolling_update_there_and_back,
    old_replica_beside_a_new_one,
    replica_killed,
    registration_edited_and_deleted,
    secret_of_certificates_broken_and_lost,
    api_server_started_anew,
    webhook_started_without_an_api_server,
];

/// Connections that do not get old: so each replica soon has its share, which takes minutes otherwise.
const CONFIGURATION: &str = "
    limits: {connectionAge: 5s}
";

/// Installs it as it is shipped, with as many replicas as the base has.
pub(crate) fn install(cluster: &Cluster) -> Result {
    Form::Keybearer.apply(cluster)?;
    install::certified(cluster)?;
    let path = "jsonpath={.data.webhook\\.yaml}";
    let text = cluster.kubectl.run(["get", "configmap", "-n", SYSTEM, NAME, "-o", path])?;
    let text = text + &CONFIGURATION.replace("\n    ", "\n");
    let patch = serde_json::json!({"data": {"webhook.yaml": text}}).to_string();
    cluster.kubectl.run(["patch", "configmap", "-n", SYSTEM, NAME, "--type=merge", "-p", &patch])?;
    cluster.kubectl.run(["scale", "-n", SYSTEM, "deployment/flyte-pod-webhook", "--replicas=2"])?;
    cluster.kubectl.run(["rollout", "restart", "-n", SYSTEM, "deployment/flyte-pod-webhook"])?;
    install::rolled_out(cluster)?;
    install::serves(cluster)
}

/// The names of the replicas.
fn replicas_of(cluster: &Cluster) -> Result<Vec<String>> {
    let pods = cluster.kubectl.json(["get", "pods", "-n", SYSTEM, "-l", "app=flyte-pod-webhook"])?;
    // Those on their way out take requests, but answer no others.
    let stays = |pod: &&serde_json::Value| pod["metadata"]["deletionTimestamp"].is_null();
    let name = |pod: &serde_json::Value| pod["metadata"]["name"].as_str().map(str::to_owned);
    Ok(pods["items"].as_array().into_iter().flatten().filter(stays).filter_map(name).collect())
}

/// The value of a line of a replica's `/metrics`.
fn metric(cluster: &Cluster, replica: &str, line: &str) -> Result<f64> {
    let path = format!("/api/v1/namespaces/{SYSTEM}/pods/{replica}:10254/proxy/metrics");
    let text = cluster.kubectl.run(["get", "--raw", &path])?;
    let value = text.lines().find_map(|found| found.strip_prefix(line)?.trim().parse().ok());
    value.ok_or_else(|| format!("{replica} has no metric {line}"))
}

/// The same of all replicas together.
fn metric_of_all(cluster: &Cluster, line: &str) -> Result<f64> {
    replicas_of(cluster)?.iter().map(|replica| metric(cluster, replica, line)).sum()
}

/// What all replicas have logged, but for admissions, of which there are too many.
fn logs(cluster: &Cluster) -> Result<String> {
    let text = cluster.kubectl.run(["logs", "-n", SYSTEM, "-l", "app=flyte-pod-webhook", "--tail=-1"])?;
    let lines: Vec<_> = text.lines().filter(|line| !line.contains("\"message\":\"admission\"")).collect();
    Ok(lines.join("\n"))
}

/// Runs a Job whose pods all ask, and waits until each has printed its secret.
fn a_job_gets_every_pod(cluster: &Cluster, name: &str, pods: usize) -> Result<impl FnOnce() -> Result> {
    let pod =
        crate::pod::Pod::script("echo $INFO").asks("[{group: user-info, key: user_secret, mount: env, env_var: INFO}]");
    let spec =
        serde_json::json!({"completions": pods, "parallelism": 10, "backoffLimit": 0, "template": pod.template()});
    let job = serde_json::json!({"apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": name, "namespace": TASKS}, "spec": spec});
    cluster.kubectl.create(&job)?;
    let (kubectl, name) = (cluster.kubectl.clone(), name.to_owned());
    Ok(move || {
        let job = format!("job/{name}");
        kubectl.run(["wait", "-n", TASKS, &job, "--for=condition=Complete", "--timeout=90s"])?;
        let selector = format!("batch.kubernetes.io/job-name={name}");
        let log = kubectl.run(["logs", "-n", TASKS, "-l", &selector, "--max-log-requests=50"])?;
        kubectl.run(["delete", "-n", TASKS, &job, "--wait=false"])?;
        let got = log.lines().filter(|line| *line == "open-sesame").count();
        if got == pods { Ok(()) } else { Err(format!("{got} of {pods} pods have printed their secret: {log}")) }
    })
}

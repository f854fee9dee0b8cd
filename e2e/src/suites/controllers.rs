//! Pods that others make out of a template.

use crate::Result;
use crate::case::Case;
use crate::cases;
use crate::cluster::{Cluster, TASKS, has, until};
use crate::pod::Pod;
use serde_json::{Value, json};
use std::time::Duration;

pub(crate) const CASES: &[Case] = cases![a_cron_job_has_its_secret, a_job_has_its_secret, a_deployment_has_its_secret];

fn asking(script: &str) -> Pod {
    Pod::script(script).asks("[{group: user-info, key: user_secret, mount: env, env_var: INFO}]")
}

fn object(api: &str, kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": TASKS}, "spec": spec})
}

/// Waits until the pods of a selector have printed something.
fn printed(cluster: &Cluster, selector: &str, limit: Duration) -> Result {
    until(limit, &format!("a pod of {selector} printed its secret"), || {
        let log = cluster.kubectl.run(["logs", "-n", TASKS, "-l", selector, "--tail=-1"]);
        Ok(log.ok().filter(|log| log.contains("open-sesame")).map(drop))
    })
}

fn a_job_has_its_secret(cluster: &Cluster) -> Result {
    let spec =
        json!({"completions": 2, "parallelism": 2, "backoffLimit": 0, "template": asking("echo $INFO").template()});
    cluster.kubectl.create(&object("batch/v1", "Job", "job", &spec))?;
    let wait = ["wait", "-n", TASKS, "job/job", "--for=condition=Complete", "--timeout=60s"];
    cluster.kubectl.run(wait)?;
    let log = cluster.kubectl.run(["logs", "-n", TASKS, "-l", "batch.kubernetes.io/job-name=job"])?;
    cluster.kubectl.run(["delete", "job", "-n", TASKS, "job", "--wait=false"])?;
    has(&log, "open-sesame\nopen-sesame")
}

fn a_deployment_has_its_secret(cluster: &Cluster) -> Result {
    let pod = asking("echo $INFO; exec sleep 3600").label("app", "deployed").with(|spec| {
        spec["restartPolicy"] = "Always".into();
    });
    let spec = json!({"replicas": 1, "selector": {"matchLabels": {"app": "deployed"}}, "template": pod.template()});
    cluster.kubectl.create(&object("apps/v1", "Deployment", "deployed", &spec))?;
    printed(cluster, "app=deployed", Duration::from_secs(60))?;
    cluster.kubectl.run(["delete", "deployment", "-n", TASKS, "deployed", "--wait=false"]).map(drop)
}

fn a_cron_job_has_its_secret(cluster: &Cluster) -> Result {
    let pod = asking("echo $INFO").label("app", "cron");
    let spec = json!({"schedule": "* * * * *", "jobTemplate": {"spec": {"template": pod.template()}}});
    cluster.kubectl.create(&object("batch/v1", "CronJob", "cron", &spec))?;
    // Until the next minute, and what a job takes.
    printed(cluster, "app=cron", Duration::from_secs(100))?;
    cluster.kubectl.run(["delete", "cronjob", "-n", TASKS, "cron", "--wait=false"]).map(drop)
}

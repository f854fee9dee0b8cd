//! Tasks of an unmodified `flytekit`, started as Flyte starts them.

use crate::Result;
use crate::annotation::Asked;
use crate::case::Case;
use crate::cases;
use crate::cluster::{Cluster, TASKS, has};
use crate::pod::Pod;
use serde_json::{Value, json};

pub(crate) const CASES: &[Case] = cases![a_flytekit_task_reads_its_secrets, a_flytekit_task_names_what_is_missing];

/// What `cargo xtask e2e` found out about the tasks when it made their image: a file of JSON.
const TASKS_FILE: &str = "KEYBEARER_E2E_PYTHON";

/// A task as flytekit describes it, as a pod that Flyte would make of it.
fn pod(task: &str) -> Result<Pod> {
    let file = std::env::var(TASKS_FILE).map_err(|_| format!("{TASKS_FILE} is not set: `cargo xtask e2e` sets it"))?;
    let text = std::fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
    let tasks: Value = serde_json::from_str(&text).map_err(|error| format!("{file}: {error}"))?;
    let task = &tasks[task];
    let secrets = task["secrets"].as_array().ok_or_else(|| format!("{file} has no such task"))?;
    let text = |value: &'static str, secret: &Value| secret[value].as_str().unwrap_or_default().to_owned();
    let secrets: Vec<_> =
        secrets.iter().map(|secret| ["group", "key", "mount", "env_var"].map(|name| text(name, secret))).collect();
    let asked: Vec<_> =
        secrets.iter().map(|[group, key, mount, env_var]| Asked { group, key, mount, env_var }).collect();
    Ok(Pod::prints_env().asks_as_flyte(&asked).with(|spec| {
        let container = &mut spec["containers"][0];
        *container = json!({"name": "main", "image": tasks["image"], "imagePullPolicy": "Never", "args": task["args"]});
    }))
}

fn a_flytekit_task_reads_its_secrets(cluster: &Cluster) -> Result {
    let log = cluster.succeeds("flytekit", &pod("reads")?)?.log;
    has(&log, "variable: open-sesame")?;
    has(&log, "file: PEM\nof two lines")
}

fn a_flytekit_task_names_what_is_missing(cluster: &Cluster) -> Result {
    let ended = cluster.ends(TASKS, "flytekit-missing", &pod("misses")?)?;
    has(&ended.log, "nowhere")?;
    has(&ended.log, "token")
}

//! What others do to a pod, and pods that are none of ours.

use crate::case::Case;
use crate::cases;
use crate::cluster::{Cluster, TASKS, has, has_not};
use crate::pod::{IMAGE, Pod, variables};
use crate::{Result, second};

pub(crate) const CASES: &[Case] = cases![
    a_container_added_by_a_later_webhook_has_its_secret,
    an_ephemeral_container_starts_and_gets_nothing,
    a_pod_without_the_label_is_left_alone,
    the_label_alone_asks_for_nothing,
];

fn a_container_added_by_a_later_webhook_has_its_secret(cluster: &Cluster) -> Result {
    second::start(&cluster.kubectl)?;
    let pod = Pod::prints_env().asks("[{group: user-info, key: user_secret, mount: env}]").label(second::LABEL, "true");
    // The API server takes up a registration a moment after it is there.
    let added = |pod: &serde_json::Value| {
        let containers = pod["spec"]["containers"].as_array().map(Vec::as_slice).unwrap_or_default();
        containers.iter().any(|container| container["name"] == second::CONTAINER)
    };
    let named = pod.named(TASKS, "reinvoked");
    crate::cluster::until(std::time::Duration::from_secs(20), "the second webhook is called", || {
        cluster.kubectl.dry_run(&named).map(|pod| added(&pod).then_some(()))
    })?;
    cluster.kubectl.create(&named)?;
    let ended = cluster.ended(TASKS, "reinvoked")?;
    for name in ["main", second::CONTAINER] {
        let log = cluster.kubectl.run(["logs", "-n", TASKS, "reinvoked", "-c", name])?;
        has(&log, "_FSEC_USER-INFO_USER_SECRET=open-sesame").map_err(|wrong| format!("container {name}: {wrong}"))?;
    }
    // Called twice, ours did the same once.
    let variables = variables(&ended["spec"]["containers"][0]);
    let mut once = variables.clone();
    once.sort_unstable();
    once.dedup();
    cluster.remove(TASKS, "reinvoked")?;
    if once.len() == variables.len() { Ok(()) } else { Err(format!("variables stand twice: {variables:?}")) }
}

fn an_ephemeral_container_starts_and_gets_nothing(cluster: &Cluster) -> Result {
    let asked = "[{group: user-info, key: user_secret, mount: env}, {group: user-info, key: user_secret, mount: file}]";
    let pod = Pod::runs(["sleep", "3600"]).asks(asked);
    cluster.kubectl.create(&pod.named(TASKS, "debugged"))?;
    cluster.pod_that(TASKS, "debugged", "runs", |pod| pod["status"]["phase"] == "Running")?;
    let image = format!("--image={IMAGE}");
    let command = ["sh", "-c", "env; ls /etc/flyte/secrets; echo it ran"];
    let debug = ["debug", "-n", TASKS, "debugged", &image, "--image-pull-policy=Never", "--container=debugger", "--"];
    cluster.kubectl.run(debug.into_iter().chain(command))?;
    cluster.pod_that(TASKS, "debugged", "has a debugger that ended", |pod| {
        pod["status"]["ephemeralContainerStatuses"][0]["state"]["terminated"].is_object()
    })?;
    let log = cluster.kubectl.run(["logs", "-n", TASKS, "debugged", "-c", "debugger"])?;
    cluster.remove(TASKS, "debugged")?;
    has(&log, "it ran")?;
    has_not(&log, "open-sesame")?;
    has_not(&log, "_FSEC_")
}

fn a_pod_without_the_label_is_left_alone(cluster: &Cluster) -> Result {
    let pod = Pod::prints_env().annotation("keybearer.dev/secrets", "[{group: user-info, key: user_secret}]");
    let ended = cluster.succeeds("unlabelled", &pod)?;
    has_not(&ended.log, "FLYTE_SECRETS")?;
    has_not(&ended.pod["metadata"]["annotations"].to_string(), "injected")
}

fn the_label_alone_asks_for_nothing(cluster: &Cluster) -> Result {
    has_not(&cluster.succeeds("label-alone", &Pod::prints_env().asks_as_flyte(&[]))?.log, "FLYTE_SECRETS")
}

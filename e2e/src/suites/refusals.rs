//! What is refused, what is missing, and what is said of it.

use crate::Result;
use crate::case::Case;
use crate::cases;
use crate::cluster::{Cluster, TASKS, has};
use crate::pod::Pod;

pub(crate) const CASES: &[Case] = cases![
    a_malformed_request_is_refused_with_the_reason,
    an_undecodable_one_in_flytes_spelling_too,
    a_forbidden_secret_is_refused_with_the_rule,
    a_refusal_has_a_code_that_flyte_does_not_retry_for_ever,
    a_missing_secret_as_variable_is_named_by_the_kubelet,
    a_missing_secret_as_file_starts_and_has_no_file,
    a_dry_run_shows_the_pod_and_leaves_nothing,
];

fn a_malformed_request_is_refused_with_the_reason(cluster: &Cluster) -> Result {
    let pod = Pod::prints_env().asks("[{group: user-info, kye: user_secret}]");
    let refusal = cluster.refused("malformed", &pod)?;
    has(&refusal, "denied the request")?;
    has(&refusal, "keybearer.dev/secrets")?;
    has(&refusal, "kye")
}

fn an_undecodable_one_in_flytes_spelling_too(cluster: &Cluster) -> Result {
    let pod = Pod::prints_env().asks_as_flyte(&[]).annotation("flyte.secrets/s0", "0987");
    has(&cluster.refused("undecodable", &pod)?, "flyte.secrets/s0")
}

fn a_forbidden_secret_is_refused_with_the_rule(cluster: &Cluster) -> Result {
    let pod = Pod::prints_env().asks("[{group: forbidden, key: token}]");
    let refusal = cluster.refused("forbidden", &pod)?;
    has(&refusal, "forbidden/token")?;
    has(&refusal, "nobody's")
}

fn a_refusal_has_a_code_that_flyte_does_not_retry_for_ever(cluster: &Cluster) -> Result {
    let pod = Pod::prints_env().asks("[{group: forbidden, key: token}]");
    has(&cluster.refused("code", &pod)?, "(Forbidden)")
}

fn a_missing_secret_as_variable_is_named_by_the_kubelet(cluster: &Cluster) -> Result {
    let pod = Pod::prints_env().asks("[{group: nowhere, key: token, mount: env}]");
    cluster.kubectl.create(&pod.named(TASKS, "missing"))?;
    let waits = |pod: &serde_json::Value| {
        pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "CreateContainerConfigError"
    };
    cluster.pod_that(TASKS, "missing", "waits for its Secret", waits)?;
    let events = cluster.events(TASKS, "missing")?;
    cluster.remove(TASKS, "missing")?;
    has(&events, "secret \"nowhere\" not found")
}

fn a_missing_secret_as_file_starts_and_has_no_file(cluster: &Cluster) -> Result {
    let pod = Pod::script("cat /etc/flyte/secrets/nowhere/token").asks("[{group: nowhere, key: token, mount: file}]");
    let ended = cluster.ends(TASKS, "missing-file", &pod)?;
    has(&ended.log, "/etc/flyte/secrets/nowhere/token")?;
    has(&ended.log, "No such file")
}

fn a_dry_run_shows_the_pod_and_leaves_nothing(cluster: &Cluster) -> Result {
    let pod = Pod::prints_env().asks("[{group: user-info, key: user_secret, mount: env}]").named(TASKS, "dry");
    let answer = cluster.kubectl.dry_run(&pod)?;
    has(&answer["spec"]["containers"][0].to_string(), "_FSEC_USER-INFO_USER_SECRET")?;
    has(&answer["metadata"]["annotations"].to_string(), "keybearer.dev/injected")?;
    if cluster.kubectl.exists(["pod/dry", "-n", TASKS])? { Err("the pod is there".to_owned()) } else { Ok(()) }
}

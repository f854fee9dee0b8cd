//! Flyte's dialects, with Global's values in the webhook's own pod.

use crate::Result;
use crate::annotation::Asked;
use crate::case::Case;
use crate::cases;
use crate::cluster::{Cluster, has, has_not};
use crate::pod::Pod;

/// In Flyte 2's dialect.
pub(crate) const V2: &[Case] = cases![
    v2_has_its_variables_and_files,
    v2_has_a_global_secret_of_the_webhooks_environment_before_the_namespaces,
    v2_has_a_global_secret_of_the_webhooks_files_before_the_namespaces,
    v2_has_a_file_of_the_namespace_since_global_gives_none,
    v2_has_no_value_in_the_webhooks_log,
];

/// In Flyte 1's.
pub(crate) const V1: &[Case] = cases![
    v1_has_its_variables_and_files,
    v1_has_a_global_secret_of_the_webhooks_environment_before_the_namespaces,
    v1_has_a_global_secret_of_the_webhooks_files_before_the_namespaces,
    v1_is_refused_a_global_file,
    v1_has_no_value_in_the_webhooks_log,
];

const TOKEN: Asked<'_> = Asked { group: "global", key: "token", mount: "ENV_VAR", env_var: "" };
const FILE_TOKEN: Asked<'_> = Asked { group: "global", key: "file-token", mount: "ENV_VAR", env_var: "" };

/// One secret each way, named by Flyte.
fn variables_and_files(cluster: &Cluster, name: &str, prefix: &str) -> Result {
    let secret = Asked { group: "user-info", key: "user_secret", mount: "ENV_VAR", env_var: "INFO" };
    let file = Asked { group: "db", key: "ca.crt", mount: "FILE", env_var: "CA" };
    let pod = Pod::script("env; cat $CA").asks_as_flyte(&[secret, file]);
    let log = cluster.succeeds(name, &pod)?.log;
    has(&log, &format!("FLYTE_SECRETS_ENV_PREFIX={prefix}\n"))?;
    has(&log, "INFO=open-sesame\n")?;
    has(&log, "CA=/etc/flyte/secrets/db/ca.crt\n")?;
    has(&log, "PEM\nof two lines")
}

/// Global's values pass through the webhook.
fn log_has_no_value(cluster: &Cluster, name: &str) -> Result {
    variable(cluster, name, TOKEN, "of the webhook's environment\n")?;
    let log = crate::install::log(cluster)?;
    has(&log, name)?;
    has_not(&log, "of the webhook's")
}

fn v2_has_no_value_in_the_webhooks_log(cluster: &Cluster) -> Result {
    log_has_no_value(cluster, "v2-logged")
}

fn v1_has_no_value_in_the_webhooks_log(cluster: &Cluster) -> Result {
    log_has_no_value(cluster, "v1-logged")
}

fn variable(cluster: &Cluster, name: &str, asked: Asked<'_>, expected: &str) -> Result {
    has(&cluster.succeeds(name, &Pod::prints_env().asks_as_flyte(&[asked]))?.log, expected)
}

fn v2_has_its_variables_and_files(cluster: &Cluster) -> Result {
    variables_and_files(cluster, "v2", "_UNION_")
}

fn v2_has_a_global_secret_of_the_webhooks_environment_before_the_namespaces(cluster: &Cluster) -> Result {
    variable(cluster, "v2-env", TOKEN, "_UNION_GLOBAL_TOKEN=of the webhook's environment\n")
}

fn v2_has_a_global_secret_of_the_webhooks_files_before_the_namespaces(cluster: &Cluster) -> Result {
    variable(cluster, "v2-file", FILE_TOKEN, "_UNION_GLOBAL_FILE-TOKEN=of the webhook's files\n")
}

fn v2_has_a_file_of_the_namespace_since_global_gives_none(cluster: &Cluster) -> Result {
    let pod = Pod::script("cat /etc/flyte/secrets/global/token").asks_as_flyte(&[Asked { mount: "FILE", ..TOKEN }]);
    has(&cluster.succeeds("v2-both", &pod)?.log, "of the namespace")
}

fn v1_has_its_variables_and_files(cluster: &Cluster) -> Result {
    variables_and_files(cluster, "v1", "_FSEC_")
}

fn v1_has_a_global_secret_of_the_webhooks_environment_before_the_namespaces(cluster: &Cluster) -> Result {
    variable(cluster, "v1-env", TOKEN, "_FSEC_GLOBAL_TOKEN=of the webhook's environment\n")
}

fn v1_has_a_global_secret_of_the_webhooks_files_before_the_namespaces(cluster: &Cluster) -> Result {
    variable(cluster, "v1-file", FILE_TOKEN, "_FSEC_GLOBAL_FILE-TOKEN=of the webhook's files\n")
}

fn v1_is_refused_a_global_file(cluster: &Cluster) -> Result {
    let pod = Pod::prints_env().asks_as_flyte(&[Asked { mount: "FILE", ..TOKEN }]);
    has(&cluster.refused("v1-global-file", &pod)?, "global")
}

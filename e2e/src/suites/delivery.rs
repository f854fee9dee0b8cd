//! What containers find of the Kubernetes Secrets that they asked for.

use crate::Result;
use crate::annotation::Asked;
use crate::case::Case;
use crate::cases;
use crate::cluster::{Cluster, RESTRICTED, has, has_not};
use crate::pod::{Pod, container};
use serde_json::json;

pub(crate) const CASES: &[Case] = cases![
    a_secret_is_a_variable,
    a_secret_is_a_file,
    several_keys_of_two_groups_have_names_of_their_own,
    any_is_a_file,
    flytes_spelling_is_read_too,
    init_containers_and_a_sidecar_have_theirs,
    a_restricted_namespace_takes_the_pod,
];

/// Prints the secret and what tells where it is.
const READ: &str = "cat $FLYTE_SECRETS_DEFAULT_DIR/user-info/user_secret";

fn a_secret_is_a_variable(cluster: &Cluster) -> Result {
    let pod = Pod::prints_env().asks("[{group: user-info, key: user_secret, mount: env}]");
    let ended = cluster.succeeds("variable", &pod)?;
    has(&ended.log, "\n_FSEC_USER-INFO_USER_SECRET=open-sesame\n")?;
    has(&ended.log, "FLYTE_SECRETS_ENV_PREFIX=_FSEC_\n")?;
    has_not(&ended.pod["spec"].to_string(), "open-sesame")
}

fn a_secret_is_a_file(cluster: &Cluster) -> Result {
    let pod = Pod::script(READ).asks("[{group: user-info, key: user_secret, mount: file}]");
    let ended = cluster.succeeds("file", &pod)?;
    has(&ended.log, "open-sesame")
}

fn several_keys_of_two_groups_have_names_of_their_own(cluster: &Cluster) -> Result {
    let script = "echo \"$PASSWORD|$CA|$INFO\"; cat $CA $INFO; ls -R /etc/flyte/secrets";
    let pod = Pod::script(script).asks(
        "- {group: db, key: password, mount: env, env_var: PASSWORD}
- {group: db, key: ca.crt, mount: file, env_var: CA}
- {group: user-info, key: user_secret, mount: file, env_var: INFO}",
    );
    let log = cluster.succeeds("several", &pod)?.log;
    has(&log, "s3cret $(HOME) 'x'|/etc/flyte/secrets/db/ca.crt|/etc/flyte/secrets/user-info/user_secret\n")?;
    has(&log, "PEM\nof two lines\nopen-sesame")?;
    // What was not asked for as a file is none.
    has_not(&log, "password\n")
}

fn any_is_a_file(cluster: &Cluster) -> Result {
    let pod = Pod::script(READ).asks("[{group: user-info, key: user_secret}]");
    has(&cluster.succeeds("any", &pod)?.log, "open-sesame")
}

fn flytes_spelling_is_read_too(cluster: &Cluster) -> Result {
    let asked = Asked { group: "user-info", key: "user_secret", ..Asked::default() };
    let pod = Pod::script(&format!("echo $INFO; {READ}"))
        .asks_as_flyte(&[Asked { mount: "ENV_VAR", env_var: "INFO", ..asked }, Asked { mount: "FILE", ..asked }]);
    has(&cluster.succeeds("spelling", &pod)?.log, "open-sesame\nopen-sesame")
}

fn init_containers_and_a_sidecar_have_theirs(cluster: &Cluster) -> Result {
    let pod = Pod::script("until [ -s /shared/sidecar ]; do sleep 0.1; done; cat /shared/init /shared/sidecar")
        .asks("[{group: user-info, key: user_secret, mount: env, env_var: INFO}]")
        .with(|spec| {
            let mut init = container("init", &["sh", "-c", "echo init $INFO >/shared/init"]);
            let script = "echo sidecar $INFO >/shared/sidecar; exec sleep 3600";
            let mut sidecar = container("sidecar", &["sh", "-c", script]);
            sidecar["restartPolicy"] = "Always".into();
            let mount = json!([{"name": "shared", "mountPath": "/shared"}]);
            for container in [&mut init, &mut sidecar, &mut spec["containers"][0]] {
                container["volumeMounts"] = mount.clone();
            }
            spec["initContainers"] = json!([init, sidecar]);
            spec["volumes"] = json!([{"name": "shared", "emptyDir": {}}]);
        });
    has(&cluster.succeeds("init", &pod)?.log, "init open-sesame\nsidecar open-sesame")
}

fn a_restricted_namespace_takes_the_pod(cluster: &Cluster) -> Result {
    let pod = Pod::script(&format!("id -u; echo $INFO; {READ}"))
        .asks(
            "- {group: user-info, key: user_secret, mount: env, env_var: INFO}
- {group: user-info, key: user_secret, mount: file}",
        )
        .with(|spec| {
            spec["securityContext"] =
                json!({"runAsNonRoot": true, "runAsUser": 65534, "seccompProfile": {"type": "RuntimeDefault"}});
            spec["containers"][0]["securityContext"] = json!({"allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}});
        });
    has(&cluster.succeeds_in(RESTRICTED, "restricted", &pod)?.log, "65534\nopen-sesame\nopen-sesame")
}

//! Installing the webhook in one of its forms, and removing it.

use crate::Result;
use crate::cluster::{Cluster, SYSTEM, until};
use crate::pod::Pod;
use std::path::Path;
use std::time::Duration;

/// How the webhook is installed; each is a folder of `e2e/install`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Our manifests, our dialect.
    Keybearer,
    /// Our manifests as the webhook of Flyte 2.
    FlyteV2,
    /// Flyte 1's own manifests with our image.
    FlyteV1,
    /// The guard, which is no webhook.
    Guard,
}

/// The name of the registration, of the Service and of the cluster role.
pub(crate) const NAME: &str = "flyte-pod-webhook";
/// What marks objects of a test's install.
const OURS: &str = "keybearer.dev/e2e";

impl Form {
    const ALL: [Self; 4] = [Self::Keybearer, Self::FlyteV2, Self::FlyteV1, Self::Guard];

    fn folder(self) -> String {
        let name = match self {
            Self::Keybearer => "keybearer",
            Self::FlyteV2 => "flyte-v2",
            Self::FlyteV1 => "flyte-v1",
            Self::Guard => "guard",
        };
        Path::new(env!("CARGO_MANIFEST_DIR")).join("install").join(name).to_string_lossy().into_owned()
    }

    /// Applies its manifests.
    pub(crate) fn apply(self, cluster: &Cluster) -> Result<String> {
        let folder = self.folder();
        let mut words = vec!["apply", "-k", &folder];
        if self == Self::FlyteV1 {
            // As Helm, which installs Flyte, leaves them: `kubectl` has written none of it.
            words.extend(["--server-side", "--field-manager=helm"]);
        }
        cluster.kubectl.run(words)
    }

    /// Removes what its manifests name, as a user does.
    pub(crate) fn delete(self, cluster: &Cluster) -> Result {
        cluster.kubectl.run(["delete", "-k", &self.folder(), "--ignore-not-found", "--timeout=60s"]).map(drop)
    }

    /// Applies its manifests and waits until pods are served.
    pub(crate) fn install(self, cluster: &Cluster) -> Result {
        self.apply(cluster)?;
        certified(cluster)?;
        rolled_out(cluster)?;
        serves(cluster)
    }
}

/// Waits until the Job of the certificates has done its work.
pub(crate) fn certified(cluster: &Cluster) -> Result {
    let job = "job/flyte-pod-webhook-secrets";
    cluster.kubectl.run(["wait", "-n", SYSTEM, job, "--for=condition=Complete", "--timeout=60s"]).map(drop)
}

/// Waits until the Deployment has what it asks for.
pub(crate) fn rolled_out(cluster: &Cluster) -> Result {
    cluster.kubectl.run(["rollout", "status", "-n", SYSTEM, "deployment/flyte-pod-webhook", "--timeout=60s"]).map(drop)
}

/// What the webhook has logged.
pub(crate) fn log(cluster: &Cluster) -> Result<String> {
    cluster.kubectl.run(["logs", "-n", SYSTEM, "deployment/flyte-pod-webhook", "--tail=-1"])
}

/// Waits until a pod that asks for a secret comes back with something in it.
pub(crate) fn serves(cluster: &Cluster) -> Result {
    let probe = Pod::prints_env().asks("[{group: user-info, key: user_secret, mount: env}]");
    let probe = probe.named(crate::cluster::TASKS, "probe");
    let mut last = String::new();
    let result = until(Duration::from_secs(60), "the webhook serves", || {
        let answer = cluster.kubectl.dry_run(&probe);
        let served = answer.as_ref().is_ok_and(|pod| !crate::pod::variables(&pod["spec"]["containers"][0]).is_empty());
        last = answer.map_or_else(|wrong| wrong, |_| "a pod was admitted as it was".to_owned());
        Ok(served.then_some(()))
    });
    result.map_err(|wrong| format!("{wrong}: {last}"))
}

/// Ends with an error where the cluster has an install that is none of a test's.
pub(crate) fn refuse_foreign(cluster: &Cluster) -> Result {
    let foreign = |what: &str| {
        format!(
            "the cluster has a {what} `{NAME}` that no test has made; this wants a cluster without a webhook of Flyte"
        )
    };
    let path = "jsonpath={.webhooks[*].clientConfig.service.namespace}";
    let get = ["get", "mutatingwebhookconfiguration", NAME, "--ignore-not-found", "-o", path];
    let namespaces = cluster.kubectl.run(get)?;
    if namespaces.split_whitespace().any(|namespace| namespace != SYSTEM) {
        return Err(foreign("MutatingWebhookConfiguration"));
    }
    let not_ours = format!("{OURS}!=true");
    let roles = cluster.kubectl.json(["get", "clusterrole", "-l", &not_ours])?;
    let is_foreign = |role: &serde_json::Value| {
        // That of the chart is marked by Helm alone.
        let release = &role["metadata"]["annotations"]["meta.helm.sh/release-namespace"];
        role["metadata"]["name"] == NAME && release != SYSTEM
    };
    if roles["items"].as_array().into_iter().flatten().any(is_foreign) {
        return Err(foreign("ClusterRole"));
    }
    Ok(())
}

/// Waits until nothing is left of an install: neither the registration nor anything in its namespace.
pub(crate) fn nothing_is_left(cluster: &Cluster) -> Result {
    until(Duration::from_secs(60), "the registration is gone with its ClusterRole", || {
        Ok((!cluster.kubectl.exists(["mutatingwebhookconfiguration", NAME])?).then_some(()))
    })?;
    let kinds = "all,secrets,configmaps,serviceaccounts,roles,rolebindings,leases,poddisruptionbudgets,endpointslices,\
                 horizontalpodautoscalers,networkpolicies";
    let left = until(Duration::from_secs(60), "pods have ended", || {
        let left = cluster.kubectl.run(["get", kinds, "-n", SYSTEM, "-o", "name"])?;
        Ok((!left.contains("pod/")).then_some(left))
    })?;
    let every_namespace_has = ["configmap/kube-root-ca.crt", "serviceaccount/default"];
    let left: Vec<_> = left.lines().filter(|line| !every_namespace_has.contains(line)).collect();
    if !left.is_empty() {
        return Err(format!("there is still {left:?}"));
    }
    let roles = cluster.kubectl.run(["get", "clusterroles,clusterrolebindings", "-o", "name"])?;
    if roles.lines().any(|role| role.ends_with(&format!("/{NAME}"))) {
        return Err("there is still a ClusterRole or its binding".to_owned());
    }
    Ok(())
}

/// Removes every form, and the registrations.
pub(crate) fn remove_all(cluster: &Cluster) -> Result {
    // First of all what would refuse pods.
    cluster.kubectl.run(["delete", "mutatingwebhookconfiguration", NAME, crate::second::NAME, "--ignore-not-found"])?;
    Form::ALL.into_iter().try_for_each(|form| form.delete(cluster))
}

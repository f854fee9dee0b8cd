//! From Flyte's webhook to ours and back, as the docs say it: over a Flyte 1 install.

use crate::Result;
use crate::annotation::Asked;
use crate::case::Case;
use crate::cases;
use crate::chart;
use crate::cluster::{Cluster, SYSTEM, has, until};
use crate::document::{self, Instead};
use crate::install::NAME;
use crate::pod::Pod;
use serde_json::Value;
use std::time::Duration;

/// In their order.
pub(crate) const CASES: &[Case] =
    cases![the_overlay_is_laid_over_flytes_webhook, the_image_alone_leads_back, an_install_of_its_own_takes_its_place];

const DOCUMENT: &str = "docs/migrate-from-flyte.md";
const INSTEAD: Instead<'_> = &[
    ("--namespace flyte", "--namespace keybearer-e2e"),
    ("kubectl create --dry-run", "kubectl --namespace keybearer-e2e-tasks create --dry-run"),
    ("deploy/kustomize/overlays/flyte", "e2e/install/flyte-overlay"),
    // An image that answers to that name, as Flyte's does.
    ("cr.flyte.org/flyteorg/flytepropeller:v1.16.8", "registry.local/flytepropeller:e2e"),
    // What Flyte's chart takes away.
    (
        "helm upgrade flyte flyteorg/flyte-core --namespace keybearer-e2e --reuse-values --set webhook.enabled=false",
        "kubectl delete -k e2e/install/flyte-v1 && kubectl --namespace keybearer-e2e delete secret flyte-pod-webhook",
    ),
    ("deploy/helm/keybearer", "deploy/helm/keybearer --values e2e/install/helm/values.yaml"),
];

fn deployment(cluster: &Cluster) -> Result<Value> {
    cluster.kubectl.json(["get", "deployment", "-n", SYSTEM, NAME])
}

/// A task of Flyte's gets its secret.
fn a_task_is_served(cluster: &Cluster, name: &str) -> Result {
    let asked = Asked { group: "user-info", key: "user_secret", mount: "ENV_VAR", env_var: "" };
    has(&cluster.succeeds(name, &Pod::prints_env().asks_as_flyte(&[asked]))?.log, "open-sesame")
}

fn the_overlay_is_laid_over_flytes_webhook(cluster: &Cluster) -> Result {
    let before = deployment(cluster)?;
    for heading in ["Look first", "Swap the image", "See that it works"] {
        document::run(cluster, DOCUMENT, heading, INSTEAD)?;
    }
    let after = deployment(cluster)?;
    for path in ["/spec/selector", "/spec/template/spec/volumes", "/spec/template/spec/serviceAccountName"] {
        if before.pointer(path) != after.pointer(path) {
            return Err(format!("{path} of the Deployment is another now"));
        }
    }
    if after["spec"]["replicas"] != 2 {
        return Err(format!("it has {} replicas", after["spec"]["replicas"]));
    }
    a_task_is_served(cluster, "migrated")
}

fn the_image_alone_leads_back(cluster: &Cluster) -> Result {
    let mut ctr = std::process::Command::new("ctr");
    ctr.args(["--namespace", "k8s.io", "images", "tag", "--force"]);
    ctr.args(["docker.io/library/keybearer:0.1.0", "registry.local/flytepropeller:e2e"]);
    cluster.kubectl.beside(ctr)?;
    document::run(cluster, DOCUMENT, "Go back", INSTEAD)?;
    let pods = ["get", "pods", "-n", SYSTEM, "-l", "app=flyte-pod-webhook", "-o", "jsonpath={..image}"];
    has(&cluster.kubectl.run(pods)?, "registry.local/flytepropeller:e2e")?;
    a_task_is_served(cluster, "went-back")
}

fn an_install_of_its_own_takes_its_place(cluster: &Cluster) -> Result {
    document::run(cluster, DOCUMENT, "An install of its own", INSTEAD)?;
    a_task_is_served(cluster, "by-itself")?;
    chart::helm(cluster, &["uninstall", chart::RELEASE, "--namespace", SYSTEM, "--wait"])?;
    // That it was Flyte's once does not keep it.
    until(Duration::from_secs(60), "the registration is gone", || {
        Ok((!cluster.kubectl.exists(["mutatingwebhookconfiguration", NAME])?).then_some(()))
    })
}

//! The commands of the docs that need a cluster and nothing that is there already.

use crate::Result;
use crate::case::Case;
use crate::cases;
use crate::chart::{RELEASE, helm};
use crate::cluster::{Cluster, SYSTEM};
use crate::document::{self, Instead};
use crate::install;

pub(crate) const CASES: &[Case] = cases![
    every_command_of_operations_works,
    every_command_of_the_charts_page_works,
    the_chart_is_installed_as_the_page_on_installing_says
];

/// The tests' namespace, and values for a node that has the image.
pub(crate) const INSTEAD: Instead<'_> = &[
    ("keybearer webhook rotate-ca", "\"$KEYBEARER_E2E_PROGRAM\" webhook rotate-ca --hold 5"),
    ("--namespace flyte", "--namespace keybearer-e2e"),
    ("/namespaces/flyte/", "/namespaces/keybearer-e2e/"),
    // A pod in a namespace that the tests' install is for.
    ("keybearer doctor", "\"$KEYBEARER_E2E_PROGRAM\" doctor --probe-namespace keybearer-e2e-tasks"),
    ("--reset-then-reuse-values", "--reset-then-reuse-values --timeout 90s"),
    ("image.repository=registry.example.com/keybearer", "image.repository=keybearer"),
    ("deploy/helm/keybearer", "deploy/helm/keybearer --values e2e/install/helm/values.yaml"),
];

fn every_command_of_operations_works(cluster: &Cluster) -> Result {
    document::run(cluster, "docs/operations.md", "", INSTEAD)?;
    install::nothing_is_left(cluster)
}

fn every_command_of_the_charts_page_works(cluster: &Cluster) -> Result {
    document::run(cluster, "deploy/helm/keybearer/README.md", "", INSTEAD)?;
    install::nothing_is_left(cluster)
}

fn the_chart_is_installed_as_the_page_on_installing_says(cluster: &Cluster) -> Result {
    document::run(cluster, "docs/install.md", "Helm", INSTEAD)?;
    helm(cluster, &["uninstall", RELEASE, "--namespace", SYSTEM, "--wait"])?;
    install::nothing_is_left(cluster)
}

//! The order of it all: what is tried before an install, in each of its forms, and after it.

mod controllers;
mod delivery;
mod flyte;
mod flyte_v1;
mod from_outside;
mod helm;
mod lifecycle;
mod migration;
mod neighbours;
mod operations;
mod python;
mod refusals;
mod trouble;

use crate::Result;
use crate::case::{Case, Report, wanted};
use crate::cluster::Cluster;
use crate::install::Form;

/// Tries everything that the filter leaves.
pub(crate) fn all(cluster: &Cluster, filter: &str, report: &mut Report) -> Result {
    if any(&[("before", lifecycle::BEFORE)], filter) {
        report.stage(cluster, "before::the_guard_stands_alone", || Form::Guard.apply(cluster).map(drop));
        report.in_order(cluster, "before", lifecycle::BEFORE, filter);
    } else {
        Form::Guard.apply(cluster)?;
    }
    let together: &[(&str, &[Case])] = &[
        ("delivery", delivery::CASES),
        ("refusals", refusals::CASES),
        ("controllers", controllers::CASES),
        ("neighbours", neighbours::CASES),
        ("python", python::CASES),
        ("from_outside", from_outside::CASES),
    ];
    if any(together, filter) || any(&[("lifecycle", lifecycle::CASES)], filter) {
        if report.stage(cluster, "install::keybearer", || Form::Keybearer.install(cluster)) {
            for (suite, cases) in together {
                report.together(cluster, suite, cases, filter);
            }
            report.in_order(cluster, "lifecycle", lifecycle::CASES, filter);
        }
        crate::install::remove_all(cluster)?;
        Form::Guard.apply(cluster)?;
    }
    if any(&[("flyte_v2", flyte::V2)], filter) {
        if report.stage(cluster, "install::flyte_v2", || Form::FlyteV2.install(cluster)) {
            report.together(cluster, "flyte_v2", flyte::V2, filter);
        }
        crate::install::remove_all(cluster)?;
        Form::Guard.apply(cluster)?;
    }
    let flyte_v1 = [("flyte_v1", flyte::V1), ("flyte_v1", flyte_v1::CASES), ("migration", migration::CASES)];
    if any(&flyte_v1, filter) {
        if report.stage(cluster, "install::flyte_v1_with_our_image", || flyte_v1::install(cluster)) {
            report.together(cluster, "flyte_v1", flyte::V1, filter);
            report.in_order(cluster, "flyte_v1", flyte_v1::CASES, filter);
            report.in_order(cluster, "migration", migration::CASES, filter);
        }
        crate::install::remove_all(cluster)?;
    }
    if any(&[("helm", helm::CASES), ("operations", operations::CASES)], filter) {
        // The guard, too.
        crate::install::remove_all(cluster)?;
        report.in_order(cluster, "helm", helm::CASES, filter);
        report.in_order(cluster, "operations", operations::CASES, filter);
    }
    // Last: controllers whose API server was away for a while forget a pod of an install now and then, which is not ours to
    // mend, and would be in the way of what comes after.
    if any(&[("trouble", trouble::CASES)], filter) {
        // The guard, too: it would keep from being seen what the webhook lets pass.
        crate::install::remove_all(cluster)?;
        if report.stage(cluster, "install::two_replicas", || trouble::install(cluster)) {
            report.in_order(cluster, "trouble", trouble::CASES, filter);
        }
        crate::install::remove_all(cluster)?;
    }
    Ok(())
}

/// Is any of them to be tried?
fn any(suites: &[(&str, &[Case])], filter: &str) -> bool {
    suites.iter().any(|(suite, cases)| wanted(suite, cases, filter).next().is_some())
}

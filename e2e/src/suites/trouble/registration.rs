//! A registration that somebody edits or deletes.

use super::{logs, metric_of_all};
use crate::Result;
use crate::cluster::{Cluster, TASKS, has, until};
use crate::install::{Form, NAME};
use crate::load::Load;
use crate::pod::Pod;
use std::time::Duration;

/// Every half minute each replica looks at it.
const MENDED: Duration = Duration::from_secs(40);

fn mended(cluster: &Cluster, what: &str) -> Result<f64> {
    metric_of_all(cluster, &format!("keybearer_registration_mended_total{{what=\"{what}\"}}"))
}

/// With the guard: without a registration nobody calls the webhook, and only the guard keeps a pod from starting without.
pub(super) fn registration_edited_and_deleted(cluster: &Cluster) -> Result {
    Form::Guard.apply(cluster)?;
    let unserved = Pod::prints_env().label(crate::pod::LABEL, "true").annotation("flyte.secrets/s0", "x");
    until(Duration::from_secs(20), "the guard refuses", || {
        let probe = unserved.clone().annotation("keybearer.dev/off", "1").named(TASKS, "guard-probe");
        Ok(cluster.kubectl.dry_run(&probe).err().map(drop))
    })?;
    let load = Load::start(cluster)?;
    let patches = [
        ("bundle", "[{\"op\": \"replace\", \"path\": \"/webhooks/0/clientConfig/caBundle\", \"value\": \"\"}]"),
        (
            "other",
            "[{\"op\": \"replace\", \"path\": \"/webhooks/0/failurePolicy\", \"value\": \"Ignore\"}, \
              {\"op\": \"replace\", \"path\": \"/webhooks/0/objectSelector\", \"value\": {\"matchLabels\": {\"no\": \"pod\"}}}, \
              {\"op\": \"replace\", \"path\": \"/webhooks/0/rules/0/operations\", \"value\": [\"UPDATE\"]}]",
        ),
    ];
    for (what, patch) in patches {
        let before = mended(cluster, what)?;
        cluster.kubectl.run(["patch", "mutatingwebhookconfiguration", NAME, "--type=json", "-p", patch])?;
        until(MENDED, &format!("the registration is mended ({what})"), || {
            Ok((mended(cluster, what)? > before).then_some(()))
        })?;
        load.more(20)?;
    }
    let before = mended(cluster, "made")?;
    cluster.kubectl.run(["delete", "mutatingwebhookconfiguration", NAME])?;
    until(MENDED, "the registration is made again", || Ok((mended(cluster, "made")? > before).then_some(())))?;
    load.more(20)?;
    let seen = load.end()?;
    Form::Guard.delete(cluster)?;
    let log = logs(cluster)?;
    has(&log, "the registration had another CA and was mended")?;
    has(&log, "the registration was different and was mended")?;
    // Three times half a minute at most, and some seconds in between.
    if seen.trouble() > Duration::from_secs(120) { Err(format!("it took too long: {seen}")) } else { Ok(()) }
}

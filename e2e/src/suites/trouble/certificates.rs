//! The Secret of the certificates, filled with nonsense and deleted.

use super::{logs, metric_of_all};
use crate::Result;
use crate::cluster::{Cluster, SYSTEM, has, until};
use crate::load::Load;
use std::time::Duration;

const SECRET: &str = "flyte-pod-webhook-secret";
/// Every half minute each replica looks at it.
const MENDED: Duration = Duration::from_secs(40);

fn certificate(cluster: &Cluster) -> Result<String> {
    let path = "jsonpath={.data.tls\\.crt}";
    cluster.kubectl.run(["get", "secret", "-n", SYSTEM, SECRET, "--ignore-not-found", "-o", path])
}

pub(super) fn secret_of_certificates_broken_and_lost(cluster: &Cluster) -> Result {
    let good = certificate(cluster)?;
    let restored = || metric_of_all(cluster, "keybearer_certificates_mended_total{what=\"restored\"}");
    let is_mended = |before: f64| {
        until(MENDED, "the Secret has what is served again", || {
            Ok((certificate(cluster)? == good && restored()? > before).then_some(()))
        })
    };
    let load = Load::start(cluster)?;
    let before = restored()?;
    // Half of the certificate: no PEM any more.
    let half = good.get(..good.len() / 8 * 4).unwrap_or_default();
    let patch = serde_json::json!({"data": {"tls.crt": half}}).to_string();
    cluster.kubectl.run(["patch", "secret", "-n", SYSTEM, SECRET, "--type=merge", "-p", &patch])?;
    is_mended(before)?;
    let before = restored()?;
    cluster.kubectl.run(["delete", "secret", "-n", SYSTEM, SECRET])?;
    is_mended(before)?;
    load.more(50)?;
    load.end()?.none_failed()?;
    let log = logs(cluster)?;
    has(&log, "certificates mended")?;
    has(&log, "was lost")
}

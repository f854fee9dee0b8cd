//! The versions of the API server and of the kubelets.

use super::finding::Finding;
use crate::cluster::ClusterError;
use k8s_openapi::api::core::v1::Node;
use kube::api::ListParams;
use kube::{Api, Client};
use std::collections::BTreeMap;

pub(super) const API_SERVER: &str = "api-server";
const KUBELETS: &str = "kubelets";

/// The oldest minor version of Kubernetes 1 that is served.
const FLOOR: u32 = 31;
/// The first one whose kubelets take any env name (`RelaxedEnvironmentVariableValidation`, KEP-4369).
const ENV_NAMES: u32 = 32;
/// The first one that has `fileKeyRef` on by default (KEP-3721).
const FILE_KEYS: u32 = 35;

pub(super) async fn look(client: &Client) -> Vec<Finding> {
    let server = match client.apiserver_version().await {
        Ok(info) => judge(API_SERVER, &info.git_version, "the API server has version"),
        Err(error) => Finding::not_seen(API_SERVER, &ClusterError::asked("get", "version", "/version", None, &error)),
    };
    let nodes: Api<Node> = Api::all(client.clone());
    let kubelets = match nodes.list(&ListParams::default()).await {
        Ok(list) => {
            let mut counts: BTreeMap<String, usize> = BTreeMap::new();
            for node in list {
                let version = node.status.and_then(|status| status.node_info).map(|info| info.kubelet_version);
                *counts.entry(version.unwrap_or_default()).or_default() += 1;
            }
            counts
                .into_iter()
                .map(|(version, count)| {
                    let nodes = if count == 1 { "1 node runs".to_owned() } else { format!("{count} nodes run") };
                    judge(KUBELETS, &version, &format!("{nodes} kubelet"))
                })
                .collect()
        }
        Err(error) => vec![Finding::not_seen(KUBELETS, &ClusterError::asked("list", "nodes", "", None, &error))],
    };
    std::iter::once(server).chain(kubelets).collect()
}

fn judge(check: &'static str, version: &str, who: &str) -> Finding {
    let said = format!("{who} {version}");
    match minor(version) {
        None => Finding::unknown(check, format!("{said}, which is no version of Kubernetes 1")),
        Some(minor) if minor < FLOOR => Finding::failed(check, format!("{said}, older than 1.{FLOOR}"))
            .hint(format!("upgrade it to 1.{FLOOR} or newer")),
        Some(minor) if minor < ENV_NAMES => Finding::warning(
            check,
            format!("{said}, which takes no env names with characters besides letters, digits, `-`, `_` and `.`"),
        )
        .hint("ask for such secrets as FILE or with `env_var`"),
        Some(minor) if minor < FILE_KEYS => {
            Finding::ok(check, format!("{said}; `fileKeyRef`, which sealed env vars need, comes with 1.{FILE_KEYS}"))
        }
        Some(_) => Finding::ok(check, said),
    }
}

/// The minor version of `v1.34.2-gke.100`.
fn minor(version: &str) -> Option<u32> {
    let rest = version.trim_start_matches('v').strip_prefix("1.")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn old_versions_are_told_from_new_ones() {
        for (version, state) in [
            ("v1.37.0", State::Ok),
            ("v1.34.2-gke.100", State::Ok),
            ("v1.31.9+k3s1", State::Warning),
            ("v1.30.0", State::Failed),
            ("2.0", State::Unknown),
            ("", State::Unknown),
        ] {
            assert_eq!(judge(API_SERVER, version, "it has").state, state, "{version}");
        }
    }
}

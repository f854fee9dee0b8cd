//! The configuration that the install's pods are given.

use crate::cluster::ClusterError;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client};

/// The YAML files of a `ConfigMap`, by name and in its order; none where it is not there.
///
/// # Errors
/// What the API server says.
pub async fn config_map(
    client: &Client,
    namespace: &str,
    name: &str,
) -> Result<Option<Vec<(String, String)>>, ClusterError> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let map = maps.get_opt(name).await;
    let map = map.map_err(|error| ClusterError::asked("get", "configmaps", name, Some(namespace), &error))?;
    let is_yaml = |name: &str| [".yaml", ".yml"].iter().any(|ending| name.ends_with(ending));
    Ok(map.map(|map| map.data.into_iter().flatten().filter(|(name, _)| is_yaml(name)).collect()))
}

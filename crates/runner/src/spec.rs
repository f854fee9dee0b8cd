//! The parts of a pod that the runner reads, and no more.
//!
//! A pod comes from the API server or from a file, so a field may be absent, `null` or newer than this program: every field has a default, `null` is the default
//! too, and what is not named here is skipped. Nothing here derives `Debug`: an env var may hold a secret in clear.

use std::collections::BTreeMap;

use serde::de::{Deserialize, Deserializer, IgnoredAny};

type Ignored = Option<IgnoredAny>;

/// Reads `null` as the default, as Kubernetes does.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(input: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(input)?.unwrap_or_default())
}

macro_rules! object {
    ($(#[$doc:meta])* $name:ident { $($(#[$attr:meta])* $field:ident: $kind:ty,)* }) => {
        $(#[$doc])*
        #[derive(serde::Deserialize, Default)]
        #[serde(rename_all = "camelCase")]
        pub(crate) struct $name {
            $($(#[$attr])* #[serde(default, deserialize_with = "nullable")] pub(crate) $field: $kind,)*
        }
    };
}

object! { Object { kind: String, metadata: Metadata, spec: Spec, } }

object! { Metadata {
    name: String,
    generate_name: String,
    namespace: String,
    uid: String,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
} }

object! { Spec {
    containers: Vec<Container>,
    init_containers: Vec<Container>,
    volumes: Vec<Volume>,
    node_name: String,
    service_account_name: String,
    restart_policy: String,
    termination_grace_period_seconds: Option<u64>,
    active_deadline_seconds: Ignored,
    affinity: Ignored,
    ephemeral_containers: Ignored,
    host_aliases: Ignored,
    host_network: Ignored,
    image_pull_secrets: Ignored,
    node_selector: Ignored,
    priority_class_name: Ignored,
    runtime_class_name: Ignored,
    scheduling_gates: Ignored,
    security_context: Ignored,
    tolerations: Ignored,
    topology_spread_constraints: Ignored,
} }

object! { Container {
    name: String,
    command: Vec<String>,
    args: Vec<String>,
    working_dir: String,
    env: Vec<EnvVar>,
    env_from: Vec<EnvFrom>,
    volume_mounts: Vec<VolumeMount>,
    volume_devices: Vec<VolumeDevice>,
    restart_policy: String,
    resources: Resources,
    image: Ignored,
    lifecycle: Ignored,
    liveness_probe: Ignored,
    ports: Ignored,
    readiness_probe: Ignored,
    security_context: Ignored,
    startup_probe: Ignored,
} }

object! { Resources {
    limits: BTreeMap<String, serde_json::Value>,
    requests: BTreeMap<String, serde_json::Value>,
} }

object! { EnvVar { name: String, value: String, value_from: Option<EnvSource>, } }

object! { #[allow(clippy::struct_field_names)] EnvSource {
    field_ref: Option<FieldRef>,
    resource_field_ref: Option<ResourceFieldRef>,
    config_map_key_ref: Option<KeyRef>,
    secret_key_ref: Option<KeyRef>,
    file_key_ref: Option<FileKeyRef>,
} }

object! { FieldRef { field_path: String, } }

object! { ResourceFieldRef { container_name: String, resource: String, divisor: Option<serde_json::Value>, } }

object! { KeyRef { name: String, key: String, optional: bool, } }

object! { FileKeyRef { volume_name: String, path: String, key: String, optional: bool, } }

object! { EnvFrom { prefix: String, secret_ref: Option<ObjectRef>, config_map_ref: Option<ObjectRef>, } }

object! { ObjectRef { name: String, optional: bool, } }

object! { VolumeMount { name: String, mount_path: String, sub_path: String, sub_path_expr: String, read_only: bool, } }

object! { VolumeDevice { name: String, } }

object! { SecretVolume { secret_name: String, items: Vec<Item>, default_mode: Option<u32>, optional: bool, } }

object! { ConfigMapVolume { name: String, optional: bool, } }

object! { Item { key: String, path: String, mode: Option<u32>, } }

object! { Projected { sources: Vec<ProjectedSource>, default_mode: Option<u32>, } }

/// A volume. Its kind is a field of its own, so the kinds that the runner has no notion of are kept by name: they are refused by it.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Volume {
    #[serde(default, deserialize_with = "nullable")]
    pub(crate) name: String,
    pub(crate) empty_dir: Ignored,
    pub(crate) secret: Option<SecretVolume>,
    pub(crate) projected: Option<Projected>,
    #[serde(rename = "downwardAPI")]
    pub(crate) downward_api: Option<DownwardApi>,
    pub(crate) config_map: Option<ConfigMapVolume>,
    #[serde(flatten)]
    pub(crate) others: BTreeMap<String, Ignored>,
}

object! { SecretProjection { name: String, items: Vec<Item>, optional: bool, } }

/// One source of a projected volume; as with [`Volume`], what is not known is kept by name.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProjectedSource {
    pub(crate) secret: Option<SecretProjection>,
    #[serde(rename = "downwardAPI")]
    pub(crate) downward_api: Option<DownwardApi>,
    pub(crate) config_map: Option<ConfigMapVolume>,
    #[serde(flatten)]
    pub(crate) others: BTreeMap<String, Ignored>,
}

object! { DownwardApi { items: Vec<DownwardApiItem>, default_mode: Option<u32>, } }

object! { DownwardApiItem { path: String, field_ref: Option<FieldRef>, resource_field_ref: Option<ResourceFieldRef>, mode: Option<u32>, } }

/// The names of what a struct with kinds as fields holds beside the known ones, `null` not counted.
pub(crate) fn named(others: &BTreeMap<String, Ignored>) -> impl Iterator<Item = &str> {
    others.iter().filter(|(_, value)| value.is_some()).map(|(name, _)| name.as_str())
}

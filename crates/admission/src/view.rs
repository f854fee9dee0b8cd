//! What plan and render need of a pod, borrowed from the request's bytes.
//!
//! Everything else of the pod is skipped and never written again, so that fields this build has never heard of
//! survive. Lists keep apart "absent", "null" and "there", since that decides how a JSON patch adds to them.

use crate::collections::{List, Pairs, Words};
use crate::object::Object;
use crate::reader;
use crate::text::{Raw, Text};
use serde::Deserialize;
use serde::de::Deserializer;

/// A pod as far as it is read.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodView<'a> {
    /// `v1`, or empty.
    #[serde(borrow, default)]
    pub api_version: Text<'a>,
    /// `Pod`, or empty.
    #[serde(borrow, default)]
    pub kind: Text<'a>,
    /// Name, labels, annotations.
    #[serde(borrow, default, deserialize_with = "null_is_default")]
    pub metadata: Object<MetadataView<'a>>,
    /// Containers and volumes.
    #[serde(borrow, default)]
    pub spec: Option<Object<SpecView<'a>>>,
}

/// The pod's metadata as far as it is read.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetadataView<'a> {
    /// Its name; empty where the API server makes one of `generateName`.
    #[serde(borrow, default)]
    pub name: Text<'a>,
    /// What its name is made of.
    #[serde(borrow, default)]
    pub generate_name: Text<'a>,
    /// Its namespace; may be empty in a review, which names it elsewhere.
    #[serde(borrow, default)]
    pub namespace: Text<'a>,
    /// Its labels.
    #[serde(borrow, default)]
    pub labels: Pairs<'a>,
    /// Its annotations.
    #[serde(borrow, default)]
    pub annotations: Pairs<'a>,
}

/// The pod's spec as far as it is read.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SpecView<'a> {
    /// The service account; empty means `default`.
    #[serde(borrow, default)]
    pub service_account_name: Text<'a>,
    /// The containers.
    #[serde(borrow, default)]
    pub containers: List<Option<Object<ContainerView<'a>>>>,
    /// The init containers, native sidecars among them.
    #[serde(borrow, default)]
    pub init_containers: List<Option<Object<ContainerView<'a>>>>,
    /// The volumes.
    #[serde(borrow, default)]
    pub volumes: List<Option<Object<VolumeView<'a>>>>,
    /// Users and groups of the whole pod.
    #[serde(default)]
    pub security_context: Option<Object<SecurityView>>,
}

/// A container as far as it is read.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerView<'a> {
    /// Its name.
    #[serde(borrow, default)]
    pub name: Text<'a>,
    /// Its environment.
    #[serde(borrow, default)]
    pub env: List<Option<Object<EnvView<'a>>>>,
    /// Its mounts.
    #[serde(borrow, default)]
    pub volume_mounts: List<Option<Object<MountView<'a>>>>,
    /// Its resources, to be copied as they are.
    #[serde(borrow, default)]
    pub resources: Option<Raw<'a>>,
    /// User and group of the container alone.
    #[serde(default)]
    pub security_context: Option<Object<SecurityView>>,
    /// Image, command, arguments and mounts of init containers that we add are compared with these.
    #[serde(borrow, default)]
    pub image: Text<'a>,
    /// Command.
    #[serde(borrow, default)]
    pub command: List<Text<'a>>,
    /// Arguments.
    #[serde(borrow, default)]
    pub args: Option<Words<'a>>,
}

/// The part of a security context that decides who may read a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecurityView {
    /// User id of the processes.
    #[serde(default)]
    pub run_as_user: Option<i64>,
    /// Group that owns the pod's volumes (pods only).
    #[serde(default)]
    pub fs_group: Option<i64>,
}

/// An environment variable as far as it is read.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvView<'a> {
    /// Its name.
    #[serde(borrow, default)]
    pub name: Text<'a>,
    /// A literal value.
    #[serde(borrow, default)]
    pub value: Option<Text<'a>>,
    /// A reference, parsed only where it has to be compared.
    #[serde(borrow, default)]
    pub value_from: Option<Raw<'a>>,
}

/// A mount as far as it is read.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MountView<'a> {
    /// The volume's name.
    #[serde(borrow, default)]
    pub name: Text<'a>,
    /// Where it is in the container.
    #[serde(borrow, default)]
    pub mount_path: Text<'a>,
    /// Whether it can't be written.
    #[serde(default)]
    pub read_only: Option<bool>,
    /// A part of the volume only.
    #[serde(borrow, default)]
    pub sub_path: Option<Text<'a>>,
}

/// A volume as far as it is read.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeView<'a> {
    /// Its name.
    #[serde(borrow, default)]
    pub name: Text<'a>,
    /// A Secret as volume.
    #[serde(borrow, default)]
    pub secret: Option<Object<SecretVolumeView<'a>>>,
    /// A projected volume, parsed only where it has to be compared.
    #[serde(borrow, default)]
    pub projected: Option<Raw<'a>>,
    /// An empty directory, parsed only where it has to be compared.
    #[serde(borrow, default)]
    pub empty_dir: Option<Raw<'a>>,
}

/// A Secret as volume.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretVolumeView<'a> {
    /// The Secret's name.
    #[serde(borrow, default)]
    pub secret_name: Text<'a>,
    /// The keys in it; absent means all.
    #[serde(borrow, default)]
    pub items: List<Option<Object<ItemView<'a>>>>,
}

/// One key of a Secret as file.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ItemView<'a> {
    /// The key.
    #[serde(borrow, default)]
    pub key: Text<'a>,
    /// The file's path in the volume.
    #[serde(borrow, default)]
    pub path: Text<'a>,
}

fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

impl<'a> PodView<'a> {
    /// Reads the pod of a review or a manifest (JSON).
    ///
    /// # Errors
    /// What JSON's reader says: a wrong type in a field that is read, a repeated field, broken JSON.
    pub fn parse(json: &'a str) -> Result<Self, serde_json::Error> {
        match reader::pod(json) {
            Some(pod) => Ok(pod),
            None => serde_json::from_str(json).map(Object::into_inner),
        }
    }

    /// Init containers, then containers, with the list that each is in. A `null` entry is passed over.
    pub fn all_containers(&self) -> impl Iterator<Item = (ContainerList, usize, &ContainerView<'a>)> {
        let spec = self.spec.as_ref();
        let init = spec.map_or(&[][..], |spec| spec.init_containers.items());
        let main = spec.map_or(&[][..], |spec| spec.containers.items());
        init.iter()
            .enumerate()
            .map(|(i, c)| (ContainerList::Init, i, c))
            .chain(main.iter().enumerate().map(|(i, c)| (ContainerList::Main, i, c)))
            .filter_map(|(list, i, c)| c.as_deref().map(|c| (list, i, c)))
    }

    /// The volumes with their places in the list.
    pub fn volumes(&self) -> impl Iterator<Item = (usize, &VolumeView<'a>)> {
        let volumes = self.spec.as_ref().map_or(&[][..], |spec| spec.volumes.items());
        volumes.iter().enumerate().filter_map(|(i, v)| v.as_deref().map(|v| (i, v)))
    }

    /// What messages call the pod.
    pub fn title(&self) -> String {
        match (self.metadata.name.as_str(), self.metadata.generate_name.as_str()) {
            ("", "") => "(unnamed)".to_owned(),
            ("", prefix) => format!("{prefix}*"),
            (name, _) => name.to_owned(),
        }
    }
}

/// Which of the pod's two lists a container is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ContainerList {
    /// `spec.initContainers`
    Init,
    /// `spec.containers`
    Main,
}

impl ContainerList {
    /// The member's name in the spec.
    pub fn member(self) -> &'static str {
        match self {
            Self::Init => "initContainers",
            Self::Main => "containers",
        }
    }
}

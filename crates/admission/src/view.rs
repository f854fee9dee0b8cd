//! What plan and render need of a pod, borrowed from the request's bytes.
//!
//! Everything else of the pod is skipped and never written again, so that fields this build has never heard of
//! survive. Lists keep apart "absent", "null" and "there", since that decides how a JSON patch adds to them.

use crate::object::Object;
use crate::text::Text;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// A list of the pod that may be absent or null.
#[derive(Debug)]
pub enum List<T> {
    /// The member is not there.
    Absent,
    /// The member is `null`.
    Null,
    /// The member is a list.
    Items(Vec<T>),
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self::Absent
    }
}

impl<T> List<T> {
    /// The items; none where there is no list.
    pub fn items(&self) -> &[T] {
        match self {
            Self::Items(items) => items,
            Self::Absent | Self::Null => &[],
        }
    }

    /// Whether a JSON patch can add to it with `/-`.
    pub fn is_there(&self) -> bool {
        matches!(self, Self::Items(_))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Option::<Vec<T>>::deserialize(deserializer)? {
            Some(items) => Self::Items(items),
            None => Self::Null,
        })
    }
}

/// A map of strings in the order of the request. Where a name is repeated the last one counts, as Go has it.
#[derive(Debug, Default)]
pub struct Pairs<'a> {
    pairs: Vec<(Text<'a>, Text<'a>)>,
    there: bool,
}

impl<'a> Pairs<'a> {
    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(n, _)| n.as_str() == name).map(|(_, v)| v.as_str())
    }

    /// All pairs.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> + use<'_, 'a> {
        self.pairs.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }

    /// Whether the map is there (and not null).
    pub fn is_there(&self) -> bool {
        self.there
    }
}

/// Removes pairs whose name comes again later.
fn keep_last(pairs: &mut Vec<(Text<'_>, Text<'_>)>) {
    let mut names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    if names.windows(2).all(|two| two[0] != two[1]) {
        return;
    }
    let mut seen = std::collections::HashSet::new();
    let mut kept: Vec<_> = std::mem::take(pairs).into_iter().rev().filter(|(name, _)| seen.insert(name.to_string())).collect();
    kept.reverse();
    *pairs = kept;
}

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;
        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of strings")
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Pairs::default())
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                keep_last(&mut pairs);
                Ok(Pairs { pairs, there: true })
            }
        }
        deserializer.deserialize_any(PairsVisitor)
    }
}

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
    pub resources: Option<&'a RawValue>,
    /// User and group of the container alone.
    #[serde(default)]
    pub security_context: Option<Object<SecurityView>>,
    /// Image, arguments and mounts of our own init container are compared with these.
    #[serde(borrow, default)]
    pub image: Text<'a>,
    /// Arguments.
    #[serde(borrow, default)]
    pub args: List<Text<'a>>,
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
    pub value_from: Option<&'a RawValue>,
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
    pub projected: Option<&'a RawValue>,
    /// An empty directory, parsed only where it has to be compared.
    #[serde(borrow, default)]
    pub empty_dir: Option<&'a RawValue>,
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
        serde_json::from_str(json).map(Object::into_inner)
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

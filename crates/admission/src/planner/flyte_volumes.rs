//! Flyte's volumes: one for a group and version, merged with what is there.
//!
//! Flyte merges into whichever volume has the Secret, but mounts the name that it computed; where these differ its pod
//! has a mount without a volume and is refused by the API server. Here a file is only added to a volume that the
//! mount names. A file that is already there is taken for this request's, so that a second admission adds nothing.

use super::flyte::group_mount;
use crate::config::Config;
use crate::denial::Denial;
use crate::plan::{MountAddition, VolumeAddition};
use crate::view::{PodView, VolumeView};
use data_encoding::HEXLOWER;
use secret::{Secret, base32, to_lower};
use sha2::{Digest, Sha256};

/// Kubernetes' limit on a volume's name.
const MAX_NAME: usize = 63;

pub(super) struct Volumes<'p> {
    pod: &'p PodView<'p>,
    there: Vec<There<'p>>,
    new: Vec<New>,
    items: Vec<VolumeAddition>,
    /// Memory volumes of vendors' init containers, each with the number of new volumes before it.
    memory: Vec<(usize, &'static str)>,
}

/// A volume of the pod.
struct There<'p> {
    index: usize,
    view: &'p VolumeView<'p>,
    items: Vec<Item>,
}

/// A volume that is added.
struct New {
    volume: String,
    secret: String,
    items: Vec<Item>,
}

struct Item {
    key: String,
    path: String,
    /// Whether a request of this admission stands for it.
    claimed: bool,
}

impl<'p> Volumes<'p> {
    pub(super) fn new(pod: &'p PodView<'p>) -> Self {
        let there = pod
            .volumes()
            .map(|(index, view)| {
                let views = view.secret.as_ref().map_or(&[][..], |secret| secret.items.items());
                let items = views.iter().flatten().map(|item| Item {
                    key: item.key.to_string(),
                    path: item.path.to_string(),
                    claimed: false,
                });
                There { index, view, items: items.collect() }
            })
            .collect();
        Self { pod, there, new: Vec::new(), items: Vec::new(), memory: Vec::new() }
    }

    /// Puts a key of a Secret into the volume of its group, and says which mount shows it.
    pub(super) fn file(&mut self, named: &Secret, name: &str, config: &Config) -> Result<MountAddition, Denial> {
        let volume = volume_name(&named.group, &named.group_version);
        let mount = group_mount(&volume, &named.group);
        let (key, path) = (named.key.clone(), to_lower(&named.key));
        if let Some(there) = self.there.iter_mut().find(|there| there.view.name.as_str() == volume) {
            if !there.is_secret(name) {
                let why = format!("the pod has another volume named `{volume}`, the name that this secret's gets");
                return Err(Denial::secret(config, named, why).with_hint("give the pod's volume another name"));
            }
            there.add(key, path, &mut self.items);
            return Ok(mount);
        }
        if let Some(new) = self.new.iter_mut().find(|new| new.volume == volume || new.secret == name) {
            if new.secret != name {
                let why = format!("its volume would have the same name as that of Secret `{}`", new.secret);
                return Err(Denial::secret(config, named, why).with_hint("ask without `group_version`"));
            }
            claim(&mut new.items, key, path);
            return Ok(group_mount(&new.volume, &named.group));
        }
        let pod = self.pod;
        let mounted_there = |there: &There<'_>| {
            pod.all_containers()
                .flat_map(|(_, _, container)| container.volume_mounts.items().iter().flatten())
                .any(|there_mount| there_mount.name == there.view.name && there_mount.mount_path.as_str() == mount.path)
        };
        if let Some(there) = self.there.iter_mut().find(|there| there.is_secret(name) && mounted_there(there)) {
            // All keys of that Secret are there, or those that an earlier admission put there under another version.
            if !there.items.is_empty() {
                there.add(key, path, &mut self.items);
                return Ok(group_mount(there.view.name.as_str(), &named.group));
            }
        }
        self.new.push(New { volume, secret: name.to_owned(), items: vec![Item { key, path, claimed: true }] });
        Ok(mount)
    }

    /// The memory volume of vendors' init containers, unless it is there.
    pub(super) fn memory(&mut self, volume: &'static str, config: &Config) -> Result<(), Denial> {
        match self.there.iter().find(|there| there.view.name.as_str() == volume) {
            Some(there) if there.view.empty_dir.is_some() => {}
            Some(_) => {
                let why = format!("the pod has another volume named `{volume}`, the name of the one for its secrets");
                return Err(Denial::pod(config, why).with_hint("give the pod's volume another name"));
            }
            None if self.memory.iter().any(|(_, other)| *other == volume) => {}
            None => self.memory.push((self.new.len(), volume)),
        }
        Ok(())
    }

    pub(super) fn into_additions(self) -> Vec<VolumeAddition> {
        let mut additions: Vec<_> = self
            .new
            .into_iter()
            .map(|new| VolumeAddition::Secret {
                volume: new.volume,
                secret: new.secret,
                items: new.items.into_iter().map(|item| (item.key, item.path)).collect(),
            })
            .collect();
        for (at, volume) in self.memory.into_iter().rev() {
            additions.insert(at, VolumeAddition::Pulled { volume });
        }
        additions.splice(0..0, self.items);
        additions
    }
}

impl There<'_> {
    fn is_secret(&self, name: &str) -> bool {
        self.view.secret.as_ref().is_some_and(|secret| secret.secret_name.as_str() == name)
    }

    fn add(&mut self, key: String, path: String, additions: &mut Vec<VolumeAddition>) {
        if claim(&mut self.items, key.clone(), path.clone()) {
            additions.push(VolumeAddition::Item { index: self.index, key, path });
        }
    }
}

/// Takes an item that is there for a request's, or adds one and says so.
fn claim(items: &mut Vec<Item>, key: String, path: String) -> bool {
    match items.iter_mut().find(|item| !item.claimed && item.key == key && item.path == path) {
        Some(item) => {
            item.claimed = true;
            false
        }
        None => {
            items.push(Item { key, path, claimed: true });
            true
        }
    }
}

/// Flyte's name for a volume; where that is longer than Kubernetes allows, its start and a digest.
fn volume_name(group: &str, version: &str) -> String {
    let text = format!("{group}_{version}");
    let name = base32(text.as_bytes());
    if name.len() <= MAX_NAME {
        return name;
    }
    let digest = HEXLOWER.encode(&Sha256::digest(text.as_bytes())[..8]);
    format!("{}-{digest}", &name[..MAX_NAME - 1 - digest.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volume_names_are_flytes_where_kubernetes_takes_them() {
        assert_eq!(volume_name("grOUP", ""), "m4ze5vkql3");
        assert_eq!(volume_name("user-info", "v1"), "ovzwk3rnnfxgm216oyyq");
        let long = volume_name(&"a".repeat(39), "");
        assert_eq!(long.len(), 63);
        assert_ne!(long, volume_name(&"a".repeat(40), ""));
    }
}

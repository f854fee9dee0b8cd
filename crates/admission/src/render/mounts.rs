//! Mounts of one container.

use crate::patch::{At, Patch, Pointer};
use crate::plan::{FILES_VOLUME, MountAddition, REFERENCE_VOLUME};
use crate::view::ContainerView;
use serde::Serialize;

/// A mount as it is written.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Mount<'a> {
    name: &'a str,
    mount_path: &'a str,
    read_only: bool,
}

pub(super) fn put(mounts: &[MountAddition], container: &ContainerView<'_>, place: impl Pointer, patch: &mut Patch) {
    let list = At(place, "volumeMounts");
    let mut added = Vec::new();
    for mount in mounts {
        let there = container.volume_mounts.items().iter().enumerate().find_map(|(at, there)| {
            there.as_ref().filter(|there| there.name.as_str() == mount.volume).map(|there| (at, there))
        });
        match there {
            None => added.push(Mount { name: &mount.volume, mount_path: &mount.path, read_only: true }),
            Some((at, there)) if matches!(mount.volume.as_str(), REFERENCE_VOLUME | FILES_VOLUME) => {
                let entry = At(list, at);
                if there.mount_path.as_str() != mount.path {
                    patch.add(At(entry, "mountPath"), &mount.path);
                }
                if there.read_only != Some(true) {
                    patch.add(At(entry, "readOnly"), &true);
                }
                if there.sub_path.is_some() {
                    patch.remove(At(entry, "subPath"));
                }
            }
            // Flyte leaves a mount of that name as it is.
            Some(_) => {}
        }
    }
    patch.append(list, container.volume_mounts.is_there(), &added);
}

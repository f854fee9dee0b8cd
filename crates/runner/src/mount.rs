//! Where a container finds its volumes: a directory of this machine that stands for the secrets' directory.
//!
//! One volume mounted at the root of it is that directory itself. Volumes mounted below become links in a directory of the container's own.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::options::VolumeDirs;
use crate::outcome::StartError;
use crate::output::Note;
use crate::problem::Problem;
use crate::root::clean;
use crate::scoped::{descending, resolve};
use crate::spec::{Container, VolumeMount};

/// Where Kubernetes puts the token of a pod's service account; there is none here.
const TOKEN_DIR: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The mounts of one container.
#[derive(Default)]
pub(crate) struct Mounts(Vec<Mount>);

struct Mount {
    volume: String,
    /// A part of the volume; empty for all of it.
    part: PathBuf,
    /// Where, from the secrets' directory; empty for the directory itself.
    at: PathBuf,
}

/// The volumes that containers will see: those mounted at other places than the token's.
pub(crate) fn seen(container: &Container) -> impl Iterator<Item = &str> {
    let mounts = container.volume_mounts.iter().filter(|mount| clean(&mount.mount_path) != Path::new(TOKEN_DIR));
    mounts.map(|mount| mount.name.as_str())
}

impl Mounts {
    /// Checks a container's mounts. `root` is the secrets' directory.
    pub(crate) fn plan(
        container: &Container,
        volumes: &BTreeSet<&str>,
        root: &str,
        problems: &mut Vec<Problem>,
        notes: &mut Vec<Note>,
    ) -> Mounts {
        let name = || container.name.clone();
        let mut mounts: Vec<Mount> = Vec::new();
        for device in &container.volume_devices {
            problems.push(Problem::Device { container: name(), volume: device.name.clone() });
        }
        for mount in &container.volume_mounts {
            let (volume, path) = (mount.name.clone(), mount.mount_path.clone());
            let real = clean(&path);
            if real == Path::new(TOKEN_DIR) {
                notes.push(Note::NoToken { container: name() });
                continue;
            }
            if !volumes.contains(volume.as_str()) {
                problems.push(Problem::VolumeName { container: name(), volume, reason: "which the pod does not have" });
                continue;
            }
            let Ok(at) = real.strip_prefix(clean(root)) else {
                problems.push(Problem::MountElsewhere { container: name(), volume, path, root: root.into() });
                continue;
            };
            if mounts.iter().any(|other| at.starts_with(&other.at) || other.at.starts_with(at)) {
                problems.push(Problem::MountNested { container: name(), volume, path });
                continue;
            }
            match part(mount) {
                Ok(part) => mounts.push(Mount { volume, part, at: at.into() }),
                Err((field, reason)) => problems.push(Problem::SubPath { container: name(), volume, field, reason }),
            }
        }
        Mounts(mounts)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The directory that stands for the secrets' directory; `own` is where it is made if need be.
    pub(crate) fn make(&self, volumes: &VolumeDirs, own: &Path) -> Result<Option<PathBuf>, StartError> {
        if self.is_empty() {
            return Ok(None);
        }
        for mount in &self.0 {
            let failed = |source| StartError::Mount { volume: mount.volume.clone(), source };
            let target = mount.target(volumes).map_err(failed)?;
            if mount.at.as_os_str().is_empty() {
                return Ok(Some(target));
            }
            let link = own.join(&mount.at);
            std::fs::create_dir_all(link.parent().unwrap_or(own)).map_err(failed)?;
            symlink(&target, &link).map_err(failed)?;
        }
        Ok(Some(own.into()))
    }
}

impl Mount {
    /// What is mounted: the volume, or a part of it, which is made as a folder if it is not there.
    fn target(&self, volumes: &VolumeDirs) -> io::Result<PathBuf> {
        let volume = volumes.get(&self.volume).ok_or(io::ErrorKind::NotFound)?;
        if self.part.as_os_str().is_empty() {
            return Ok(volume.into());
        }
        let target = resolve(volume, &self.part)?;
        if !target.exists() {
            std::fs::create_dir_all(&target)?;
        }
        Ok(target)
    }
}

fn part(mount: &VolumeMount) -> Result<PathBuf, (&'static str, &'static str)> {
    if !mount.sub_path_expr.is_empty() {
        return Err(("subPathExpr", "which can't be had here"));
    }
    if mount.sub_path.is_empty() {
        return Ok(PathBuf::new());
    }
    descending(&mount.sub_path).ok_or(("subPath", "which is no path in it"))
}

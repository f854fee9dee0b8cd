//! Where a container finds its volumes.
//!
//! In a sandbox, where the pod has them mounted. Else there is a directory of this machine that stands for the secrets' directory: one volume mounted at the root of
//! it is that directory itself; volumes mounted below become links in a directory of the container's own.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::mountpoint::{self, is_for_files};
use crate::options::VolumeDirs;
use crate::order::Bind;
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
pub(crate) struct Mounts {
    mounts: Vec<Mount>,
    reach: Reach,
}

/// Where volumes can be mounted.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Reach {
    /// At or under the secrets' directory.
    #[default]
    Root,
    /// Wherever there is something to mount on, or it can be made.
    Anywhere,
}

struct Mount {
    volume: String,
    /// A part of the volume; empty for all of it.
    part: PathBuf,
    /// Where: an absolute path, or one from the secrets' directory, empty for that directory itself.
    at: PathBuf,
    read_only: bool,
}

/// The volumes that containers will see: those mounted at other places than the token's.
pub(crate) fn seen(container: &Container) -> impl Iterator<Item = &str> {
    let mounts = container.volume_mounts.iter().filter(|mount| clean(&mount.mount_path) != Path::new(TOKEN_DIR));
    mounts.map(|mount| mount.name.as_str())
}

impl Mounts {
    /// Checks a container's mounts. Of `volumes` it is known whether a container may write to them; `root` is the secrets' directory.
    pub(crate) fn plan(
        container: &Container,
        volumes: &BTreeMap<&str, bool>,
        root: &str,
        reach: Reach,
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
            let Some(writable) = volumes.get(volume.as_str()) else {
                problems.push(Problem::VolumeName { container: name(), volume, reason: "which the pod does not have" });
                continue;
            };
            let at = match reach {
                Reach::Anywhere => Ok(real.as_path()),
                Reach::Root => real.strip_prefix(clean(root)),
            };
            let Ok(at) = at else {
                problems.push(Problem::MountElsewhere { container: name(), volume, path, root: root.into() });
                continue;
            };
            if mounts.iter().any(|other| at.starts_with(&other.at) || other.at.starts_with(at)) {
                problems.push(Problem::MountNested { container: name(), volume, path });
                continue;
            }
            if reach == Reach::Anywhere {
                match mountpoint::check(at) {
                    Ok(shadowed) => notes.extend(shadowed.and_then(|dir| shadowed_note(dir, container, notes))),
                    Err(reason) => {
                        problems.push(Problem::MountPoint { container: name(), volume, path, reason });
                        continue;
                    }
                }
            }
            match part(mount) {
                Ok(part) => {
                    mounts.push(Mount { volume, part, at: at.into(), read_only: mount.read_only || !writable });
                }
                Err((field, reason)) => problems.push(Problem::SubPath { container: name(), volume, field, reason }),
            }
        }
        Mounts { mounts, reach }
    }

    fn is_empty(&self) -> bool {
        self.mounts.is_empty()
    }

    /// Whether the container must be led to another directory than the pod names.
    pub(crate) fn are_led_to(&self) -> bool {
        !self.is_empty() && self.reach == Reach::Root
    }

    /// Whether a path may lie in a volume, where there is nothing yet.
    pub(crate) fn may_hold(&self, path: &[u8], root: &str) -> bool {
        match self.reach {
            Reach::Root => path.starts_with(root.as_bytes()),
            Reach::Anywhere => {
                let path = Path::new(OsStr::from_bytes(path));
                self.mounts.iter().any(|mount| path.starts_with(&mount.at))
            }
        }
    }

    /// What a sandbox is to mount; `root` is where its files are seen from here, the volumes' among them.
    pub(crate) fn binds(&self, volumes: &VolumeDirs, root: &Path) -> Result<Vec<Bind>, StartError> {
        let bind = |mount: &Mount| {
            let source = mount.target(volumes)?.strip_prefix(root).map_err(io::Error::other)?.to_owned();
            Ok(Bind { volume: mount.volume.clone(), source, target: mount.at.clone(), read_only: mount.read_only })
        };
        let failed = |mount: &Mount, source| StartError::Mount { volume: mount.volume.clone(), source };
        self.mounts.iter().map(|mount| bind(mount).map_err(|error| failed(mount, error))).collect()
    }

    /// The directory that stands for the secrets' directory; `own` is where it is made if need be.
    pub(crate) fn make(&self, volumes: &VolumeDirs, own: &Path) -> Result<Option<PathBuf>, StartError> {
        if self.is_empty() {
            return Ok(None);
        }
        for mount in &self.mounts {
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

/// What to say of a directory that is replaced, if people keep files there and nothing has been said yet.
fn shadowed_note(dir: PathBuf, container: &Container, notes: &[Note]) -> Option<Note> {
    let is_for_files = dir.metadata().is_ok_and(|data| is_for_files(&data));
    let note = Note::Shadowed { container: container.name.clone(), dir };
    (is_for_files && !notes.contains(&note)).then_some(note)
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

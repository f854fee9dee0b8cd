//! What a container sees: the machine's files, and its volumes where the pod has them mounted.
//!
//! A mount needs something to be mounted on. Where that is not there, it must not be made on the machine; so the directory that it would be in is replaced, in this
//! container's view, by one in memory with all that the original has (see [`shadow`]).

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, UnmountFlags, mount_bind, mount_bind_recursive, mount_move, mount_remount, unmount};
use rustix::process::pivot_root;

use super::Failed;
use super::shadow::{self, Missing};
use crate::order::Bind;
use crate::scoped::resolve;

/// Where init has the machine's files.
pub(crate) const HOST: &str = "host";
/// Where directories are prepared.
pub(crate) const STAGE: &str = "stage";

/// Makes the view and enters it: the calling thread, in a mount namespace of its own, has it as its root afterwards.
pub(crate) fn enter(binds: &[Bind]) -> Result<(), Failed> {
    let mut root = Path::new("/").join(HOST);
    let mut shadows: BTreeMap<PathBuf, Vec<Missing>> = BTreeMap::new();
    for (index, bind) in binds.iter().enumerate() {
        let found = Missing::find(&root, bind).map_err(|error| Failed::Mount(index, error))?;
        if let Some((dir, mut missing)) = found {
            missing.index = index;
            shadows.entry(dir).or_default().push(missing);
        }
    }
    // In this order a directory comes after those that it is in, so it is the one in their shadow that is replaced.
    for (number, (dir, missing)) in shadows.iter().enumerate() {
        let stage = Path::new("/").join(STAGE).join(number.to_string());
        let index = missing.first().map_or(0, |missing| missing.index);
        let original = root.join(dir);
        let failed = |error| Failed::Mount(index, error);
        shadow::fill(&original, &stage).map_err(failed)?;
        for missing in missing {
            missing.make(&stage).map_err(|error| Failed::Mount(missing.index, error))?;
        }
        shadow::close(&original, &stage).map_err(failed)?;
        if dir.as_os_str().is_empty() {
            root = stage;
        } else {
            mount_move(&stage, &original).map_err(|error| failed(error.into()))?;
        }
    }
    for (index, bind) in binds.iter().enumerate() {
        mount(&root, bind).map_err(|error| Failed::Mount(index, error))?;
    }
    go(&root).map_err(Failed::Namespace)
}

fn mount(root: &Path, bind: &Bind) -> io::Result<()> {
    let target = resolve(root, &bind.target)?;
    mount_bind(Path::new("/").join(&bind.source), &target)?;
    if bind.read_only {
        let flags = MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV;
        mount_remount(&target, flags, c"")?;
    }
    Ok(())
}

/// Makes `root` the root, with the processes of this PID namespace in `/proc`.
fn go(root: &Path) -> io::Result<()> {
    let proc = root.join("proc");
    if fs::exists("/proc/self")? && proc.is_dir() {
        mount_bind_recursive("/proc", &proc)?;
    }
    std::env::set_current_dir(root)?;
    // The old root comes to lie over the new one, and is taken away from there: no directory is needed for it.
    pivot_root(".", ".")?;
    unmount(".", UnmountFlags::DETACH)?;
    std::env::set_current_dir("/")
}

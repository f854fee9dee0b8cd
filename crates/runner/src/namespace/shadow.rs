//! A directory in memory that has all that another one has, and room for what that one has not.
//!
//! Its entries are the original's own: what is written in them is written on the machine. Only new entries of the directory itself are not: where people keep
//! files they can be made, and are gone afterwards; elsewhere the directory is read-only, so that nothing vanishes unnoticed.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, mount, mount_bind, mount_bind_recursive, mount_remount};

use crate::mountpoint::{is_for_files, missing_from};
use crate::order::Bind;

const PLAIN: MountFlags = MountFlags::NOSUID.union(MountFlags::NODEV);

/// A mount point that is not there.
pub(crate) struct Missing {
    /// The mount's number.
    pub(crate) index: usize,
    /// Where it is to be, from the directory that is there.
    path: PathBuf,
    is_dir: bool,
}

impl Missing {
    /// The directory in `root` in which a mount lacks its mount point, if it lacks it, from `root`.
    pub(crate) fn find(root: &Path, bind: &Bind) -> io::Result<Option<(PathBuf, Missing)>> {
        let Some((dir, path)) = missing_from(root, &bind.target)? else { return Ok(None) };
        let is_dir = fs::metadata(Path::new("/").join(&bind.source))?.is_dir();
        let dir = dir.strip_prefix(root).map_err(io::Error::other)?.to_owned();
        Ok(Some((dir, Missing { index: 0, path, is_dir })))
    }

    /// Makes it in the directory's shadow.
    pub(crate) fn make(&self, shadow: &Path) -> io::Result<()> {
        let at = shadow.join(&self.path);
        if self.is_dir {
            return fs::create_dir_all(at);
        }
        fs::create_dir_all(at.parent().unwrap_or(shadow))?;
        File::create_new(at).map(drop)
    }
}

/// Makes at `shadow` what `original` has.
pub(crate) fn fill(original: &Path, shadow: &Path) -> io::Result<()> {
    // It is there already if another container needed one: only what is mounted on it is this container's own.
    fs::create_dir_all(shadow)?;
    mount("tmpfs", shadow, "tmpfs", PLAIN, c"mode=0755")?;
    for entry in fs::read_dir(original)? {
        let entry = entry?;
        let (from, to) = (entry.path(), shadow.join(entry.file_name()));
        let kind = entry.file_type()?;
        let made = if kind.is_symlink() {
            fs::read_link(&from).and_then(|target| symlink(target, &to))
        } else if kind.is_dir() {
            fs::create_dir(&to)?;
            mount_bind_recursive(&from, &to).map_err(Into::into)
        } else {
            File::create_new(&to)?;
            mount_bind(&from, &to).map_err(Into::into)
        };
        match made {
            // It went away while this was done.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                _ = if kind.is_dir() { fs::remove_dir(&to) } else { fs::remove_file(&to) };
            }
            made => made?,
        }
    }
    Ok(())
}

/// The shadow looks as the original does, and takes no more entries unless people keep files there.
pub(crate) fn close(original: &Path, shadow: &Path) -> io::Result<()> {
    let data = fs::metadata(original)?;
    // In a user namespace nobody else can be the owner.
    _ = std::os::unix::fs::chown(shadow, Some(data.uid()), Some(data.gid()));
    fs::set_permissions(shadow, Permissions::from_mode(data.mode() & 0o7777))?;
    if !is_for_files(&data) {
        mount_remount(shadow, PLAIN | MountFlags::BIND | MountFlags::RDONLY, c"")?;
    }
    Ok(())
}

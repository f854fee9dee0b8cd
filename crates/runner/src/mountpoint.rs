//! Where something can be mounted, and what of it is not there yet.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use crate::scoped::resolve;

/// If nothing is at `target` below `root`: the last directory on the way there, and the rest of the way.
pub(crate) fn missing_from(root: &Path, target: &Path) -> io::Result<Option<(PathBuf, PathBuf)>> {
    let at = resolve(root, target)?;
    for dir in at.ancestors() {
        match dir.symlink_metadata() {
            Ok(_) if dir == at => return Ok(None),
            Ok(data) if data.is_dir() => {
                let rest = at.strip_prefix(dir).map_err(io::Error::other)?;
                return Ok(Some((dir.into(), rest.into())));
            }
            Ok(_) => return Err(io::ErrorKind::NotADirectory.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

/// Why nothing can be mounted at `target`, as far as it can be told before; else the directory that must be replaced to that end, if one must.
pub(crate) fn check(target: &Path) -> Result<Option<PathBuf>, &'static str> {
    if target == Path::new("/") {
        return Err("which is the root of all files");
    }
    match missing_from(Path::new("/"), target) {
        Ok(None) => Ok(None),
        Ok(Some((dir, _))) if std::fs::read_dir(&dir).is_ok() => Ok(Some(dir)),
        Ok(Some(_)) => Err("which is not there, in a directory that can't be read"),
        Err(_) => Err("which can't be reached"),
    }
}

/// Whether people keep files in a directory: all may write there, or it is this user's own. Root's own are the system's.
pub(crate) fn is_for_files(dir: &Metadata) -> bool {
    let me = geteuid();
    dir.mode() & 0o002 != 0 || (!me.is_root() && dir.uid() == me.as_raw())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn what_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        std::fs::write(root.join("file"), "").unwrap();
        symlink("/a", root.join("link")).unwrap();
        symlink("/new/place", root.join("dangling")).unwrap();
        let missing = |target: &str| missing_from(root, Path::new(target)).map_err(|error| error.kind());
        let some = |dir: &str, rest: &str| Ok(Some((root.join(dir), rest.into())));
        assert_eq!(missing("/a/b"), Ok(None));
        assert_eq!(missing("/file"), Ok(None));
        assert_eq!(missing("/link/b"), Ok(None));
        assert_eq!(missing("/a/b/c/d"), some("a/b", "c/d"));
        assert_eq!(missing("/link/c"), some("a", "c"));
        assert_eq!(missing("/dangling/x"), some("", "new/place/x"));
        assert_eq!(missing("/c/../d"), some("", "d"));
        assert_eq!(missing("/file/x"), Err(io::ErrorKind::NotADirectory));
    }

    #[test]
    fn what_cant_be() {
        assert_eq!(check(Path::new("/etc")), Ok(None));
        assert_eq!(check(Path::new("/etc/no-such/dir")), Ok(Some("/etc".into())));
        assert!(check(Path::new("/")).is_err() && check(Path::new("/etc/passwd/x")).is_err());
    }
}

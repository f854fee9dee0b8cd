//! A path within a volume, as the kubelet follows it: links lead within the volume, never out of it.
//!
//! What is in a memory volume was written by a container, so a link there may point anywhere.

use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};

/// How many links are followed before it must be a loop.
const MOST_LINKS: usize = 255;

/// Where `path` lies on this machine if `root` were the root of the file system. What does not exist is taken as it is written.
pub(crate) fn resolve(root: &Path, path: &Path) -> io::Result<PathBuf> {
    let mut resolved = PathBuf::new();
    let mut rest: Vec<OsString> = reversed(path);
    let mut links = 0;
    while let Some(part) = rest.pop() {
        if part == ".." {
            resolved.pop();
            continue;
        }
        let next = resolved.join(&part);
        match std::fs::read_link(root.join(&next)) {
            Ok(target) => {
                links += 1;
                if links > MOST_LINKS {
                    return Err(io::Error::other("too many symbolic links"));
                }
                if target.is_absolute() {
                    resolved.clear();
                }
                rest.extend(reversed(&target));
            }
            Err(_) => resolved = next,
        }
    }
    Ok(root.join(resolved))
}

/// The parts of a path, last one first; the root and `.` are no parts.
fn reversed(path: &Path) -> Vec<OsString> {
    path.components()
        .rev()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        })
        .collect()
}

/// The parts of a relative path that stays where it is: `None` if it is absolute, empty, or has `..` in it.
pub(crate) fn descending(path: &str) -> Option<PathBuf> {
    let mut clean = PathBuf::new();
    for part in Path::new(path).components() {
        match part {
            Component::Normal(name) => clean.push(name),
            Component::CurDir => {}
            Component::RootDir | Component::ParentDir | Component::Prefix(_) => return None,
        }
    }
    Some(clean).filter(|clean| !clean.as_os_str().is_empty() && !path.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_stay_within() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        std::fs::create_dir(root.join("sub")).unwrap();
        symlink("/etc/passwd", root.join("absolute")).unwrap();
        symlink("../../../etc/passwd", root.join("sub/up")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        symlink("sub", root.join("dir")).unwrap();
        let at = |path: &str| resolve(root, Path::new(path)).map(|found| found.strip_prefix(root).unwrap().to_owned());
        assert_eq!(at("a/./b").unwrap(), Path::new("a/b"));
        assert_eq!(at("/a/../../b").unwrap(), Path::new("b"));
        assert_eq!(at("absolute").unwrap(), Path::new("etc/passwd"));
        assert_eq!(at("sub/up").unwrap(), Path::new("etc/passwd"));
        assert_eq!(at("dir/up").unwrap(), Path::new("etc/passwd"));
        assert_eq!(at("dir/file").unwrap(), Path::new("sub/file"));
        assert!(at("loop").is_err());
    }

    #[test]
    fn descending_paths() {
        assert_eq!(descending("a//b/./c/"), Some("a/b/c".into()));
        for bad in ["", ".", "/a", "a/../b", "..", "a\0b"] {
            assert_eq!(descending(bad), None, "{bad:?}");
        }
    }
}

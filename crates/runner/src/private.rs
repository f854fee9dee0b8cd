//! The private directory of a run: nobody else can look into it, and it is gone afterwards.
//!
//! It is removed when its owner is dropped, which a panic and a signal that is listened to both lead to. A process that is killed outright can't do that; so the
//! next run on this machine removes what such a one left. Whether it still lives is told by a lock that it holds, which ends with it whatever happens, and
//! before it has the lock by its number in the directory's name.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, FlockOperation, OFlags, access, flock};
use rustix::io::Errno;
use rustix::process::{Pid, geteuid, test_kill_process};

/// Where Linux keeps files in memory.
pub(crate) const MEMORY: &str = "/dev/shm";

const PREFIX: &str = "keybearer-run-";
const LOCK: &str = "lock";

/// A directory that only this user can look into, and that goes away with this value. What a killed process leaves, the next run removes.
#[derive(Debug)]
pub struct PrivateDir {
    path: PathBuf,
    _lock: File,
}

impl PrivateDir {
    /// Makes it in `parent`.
    pub(crate) fn make(parent: &Path) -> io::Result<PrivateDir> {
        let dir = tempfile::Builder::new()
            .prefix(&format!("{PREFIX}{}-", std::process::id()))
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(fs::canonicalize(parent)?)?;
        // It gets its name when it is locked: a lock that is there and free means that its owner is gone.
        let (young, lock) = (dir.path().join("young"), dir.path().join(LOCK));
        let file = File::create_new(&young)?;
        // A file system without locks leaves the process's number, which is enough most of the time.
        _ = flock(&file, FlockOperation::NonBlockingLockExclusive);
        fs::rename(young, lock)?;
        Ok(PrivateDir { path: dir.keep(), _lock: file })
    }

    /// Makes one where a run's files are: in memory, where there is a directory that is.
    ///
    /// # Errors
    /// What the system says if it can't be made.
    pub fn new() -> io::Result<PrivateDir> {
        PrivateDir::make(&parent(Path::new(MEMORY)))
    }

    /// Its absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it and all that is in it.
    pub(crate) fn remove(&self) -> io::Result<()> {
        remove(&self.path)
    }
}

impl Drop for PrivateDir {
    fn drop(&mut self) {
        _ = self.remove();
    }
}

/// Where private directories are made if the caller does not say: in memory, if `memory` is a directory there that can be written, else with the temporary files.
pub(crate) fn parent(memory: &Path) -> PathBuf {
    if is_memory(memory) && access(memory, Access::WRITE_OK | Access::EXEC_OK).is_ok() {
        memory.into()
    } else {
        std::env::temp_dir()
    }
}

#[cfg(target_os = "linux")]
fn is_memory(dir: &Path) -> bool {
    // From the kernel's magic.h.
    const TMPFS: u64 = 0x0102_1994;
    rustix::fs::statfs(dir).is_ok_and(|stat| u64::try_from(stat.f_type) == Ok(TMPFS))
}

#[cfg(not(target_os = "linux"))]
fn is_memory(_: &Path) -> bool {
    false
}

/// Removes what killed runs of this user left in `parent`; gives their number.
pub(crate) fn sweep(parent: &Path) -> usize {
    let Ok(entries) = fs::read_dir(parent) else { return 0 };
    let proc = Path::new("/proc");
    let left = entries.filter_map(Result::ok).filter(|entry| {
        let pid = entry.file_name().to_str().and_then(owner);
        let is_ours =
            fs::symlink_metadata(entry.path()).is_ok_and(|data| data.is_dir() && data.uid() == geteuid().as_raw());
        pid.is_some_and(|pid| is_ours && is_stale(&entry.path(), || lives(pid, proc)))
    });
    left.filter(|entry| remove(&entry.path()).is_ok()).count()
}

/// The process that made a directory of this name, if it is a name of ours.
fn owner(name: &str) -> Option<Pid> {
    let (pid, rest) = name.strip_prefix(PREFIX)?.split_once('-')?;
    let digits = pid.bytes().all(|byte| byte.is_ascii_digit()) && !rest.is_empty();
    Pid::from_raw(pid.parse().ok().filter(|_| digits)?)
}

fn is_stale(dir: &Path, lives: impl FnOnce() -> bool) -> bool {
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or(0);
    let lock = File::options().read(true).custom_flags(flags).open(dir.join(LOCK));
    match lock.map(|lock| flock(&lock, FlockOperation::NonBlockingLockExclusive)) {
        Ok(Ok(())) => true,
        Ok(Err(Errno::WOULDBLOCK)) => false,
        // No lock yet, or none on this file system.
        Ok(Err(_)) | Err(_) => !lives(),
    }
}

/// Whether there is a process of this number: by `proc`, where Linux has one, else by asking whether it could be sent a signal.
fn lives(pid: Pid, proc: &Path) -> bool {
    if proc.join("self").exists() {
        return proc.join(pid.as_raw_nonzero().to_string()).exists();
    }
    test_kill_process(pid) != Err(Errno::SRCH)
}

/// Removes a directory, also where a container has taken away its own right to write in a folder.
fn remove(dir: &Path) -> io::Result<()> {
    let first = fs::remove_dir_all(dir);
    match first {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_up(dir);
            fs::remove_dir_all(dir)
        }
        _ => first,
    }
}

fn open_up(dir: &Path) {
    _ = fs::set_permissions(dir, Permissions::from_mode(0o700));
    for entry in fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok) {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(&entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn nobody_else_looks_in_and_it_goes_away() {
        let parent = tempfile::tempdir().unwrap();
        let dir = PrivateDir::make(parent.path()).unwrap();
        let path = dir.path().to_owned();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o700);
        fs::create_dir_all(path.join("a/b")).unwrap();
        fs::write(path.join("a/b/c"), "x").unwrap();
        fs::set_permissions(path.join("a/b"), Permissions::from_mode(0o500)).unwrap();
        fs::set_permissions(path.join("a"), Permissions::from_mode(0o0)).unwrap();
        drop(dir);
        assert!(!path.exists());

        let unwound = std::panic::catch_unwind(|| {
            let _dir = PrivateDir::make(parent.path()).unwrap();
            std::panic::resume_unwind(Box::new(()));
        });
        assert!(unwound.is_err());
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[test]
    fn memory_only_where_it_is_memory() {
        assert_eq!(parent(Path::new("/nowhere")), std::env::temp_dir());
        assert_eq!(parent(Path::new("/proc")), std::env::temp_dir());
    }

    #[test]
    fn names() {
        assert_eq!(owner("keybearer-run-12-ab").map(|pid| pid.as_raw_nonzero().get()), Some(12));
        for other in
            ["keybearer-run-", "keybearer-run-12", "keybearer-run-12-", "keybearer-run-+1-x", "keybearer-run-0-x", "x"]
        {
            assert_eq!(owner(other), None, "{other}");
        }
    }

    #[test]
    fn only_what_a_killed_run_left_is_swept() {
        // No process can have this number: it is over the kernel's limit.
        const GONE: u32 = 2_000_000_000;
        let dir = tempfile::tempdir().unwrap();
        let parent = dir.path();
        let live = PrivateDir::make(parent).unwrap();
        let target = parent.join("target");
        fs::create_dir(&target).unwrap();
        fs::write(target.join("file"), "x").unwrap();
        let make = |name: String| {
            fs::create_dir(parent.join(&name)).unwrap();
            parent.join(name)
        };
        let unlocked = make(format!("{PREFIX}{}-a", std::process::id()));
        fs::write(unlocked.join(LOCK), "").unwrap();
        let gone = make(format!("{PREFIX}{GONE}-b"));
        symlink(&target, gone.join("link")).unwrap();
        let young = make(format!("{PREFIX}{}-c", std::process::id()));
        let other = make("keybearer-other".into());
        let link = parent.join(format!("{PREFIX}{GONE}-d"));
        symlink(&target, &link).unwrap();

        assert_eq!(sweep(parent), 2);
        assert!(!unlocked.exists() && !gone.exists());
        assert!(
            live.path().exists() && young.exists() && other.exists() && link.exists() && target.join("file").exists()
        );
        assert_eq!(sweep(Path::new("/nowhere")), 0);
    }

    #[test]
    fn living_processes_with_and_without_proc() {
        let me = Pid::from_raw(i32::try_from(std::process::id()).unwrap()).unwrap();
        let gone = Pid::from_raw(2_000_000_000).unwrap();
        for proc in ["/proc", "/nowhere"] {
            assert!(lives(me, Path::new(proc)) && !lives(gone, Path::new(proc)), "{proc}");
        }
    }
}

//! The first process of a PID namespace: starts containers, waits for all that ends, and by its own end ends everything.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process_group, pivot_root, wait};
use rustix::thread::{UnshareFlags, capabilities, clear_ambient_capability_set, set_capabilities};
use signal_hook::consts::SIGCHLD;
use zeroize::Zeroizing;

use super::entry::{MOUNT, Refused, unshare};
use super::view;
use super::wire::{Kind, NAMESPACE, PROGRAM, Record, SIZE, receive_all};
use super::{Failed, KEPT, SCRATCH};
use crate::order::Order;
use crate::strays::Strays;

/// Where memory is mounted until it is the root: a directory that every Linux has, seen again as soon as that is done.
const FIRST: &str = "/proc";

/// How long to sleep at most; an end that went unnoticed is noticed then.
const HEARTBEAT: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

const PLAIN: MountFlags = MountFlags::NOSUID.union(MountFlags::NODEV);

/// Works until the other side of the socket is gone, or has no more to do.
pub(crate) fn run(socket: &UnixStream) -> Result<(), Refused> {
    let root = mount_all().map_err(|error| (MOUNT, error))?;
    let mut init = Init { socket, running: BTreeMap::new() };
    // No one is left to be told of an error from here on.
    _ = Record::new(Kind::Ready).send(socket, &[root.as_fd()], &[]).and_then(|()| init.work());
    Ok(())
}

/// Makes memory the root: the volumes' places are in it, and the machine's own files at `host`.
fn mount_all() -> io::Result<OwnedFd> {
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
    mount("tmpfs", FIRST, "tmpfs", PLAIN, c"mode=0700")?;
    for dir in [view::HOST, view::STAGE, KEPT, SCRATCH, "proc"] {
        std::fs::create_dir(format!("{FIRST}/{dir}"))?;
    }
    pivot_root(FIRST, format!("{FIRST}/{}", view::HOST))?;
    std::env::set_current_dir("/")?;
    let unswapped = |dir: &str| mount("tmpfs", format!("/{dir}"), "tmpfs", PLAIN, c"mode=0700,noswap");
    // Only root may keep a tmpfs from being swapped out, and only new kernels let them; a ramfs never is, but knows no limit either.
    unswapped(KEPT).or_else(|_| mount("ramfs", format!("/{KEPT}"), "ramfs", PLAIN, c"mode=0700"))?;
    unswapped(SCRATCH).or_else(|_| mount("tmpfs", format!("/{SCRATCH}"), "tmpfs", PLAIN, c"mode=0700"))?;
    // Where another container's /proc has parts covered, a user may not have a new one; then the old one must do.
    _ = mount("proc", "/proc", "proc", PLAIN | MountFlags::NOEXEC, None);
    Ok(rustix::fs::open("/", OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
}

struct Init<'a> {
    socket: &'a UnixStream,
    /// The containers' first processes, which lead their groups.
    running: BTreeMap<i32, Pid>,
}

impl Init<'_> {
    fn work(&mut self) -> io::Result<()> {
        let (children, woken) = UnixStream::pair()?;
        signal_hook::low_level::pipe::register(SIGCHLD, woken)?;
        children.set_nonblocking(true)?;
        loop {
            let mut fds = [PollFd::new(self.socket, PollFlags::IN), PollFd::new(&children, PollFlags::IN)];
            match poll(&mut fds, Some(&HEARTBEAT)) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            let is_told = !fds[0].revents().is_empty();
            while io::Read::read(&mut &children, &mut [0; 64]).is_ok_and(|count| count > 0) {}
            self.reap()?;
            if is_told && !self.obey()? {
                return Ok(());
            }
        }
    }

    /// Does what the next record says. Whether there may be more.
    fn obey(&mut self) -> io::Result<bool> {
        let (mut head, mut files) = ([0; SIZE], Vec::new());
        if !receive_all(self.socket, &mut head, &mut files)? {
            return Ok(false);
        }
        let Record { kind, id, value, .. } = Record::decode(head)?;
        match kind {
            Kind::Spawn => {
                let mut text = Zeroizing::new(vec![0; usize::try_from(value).unwrap_or(0)]);
                receive_all(self.socket, &mut text, &mut files)?;
                let order = Order::decode(&text).ok_or(io::ErrorKind::InvalidData)?;
                let answer = match start(&order, files) {
                    Ok(pid) => {
                        self.running.insert(id, pid);
                        Record { id, ..Record::new(Kind::Started) }
                    }
                    Err(failed) => {
                        let (detail, error) = match failed {
                            Failed::Mount(index, error) => (i32::try_from(index).unwrap_or(NAMESPACE), error),
                            Failed::Namespace(error) => (NAMESPACE, error),
                            Failed::Program(error) => (PROGRAM, error),
                        };
                        Record { kind: Kind::Failed, id, value: error.raw_os_error().unwrap_or(0), detail }
                    }
                };
                answer.send(self.socket, &[], &[])?;
            }
            Kind::Signal => {
                if let (Some(&group), Some(signal)) = (self.running.get(&id), Signal::from_named_raw(value)) {
                    _ = kill_process_group(group, signal);
                }
            }
            Kind::Finish => {
                let killed = Strays::of_init().end();
                let value = i32::try_from(killed).unwrap_or(i32::MAX);
                Record { value, ..Record::new(Kind::Finished) }.send(self.socket, &[], &[])?;
                return Ok(false);
            }
            _ => return Err(io::ErrorKind::InvalidData.into()),
        }
        Ok(true)
    }

    /// Waits for all that has ended: containers, and orphans of theirs.
    fn reap(&mut self) -> io::Result<()> {
        loop {
            let (pid, status) = match wait(WaitOptions::NOHANG) {
                Ok(Some(ended)) => ended,
                Ok(None) | Err(Errno::CHILD) => return Ok(()),
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            let Some(id) = self.running.iter().find_map(|(id, first)| (*first == pid).then_some(*id)) else { continue };
            self.running.remove(&id);
            // What it left in its group ends with it. While any of that is there no other process gets this number, and no process has been made since.
            _ = kill_process_group(pid, Signal::KILL);
            ended(id, status).send(self.socket, &[], &[])?;
        }
    }
}

fn ended(id: i32, status: WaitStatus) -> Record {
    let (value, detail) = (status.exit_status().unwrap_or(0), status.terminating_signal().unwrap_or(0));
    Record { kind: Kind::Ended, id, value, detail }
}

/// Starts a container, from a thread that has a mount namespace of its own and passes that on.
fn start(order: &Order, files: Vec<OwnedFd>) -> Result<Pid, Failed> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            unshare(UnshareFlags::NEWNS).map_err(|error| Failed::Namespace(error.into()))?;
            view::enter(&order.binds)?;
            give_up_rights().map_err(Failed::Namespace)?;
            let mut command = command(order, files).map_err(Failed::Program)?;
            let child = command.spawn().map_err(Failed::Program)?;
            Ok(Pid::from_child(&child))
        });
        thread.join().unwrap_or_else(|_| Err(Failed::Namespace(io::ErrorKind::Other.into())))
    })
}

/// What this process was given to mount with is not for the container.
fn give_up_rights() -> io::Result<()> {
    let mut sets = capabilities(None)?;
    if sets.inheritable.is_empty() {
        return Ok(());
    }
    clear_ambient_capability_set()?;
    sets.inheritable = rustix::thread::CapabilitySet::empty();
    Ok(set_capabilities(None, sets)?)
}

fn command(order: &Order, files: Vec<OwnedFd>) -> io::Result<Command> {
    let text = std::ffi::OsStr::from_bytes;
    let (program, args) = order.words.split_first().ok_or(io::ErrorKind::NotFound)?;
    let mut command = Command::new(text(program));
    command.args(args.iter().map(|word| text(word))).env_clear();
    command.envs(order.env.iter().map(|(name, value)| (text(name), text(value))));
    let mut files = files.into_iter().map(File::from);
    let (stdout, stderr) = files.next().zip(files.next()).ok_or(io::ErrorKind::InvalidData)?;
    command.stdin(Stdio::null()).stdout(stdout).stderr(stderr).process_group(0);
    let dirs = [&order.dir, &order.other_dir];
    command.current_dir(dirs.into_iter().find(|dir| dir.is_dir()).map_or("/".as_ref(), |dir| dir.as_path()));
    Ok(command)
}

//! How the program, started again, becomes launcher or init.

use std::ffi::OsStr;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::Errno;
use rustix::process::{Signal, getegid, geteuid, set_parent_process_death_signal};
use rustix::thread::{
    CapabilitySet, UnshareFlags, capabilities, configure_capability_in_ambient_set, set_capabilities,
};

use super::init;
use super::wire::{Kind, Record};

/// The env var that says what the program is to be.
pub(crate) const STAGE: &str = "KEYBEARER_RUNNER_STAGE";
pub(crate) const LAUNCH: &str = "launch";
const INIT: &str = "init";

/// This program, whatever has become of the file that it was started from.
pub(crate) const THIS_PROGRAM: &str = "/proc/self/exe";

/// What can go wrong on the way, as a record can name it.
pub(crate) const STEPS: [&str; 4] = [
    "namespaces can't be made",
    "the user can't be mapped into a user namespace",
    "the program can't be started again",
    "file systems can't be mounted",
];
pub(crate) const UNSHARE: i32 = 0;
pub(crate) const MAP: i32 = 1;
pub(crate) const AGAIN: i32 = 2;
pub(crate) const MOUNT: i32 = 3;

/// A step, and the error.
pub(crate) type Refused = (i32, io::Error);

static CALLED: AtomicBool = AtomicBool::new(false);

/// Call this first in `main`, before there is a second thread: for [`Isolation::Namespace`](crate::Isolation) a run starts the program again, and this is where such
/// a process goes on, and ends. In any other process it does nothing, but without it runs have no namespaces. A program whose `main` is not its own can name
/// another one in [`Options::init_command`](crate::Options::init_command).
#[expect(clippy::exit, reason = "this process is not the program that the caller wrote")]
pub fn init_if_asked() {
    CALLED.store(true, Ordering::Relaxed);
    let Some(stage) = std::env::var_os(STAGE) else { return };
    let Ok(socket) = io::stdin().as_fd().try_clone_to_owned() else { return };
    if rustix::net::sockopt::socket_type(&socket).is_err() {
        return;
    }
    let socket = UnixStream::from(socket);
    // Whoever started this is to outlive it.
    _ = set_parent_process_death_signal(Some(Signal::KILL));
    let refused = match stage.to_str() {
        Some(LAUNCH) => launch(),
        Some(INIT) => init::run(&socket),
        _ => return,
    };
    if let Err((step, error)) = refused {
        let value = error.raw_os_error().unwrap_or(0);
        _ = Record { id: step, value, ..Record::new(Kind::Refused) }.send(&socket, &[], &[]);
    }
    std::process::exit(0)
}

/// Whether this program can be started again as init.
pub(crate) fn was_called() -> bool {
    CALLED.load(Ordering::Relaxed)
}

/// Makes the namespaces, and in them init; ends with it.
fn launch() -> Result<(), Refused> {
    isolate()?;
    let mut again = Command::new(THIS_PROGRAM);
    again.args(std::env::args_os().skip(1)).env(STAGE, OsStr::new(INIT));
    let mut init = again.spawn().map_err(|error| (AGAIN, error))?;
    init.wait().map_err(|error| (AGAIN, error))?;
    Ok(())
}

fn isolate() -> Result<(), Refused> {
    let own = UnshareFlags::NEWNS | UnshareFlags::NEWPID;
    match unshare(own) {
        Err(Errno::PERM) => {}
        done => return done.map_err(|error| (UNSHARE, error.into())),
    }
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    unshare(own | UnshareFlags::NEWUSER).map_err(|error| (UNSHARE, error.into()))?;
    map(user, group).map_err(|error| (MAP, error))
}

/// This user and group are themselves in the new user namespace, and init may mount there.
fn map(user: u32, group: u32) -> io::Result<()> {
    std::fs::write("/proc/self/setgroups", "deny")?;
    std::fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
    std::fs::write("/proc/self/gid_map", format!("{group} {group} 1"))?;
    // What a user other than root may do ends at the start of another program, unless it is marked as to be kept.
    let mut sets = capabilities(None)?;
    sets.inheritable |= CapabilitySet::SYS_ADMIN;
    set_capabilities(None, sets)?;
    Ok(configure_capability_in_ambient_set(CapabilitySet::SYS_ADMIN, true)?)
}

/// Leaves namespaces for new ones.
#[expect(unsafe_code, reason = "the call is unsafe for its flag FILES, with which threads lose sight of open files")]
pub(crate) fn unshare(flags: UnshareFlags) -> Result<(), Errno> {
    // SAFETY: FILES is taken out here, so the table of open files stays shared, whatever the caller asks for.
    unsafe { rustix::thread::unshare_unsafe(flags.difference(UnshareFlags::FILES)) }
}

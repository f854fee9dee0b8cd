//! Processes that leave their container's process group.
//!
//! In a container they could not get away: all of it ends with its first process. Here a daemon outlives its parent and is given to the system's first process.
//! On Linux this process can ask to be given such orphans instead, and then knows which ones to end.

use rustix::process::Pid;

/// How often to look whether all have ended: the kernel takes its time.
#[cfg(target_os = "linux")]
const ROUNDS: usize = 400;

/// The orphans of a run, while it lasts.
pub(crate) struct Strays {
    /// Children from before, which are someone else's.
    others: Vec<Pid>,
}

#[cfg(target_os = "linux")]
impl Strays {
    /// Asks for orphans, if they are to be taken care of.
    pub(crate) fn adopt() -> Option<Strays> {
        let others = children();
        rustix::process::set_child_subreaper(Some(rustix::process::getpid())).ok()?;
        Some(Strays { others })
    }

    /// Those of a process to which the kernel gives all orphans, as the first one of a PID namespace.
    pub(crate) fn of_init() -> Strays {
        Strays { others: Vec::new() }
    }

    /// Ends all orphans, and the orphans that this makes, and gives their number. What can't be ended, such as a program of another user, is left.
    pub(crate) fn end(&self) -> usize {
        use rustix::process::{Signal, WaitOptions, kill_process, waitpid};

        let mut killed = std::collections::HashSet::new();
        for _ in 0..ROUNDS {
            // What is waited for is no child any more, so each round sees only what is left.
            let strays = || children().into_iter().filter(|child| !self.others.contains(child));
            let living: Vec<Pid> =
                strays().filter(|&stray| matches!(waitpid(Some(stray), WaitOptions::NOHANG), Ok(None))).collect();
            if living.is_empty() && strays().next().is_none() {
                break;
            }
            killed.extend(living.into_iter().filter(|&stray| kill_process(stray, Signal::KILL).is_ok()));
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        killed.len()
    }
}

#[cfg(target_os = "linux")]
impl Drop for Strays {
    fn drop(&mut self) {
        self.end();
        _ = rustix::process::set_child_subreaper(None);
    }
}

/// All children of this process.
#[cfg(target_os = "linux")]
fn children() -> Vec<Pid> {
    let me = rustix::process::getpid().as_raw_nonzero().get();
    let is_mine = |pid: &i32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
        stat.is_ok_and(|stat| parent_in(&stat) == Some(me))
    };
    let names = std::fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    let pids = names.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(is_mine).filter_map(Pid::from_raw).collect()
}

/// The parent in a line of `/proc/PID/stat`; the program's name before it may hold anything.
#[cfg(target_os = "linux")]
fn parent_in(stat: &str) -> Option<i32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(not(target_os = "linux"))]
impl Strays {
    /// No other system has this.
    pub(crate) fn adopt() -> Option<Strays> {
        None
    }

    pub(crate) fn end(&self) -> usize {
        self.others.len()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn parents() {
        assert_eq!(parent_in("12 (a) b) 9 (c) S 7 12 12 0"), Some(7));
        assert_eq!(parent_in("12 (a"), None);
    }
}

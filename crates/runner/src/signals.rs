//! Signals to this process, as something to poll beside the containers' pipes.
//!
//! While a run listens, a signal that would end the process only leaves a mark; without that, the private directory would be left behind. `signal-hook` can't take
//! its handler away again, so when nobody listens any more the signal's default effect is asked for by name.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use signal_hook::consts::{
    SIGABRT, SIGALRM, SIGCHLD, SIGHUP, SIGINT, SIGPROF, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGVTALRM, SIGXCPU,
};
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;

/// The signals that end a process which does nothing about them, and that tell of no fault in it. Those of limits and timers are rare, but leave as much behind.
const ENDING: [i32; 10] = [SIGINT, SIGTERM, SIGQUIT, SIGABRT, SIGALRM, SIGUSR1, SIGUSR2, SIGVTALRM, SIGPROF, SIGXCPU];

/// How many runs listen, and the mark that makes signals fatal when none does.
struct Listeners {
    count: usize,
    fatal: Option<Arc<AtomicBool>>,
}

static LISTENERS: Mutex<Listeners> = Mutex::new(Listeners { count: 0, fatal: None });

/// Listens to the signals that end a run, and to those that tell of a child's end.
pub(crate) struct Signals {
    delivery: SignalDelivery<UnixStream, SignalOnly>,
}

impl Signals {
    pub(crate) fn listen() -> io::Result<Signals> {
        let mut ending = ENDING.to_vec();
        // Under nohup a hang-up is not meant to end anything.
        if !is_ignored(SIGHUP) {
            ending.push(SIGHUP);
        }
        let mut listeners = LISTENERS.lock().unwrap_or_else(PoisonError::into_inner);
        let (fatal, is_first) = match &listeners.fatal {
            Some(fatal) => (Arc::clone(fatal), false),
            None => (Arc::default(), true),
        };
        let was_fatal = fatal.swap(false, Ordering::SeqCst);
        let listen = || {
            if is_first {
                for &signal in &ending {
                    signal_hook::flag::register_conditional_default(signal, Arc::clone(&fatal))?;
                }
            }
            let (read, write) = UnixStream::pair()?;
            SignalDelivery::with_pipe(read, write, SignalOnly, ending.iter().chain([&SIGCHLD]))
        };
        match listen() {
            Ok(delivery) => {
                listeners.count += 1;
                listeners.fatal = Some(fatal);
                Ok(Signals { delivery })
            }
            Err(error) => {
                fatal.store(was_fatal, Ordering::SeqCst);
                Err(error)
            }
        }
    }

    /// Readable when there may be something in [`pending`](Signals::pending).
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.delivery.get_read().as_fd()
    }

    /// The signals since the last call that ask this process to end.
    pub(crate) fn pending(&mut self) -> Vec<i32> {
        self.delivery.pending().filter(|&signal| signal != SIGCHLD).collect()
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        let mut listeners = LISTENERS.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.count -= 1;
        if let Some(fatal) = listeners.fatal.as_ref().filter(|_| listeners.count == 0) {
            fatal.store(true, Ordering::SeqCst);
        }
    }
}

/// Whether this process was started with a signal ignored; only Linux says so.
/// Whether this process was started with a signal ignored, as `nohup` does with `SIGHUP`.
pub fn is_ignored(signal: i32) -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores(&status, signal))
}

fn ignores(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask & (1 << (signal - 1)) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals() {
        let status = "Name:\tx\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000000002\n";
        assert!(ignores(status, SIGHUP) && !ignores(status, SIGINT) && !ignores("", SIGHUP));
    }
}

//! The `kubectl`s that run beside a run, which none of them outlives.

use crate::kubectl::{Failure, not_started, refused, words_of};
use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// How much of what one says is kept.
const LAST_WORDS: usize = 8192;

#[derive(Default)]
pub(super) struct Children {
    stopped: AtomicBool,
    count: AtomicU64,
    living: Mutex<BTreeMap<u64, Child>>,
}

/// One of them, whose stdout is read.
pub(super) struct Living {
    id: u64,
    said: JoinHandle<Vec<u8>>,
}

impl Children {
    /// Starts one, away from the terminal's signals: this program decides what an interruption means.
    pub(super) fn start(&self, command: &mut Command) -> Result<(Living, ChildStdout), Failure> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut living = self.living.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_stopped() {
            return Err(Failure::Other("the run is over".to_owned()));
        }
        let mut child = command.spawn().map_err(|error| not_started(&error))?;
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(Failure::Other("`kubectl` has no outputs".to_owned()));
        };
        let id = self.count.fetch_add(1, Ordering::Relaxed);
        living.insert(id, child);
        Ok((Living { id, said: thread::spawn(move || last_of(stderr)) }, stdout))
    }

    /// Waits for one whose stdout has ended.
    pub(super) fn end(&self, living: Living) -> Result<(), Failure> {
        let child = self.living.lock().unwrap_or_else(PoisonError::into_inner).remove(&living.id);
        let status = child.map(|mut child| child.wait());
        let said = words_of(&living.said.join().unwrap_or_default());
        match status {
            Some(Ok(status)) if status.success() => Ok(()),
            Some(_) => Err(refused(said)),
            None => Err(Failure::Other("the run is over".to_owned())),
        }
    }

    /// Ends one that has no more to say.
    pub(super) fn kill(&self, living: &Living) {
        if let Some(child) = self.living.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&living.id) {
            let _ = child.kill();
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// Ends all of them, and lets none start.
    pub(super) fn stop(&self) {
        let mut living = self.living.lock().unwrap_or_else(PoisonError::into_inner);
        self.stopped.store(true, Ordering::SeqCst);
        for child in living.values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
        living.clear();
    }
}

/// The end of what is said, so that what is said for days does not fill the memory.
fn last_of(mut source: impl Read) -> Vec<u8> {
    let mut said = Vec::new();
    let mut piece = [0; 1024];
    while let Ok(length @ 1..) = source.read(&mut piece) {
        said.extend_from_slice(&piece[..length]);
        if said.len() > 2 * LAST_WORDS {
            said.drain(..said.len() - LAST_WORDS);
        }
    }
    said
}

//! One writer at a time.

use super::StoreError;
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// A change takes milliseconds: whoever holds the lock for so long is stuck.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often is asked again.
const PAUSE: Duration = Duration::from_millis(10);

/// The lock on a store, for as long as this lives. It is on a file beside the store, which stays: the store itself is
/// replaced, and a lock on what was replaced would lock nothing. The kernel drops it when its process ends.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    pub(super) fn take(store: &Path) -> Result<Self, StoreError> {
        let path = super::replace::beside(store, ".lock");
        let failed = |error| StoreError::Write { path: path.clone(), error };
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path).map_err(failed)?;
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::WouldBlock) if start.elapsed() < PATIENCE => thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => return Err(StoreError::Locked { path }),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
    }
}

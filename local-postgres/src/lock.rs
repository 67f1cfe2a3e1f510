//! Locks on files: the kernel drops them with their process, however that ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::{At, Error};

/// Longer than a start with crash recovery takes, so that a waiter outlasts it.
const WAIT_MAX: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(20);

#[derive(Debug, Clone, Copy)]
pub(crate) enum Mode {
    Exclusive,
    Shared,
}

/// A lock held until dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the lock without blocking the runtime.
    pub(crate) async fn acquire(path: &Path, mode: Mode) -> Result<Lock, Error> {
        let started = Instant::now();
        loop {
            if let Some(lock) = Lock::attempt(path, mode)? {
                return Ok(lock);
            }
            if started.elapsed() > WAIT_MAX {
                return Err(Error::Locked { path: path.to_owned(), waited: WAIT_MAX });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// The lock, unless somebody else has it.
    pub(crate) fn attempt(path: &Path, mode: Mode) -> Result<Option<Lock>, Error> {
        let mut options = OpenOptions::new();
        let file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .at("open", path)?;
        let locked = match mode {
            Mode::Exclusive => file.try_lock(),
            Mode::Shared => file.try_lock_shared(),
        };
        match locked {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error).at("lock", path),
        }
    }
}

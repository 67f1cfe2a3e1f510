//! A lock per idempotency key: a repeated command waits until the first one has ended on this node.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

use super::Context;

type Locks = Arc<Mutex<HashMap<Uuid, Arc<tokio::sync::Mutex<()>>>>>;

/// The locks of all commands that run now, by command id.
#[derive(Default)]
pub(super) struct CommandLocks(Locks);

/// Held while a command runs.
pub(super) struct CommandLock {
    locks: Locks,
    id: Uuid,
    guard: Option<OwnedMutexGuard<()>>,
}

impl CommandLocks {
    /// Waits until no command with the same id runs on this node. A command without an idempotency
    /// key is never repeated, so it takes no lock.
    pub(super) async fn lock(&self, context: &Context) -> Option<CommandLock> {
        context.request_hash.as_ref()?;
        let id = context.command_id;
        let lock = {
            let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            locks.entry(id).or_default().clone()
        };
        let guard = Some(lock.lock_owned().await);
        Some(CommandLock { locks: self.0.clone(), id, guard })
    }
}

impl Drop for CommandLock {
    fn drop(&mut self) {
        drop(self.guard.take());
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        // A command that still waits holds another reference.
        if locks.get(&self.id).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            locks.remove(&self.id);
        }
    }
}

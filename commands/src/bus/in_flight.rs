//! Commands under way on this node, so that a repetition waits for the first.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

use super::Context;

type Turns = Arc<Mutex<HashMap<Uuid, Arc<tokio::sync::Mutex<()>>>>>;

#[derive(Default)]
pub(super) struct InFlight(Turns);

/// Held while a command is carried out.
pub(super) struct Turn {
    turns: Turns,
    id: Uuid,
    guard: Option<OwnedMutexGuard<()>>,
}

impl InFlight {
    /// Waits until no command with the same key is under way. A command that is sent once has
    /// nobody to wait for.
    pub(super) async fn turn(&self, context: &Context) -> Option<Turn> {
        context.request_hash?;
        let id = context.command_id;
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            turns.entry(id).or_default().clone()
        };
        let guard = Some(turn.lock_owned().await);
        Some(Turn { turns: self.0.clone(), id, guard })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        drop(self.guard.take());
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever still waits holds another reference.
        if turns.get(&self.id).is_some_and(|turn| Arc::strong_count(turn) == 1) {
            turns.remove(&self.id);
        }
    }
}

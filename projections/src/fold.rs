//! The fold of a projection: rows in memory, loaded when an event is about them, written in bulk.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry::{Occupied, Vacant};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use sqlx::PgConnection;

use crate::feed::Entry;
use crate::projection::{Poison, Projection};

/// Rows of one statement; more would only make the statement larger, not faster.
pub(crate) const CHUNK: usize = 1_000;

/// After an error the rows are no longer what the table should hold: drop the fold.
pub(crate) struct Fold<P: Projection> {
    rows: Rows<P>,
    /// Likewise, but not touched for a while: next to be forgotten.
    resting: Rows<P>,
    /// The keys of those that are dirty, each once.
    dirty: Vec<P::Key>,
    /// Of the payloads that went into the rows.
    payload_bytes: usize,
}

type Rows<P> = BTreeMap<<P as Projection>::Key, Slot<<P as Projection>::Row>>;

struct Slot<R> {
    /// As the events so far left it; none is known not to exist.
    row: Option<R>,
    /// Not written yet.
    is_dirty: bool,
}

impl<R> Default for Slot<R> {
    fn default() -> Self {
        Slot { row: None, is_dirty: false }
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum FoldError {
    #[error("the event at position {position} cannot be applied: {poison}")]
    Poison { position: i64, poison: Poison },
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl<P: Projection> Fold<P> {
    pub(crate) fn new() -> Self {
        Fold {
            rows: BTreeMap::new(),
            resting: BTreeMap::new(),
            dirty: Vec::new(),
            payload_bytes: 0,
        }
    }

    pub(crate) fn dirty(&self) -> usize {
        self.dirty.len()
    }

    /// About how many bytes the rows take: states are made of what the events bring.
    pub(crate) fn bytes(&self) -> usize {
        self.rows.len() * size_of::<(P::Key, Slot<P::Row>)>() + self.payload_bytes
    }

    /// Applies events to their rows; those it does not know are loaded from the table.
    pub(crate) async fn apply(
        &mut self,
        connection: &mut PgConnection,
        entries: &[Arc<Entry>],
    ) -> Result<(), FoldError> {
        let touched = keys::<P>(entries)?;
        self.load(connection, &touched).await?;
        for (key, entry) in touched {
            let slot = match self.rows.entry(key.clone()) {
                Occupied(slot) => slot.into_mut(),
                Vacant(slot) => slot.insert(self.resting.remove(&key).unwrap_or_default()),
            };
            let row = slot.row.take();
            slot.row = guarded(entry, || P::apply(row, entry))?;
            if !std::mem::replace(&mut slot.is_dirty, true) {
                self.dirty.push(key);
            }
            self.payload_bytes += entry.raw.payload.len();
        }
        Ok(())
    }

    /// A row that begins now is not looked for.
    async fn load(
        &mut self,
        connection: &mut PgConnection,
        touched: &[(P::Key, &Entry)],
    ) -> Result<(), sqlx::Error> {
        let mut unknown = Vec::new();
        for (key, _) in touched.iter().filter(|(_, entry)| !P::begins(entry)) {
            if !self.rows.contains_key(key) && !self.resting.contains_key(key) {
                self.rows.insert(key.clone(), Slot::default());
                unknown.push(key.clone());
            }
        }
        for keys in unknown.chunks(CHUNK) {
            for (key, row) in P::load(connection, keys).await? {
                self.rows.insert(key, Slot { row: Some(row), is_dirty: false });
            }
        }
        Ok(())
    }

    /// All that changed, if one statement can write it; whoever takes it writes it.
    pub(crate) fn take_few(&mut self) -> Option<Vec<&P::Row>> {
        if self.dirty.is_empty() || self.dirty.len() > CHUNK {
            return None;
        }
        let is_there = |key| self.rows.get(key).is_some_and(|slot| slot.row.is_some());
        if !self.dirty.iter().all(is_there) {
            return None;
        }
        let changed = self.take_dirty();
        Some(changed.into_iter().filter_map(|(_, row)| row).collect())
    }

    /// Writes what changed. All of it stays in memory.
    pub(crate) async fn flush(&mut self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let (mut rows, mut gone) = (Vec::with_capacity(self.dirty.len()), Vec::new());
        for (key, row) in self.take_dirty() {
            match row {
                Some(row) => rows.push(row),
                None => gone.push(key),
            }
        }
        for rows in rows.chunks(CHUNK) {
            P::save(connection, rows).await?;
        }
        for keys in gone.chunks(CHUNK) {
            P::remove(connection, keys).await?;
        }
        Ok(())
    }

    /// What changed since it was last taken, in the order of the keys; no row: it is gone.
    pub(crate) fn take_dirty(&mut self) -> Vec<(P::Key, Option<&P::Row>)> {
        let mut keys = std::mem::take(&mut self.dirty);
        keys.sort_unstable();
        for key in &keys {
            if let Some(slot) = self.rows.get_mut(key).or_else(|| self.resting.get_mut(key)) {
                slot.is_dirty = false;
            }
        }
        let mut changed = Vec::with_capacity(keys.len());
        for key in keys {
            let slot = self.rows.get(&key).or_else(|| self.resting.get(&key));
            changed.push((key, slot.and_then(|slot| slot.row.as_ref())));
        }
        changed
    }

    /// Keeps about `most` rows, those touched last; nothing may be dirty.
    pub(crate) fn trim(&mut self, most: usize) {
        if self.rows.len() > most / 2 {
            self.rest();
        }
    }

    /// Forgets the rows that were not touched since this was last called; those that are dirty come
    /// back, in the order of the keys.
    pub(crate) fn rest(&mut self) -> Vec<(P::Key, Option<P::Row>)> {
        self.payload_bytes = 0;
        let rested = std::mem::replace(&mut self.resting, std::mem::take(&mut self.rows));
        self.dirty.retain(|key| self.resting.contains_key(key));
        let dirty = rested.into_iter().filter(|(_, slot)| slot.is_dirty);
        dirty.map(|(key, slot)| (key, slot.row)).collect()
    }
}

fn keys<P: Projection>(entries: &[Arc<Entry>]) -> Result<Vec<(P::Key, &Entry)>, FoldError> {
    let mut touched = Vec::with_capacity(entries.len());
    for entry in entries {
        if let Some(key) = guarded(entry, || P::key(entry))? {
            touched.push((key, &**entry));
        }
    }
    Ok(touched)
}

/// A panic of a pure fold is a poison event like any other, and must not end the task.
fn guarded<T>(entry: &Entry, fold: impl FnOnce() -> Result<T, Poison>) -> Result<T, FoldError> {
    let position = entry.position();
    let result = catch_unwind(AssertUnwindSafe(fold)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(Poison::Panicked(text.unwrap_or("without a word").to_owned()))
    });
    result.map_err(|poison| FoldError::Poison { position, poison })
}

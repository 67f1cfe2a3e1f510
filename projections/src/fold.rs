//! The fold of a projection: it keeps rows in memory, loads one when an event changes it, and
//! writes many at once.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry::{Occupied, Vacant};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use sqlx::PgConnection;

use crate::feed::LogEntry;
use crate::projection::{Poison, Projection};

/// How many rows one statement writes or loads. More rows would not make it faster.
pub(crate) const CHUNK: usize = 1_000;

/// Rows in memory. Drop it after an error, because then the rows may not agree with the events.
pub(crate) struct Fold<P: Projection> {
    /// Rows that were used since [`Fold::age`] was last called.
    recent: Rows<P>,
    /// Rows that were not used since [`Fold::age`] was last called, and are dropped when it is
    /// called again.
    aged: Rows<P>,
    /// The keys of the dirty rows, each once.
    dirty: Vec<P::Key>,
    /// The size of the payloads that were folded into the recent rows.
    payload_bytes: usize,
}

type Rows<P> = BTreeMap<<P as Projection>::Key, CachedRow<<P as Projection>::Row>>;

struct CachedRow<R> {
    /// The row after the events so far. None if it is known not to exist.
    row: Option<R>,
    /// Whether it has changed since it was last written.
    is_dirty: bool,
}

impl<R> Default for CachedRow<R> {
    fn default() -> Self {
        CachedRow { row: None, is_dirty: false }
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
        Fold { recent: BTreeMap::new(), aged: BTreeMap::new(), dirty: Vec::new(), payload_bytes: 0 }
    }

    pub(crate) fn dirty(&self) -> usize {
        self.dirty.len()
    }

    /// About how many bytes the recent rows take: the size of the payloads that were folded into
    /// them.
    pub(crate) fn bytes(&self) -> usize {
        self.recent.len() * size_of::<(P::Key, CachedRow<P::Row>)>() + self.payload_bytes
    }

    /// Applies events to their rows. Rows that are not in memory are loaded from the table.
    pub(crate) async fn apply(
        &mut self,
        connection: &mut PgConnection,
        entries: &[Arc<LogEntry>],
    ) -> Result<(), FoldError> {
        let touched = keys::<P>(entries)?;
        self.load(connection, &touched).await?;
        for (key, entry) in touched {
            let slot = match self.recent.entry(key.clone()) {
                Occupied(slot) => slot.into_mut(),
                Vacant(slot) => slot.insert(self.aged.remove(&key).unwrap_or_default()),
            };
            let row = slot.row.take();
            slot.row = catch_panic(entry, || P::apply(row, entry))?;
            if !std::mem::replace(&mut slot.is_dirty, true) {
                self.dirty.push(key);
            }
            self.payload_bytes += entry.raw.payload.len();
        }
        Ok(())
    }

    /// Loads the rows that are not in memory, except those that an event creates.
    async fn load(
        &mut self,
        connection: &mut PgConnection,
        touched: &[(P::Key, &LogEntry)],
    ) -> Result<(), sqlx::Error> {
        let mut unknown = Vec::new();
        for (key, _) in touched.iter().filter(|(_, entry)| !P::begins(entry)) {
            if !self.recent.contains_key(key) && !self.aged.contains_key(key) {
                self.recent.insert(key.clone(), CachedRow::default());
                unknown.push(key.clone());
            }
        }
        for keys in unknown.chunks(CHUNK) {
            for (key, row) in P::load(connection, keys).await? {
                self.recent.insert(key, CachedRow { row: Some(row), is_dirty: false });
            }
        }
        Ok(())
    }

    /// The dirty rows, if one statement can write them. The caller must write them.
    pub(crate) fn take_for_one_statement(&mut self) -> Option<Vec<&P::Row>> {
        if self.dirty.is_empty() || self.dirty.len() > CHUNK {
            return None;
        }
        let exists = |key| self.recent.get(key).is_some_and(|slot| slot.row.is_some());
        if !self.dirty.iter().all(exists) {
            return None;
        }
        let changed = self.take_dirty();
        Some(changed.into_iter().filter_map(|(_, row)| row).collect())
    }

    /// Writes the dirty rows, which stay in memory.
    pub(crate) async fn flush(&mut self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let (mut rows, mut removed) = (Vec::with_capacity(self.dirty.len()), Vec::new());
        for (key, row) in self.take_dirty() {
            match row {
                Some(row) => rows.push(row),
                None => removed.push(key),
            }
        }
        for rows in rows.chunks(CHUNK) {
            P::table().save(connection, rows).await?;
        }
        for keys in removed.chunks(CHUNK) {
            P::remove(connection, keys).await?;
        }
        Ok(())
    }

    /// The dirty rows, ordered by key, which are marked as clean. None stands for a row that must
    /// be removed. The caller must write them.
    pub(crate) fn take_dirty(&mut self) -> Vec<(P::Key, Option<&P::Row>)> {
        let mut keys = std::mem::take(&mut self.dirty);
        keys.sort_unstable();
        for key in &keys {
            if let Some(slot) = self.recent.get_mut(key).or_else(|| self.aged.get_mut(key)) {
                slot.is_dirty = false;
            }
        }
        let mut changed = Vec::with_capacity(keys.len());
        for key in keys {
            let slot = self.recent.get(&key).or_else(|| self.aged.get(&key));
            changed.push((key, slot.and_then(|slot| slot.row.as_ref())));
        }
        changed
    }

    /// Keeps about `rows_max` rows, the most recently used. No row may be dirty.
    pub(crate) fn trim(&mut self, rows_max: usize) {
        if self.recent.len() > rows_max / 2 {
            self.age();
        }
    }

    /// Drops the rows that were not used since the last call, and returns those of them that are
    /// dirty, ordered by key. The caller must write them.
    pub(crate) fn age(&mut self) -> Vec<(P::Key, Option<P::Row>)> {
        self.payload_bytes = 0;
        let forgotten = std::mem::replace(&mut self.aged, std::mem::take(&mut self.recent));
        self.dirty.retain(|key| self.aged.contains_key(key));
        let dirty = forgotten.into_iter().filter(|(_, slot)| slot.is_dirty);
        dirty.map(|(key, slot)| (key, slot.row)).collect()
    }
}

fn keys<P: Projection>(entries: &[Arc<LogEntry>]) -> Result<Vec<(P::Key, &LogEntry)>, FoldError> {
    let mut touched = Vec::with_capacity(entries.len());
    for entry in entries {
        if let Some(key) = catch_panic(entry, || P::key(entry))? {
            touched.push((key, &**entry));
        }
    }
    Ok(touched)
}

/// Turns a panic into an error: a fold that panics makes the event a poison event, and the panic
/// must not end the task.
fn catch_panic<T>(
    entry: &LogEntry,
    fold: impl FnOnce() -> Result<T, Poison>,
) -> Result<T, FoldError> {
    let position = entry.position();
    let result = catch_unwind(AssertUnwindSafe(fold)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(Poison::Panicked(text.unwrap_or("without a message").to_owned()))
    });
    result.map_err(|poison| FoldError::Poison { position, poison })
}

//! The fold of a projection: rows in memory, loaded when an event is about them, written in bulk.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use sqlx::PgConnection;

use crate::feed::Entry;
use crate::projection::{Poison, Projection};

/// Rows of one statement; more would only make the statement larger, not faster.
pub(crate) const CHUNK: usize = 1_000;

/// After an error the rows are no longer what the table should hold: drop the fold.
pub(crate) struct Fold<P: Projection> {
    /// As the events so far left them; none is known not to exist.
    rows: BTreeMap<P::Key, Option<P::Row>>,
    /// Likewise, but not touched for a while: next to be forgotten.
    resting: BTreeMap<P::Key, Option<P::Row>>,
    /// Not written yet. In order, so that every run writes them alike.
    dirty: BTreeSet<P::Key>,
    /// Of the payloads that went into the rows.
    payload_bytes: usize,
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
            dirty: BTreeSet::new(),
            payload_bytes: 0,
        }
    }

    pub(crate) fn dirty(&self) -> usize {
        self.dirty.len()
    }

    /// About how many bytes the rows take: states are made of what the events bring.
    pub(crate) fn bytes(&self) -> usize {
        self.rows.len() * size_of::<(P::Key, Option<P::Row>)>() + self.payload_bytes
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
            let slot = self.rows.entry(key.clone()).or_default();
            let row = slot.take();
            *slot = guarded(entry, || P::apply(row, entry))?;
            self.dirty.insert(key);
            self.payload_bytes += entry.raw.payload.len();
        }
        Ok(())
    }

    async fn load(
        &mut self,
        connection: &mut PgConnection,
        touched: &[(P::Key, &Entry)],
    ) -> Result<(), sqlx::Error> {
        let mut unknown = Vec::new();
        for (key, entry) in touched {
            if self.rows.contains_key(key) {
                continue;
            }
            let rested = self.resting.remove(key);
            if rested.is_none() && !P::begins(entry) {
                unknown.push(key.clone());
            }
            self.rows.insert(key.clone(), rested.flatten());
        }
        for keys in unknown.chunks(CHUNK) {
            let rows = P::load(connection, keys).await?;
            self.rows.extend(rows.into_iter().map(|(key, row)| (key, Some(row))));
        }
        Ok(())
    }

    /// All that changed, if one statement can write it; whoever takes it writes it.
    pub(crate) fn take_few(&mut self) -> Option<Vec<&P::Row>> {
        if self.dirty.is_empty() || self.dirty.len() > CHUNK {
            return None;
        }
        let rows: Option<Vec<&P::Row>> =
            self.dirty.iter().map(|key| self.rows.get(key)?.as_ref()).collect();
        if rows.is_some() {
            self.dirty.clear();
        }
        rows
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
        let mut changed = Vec::with_capacity(self.dirty.len());
        for key in std::mem::take(&mut self.dirty) {
            let row = self.rows.get(&key).or_else(|| self.resting.get(&key));
            changed.push((key, row.and_then(Option::as_ref)));
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
        rested.into_iter().filter(|(key, _)| self.dirty.remove(key)).collect()
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

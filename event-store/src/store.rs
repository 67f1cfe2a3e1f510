//! The handle that everybody holds.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::appender::Appender;
use crate::shared::Shared;
use crate::ticket::Queued;
use crate::{
    Append, Loaded, LockedLog, Options, Outcome, Pages, Permit, RecordedEvent, Snapshot,
    StoreError, Wanted, copy, read, snapshot, wake,
};

/// Handle on the log; cheap to clone.
#[derive(Clone)]
pub struct EventStore(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    queue: mpsc::Sender<Queued>,
    closing: watch::Sender<bool>,
    appender: Mutex<Option<JoinHandle<()>>>,
    helpers: [JoinHandle<()>; 2],
}

impl EventStore {
    /// Connects, and starts the appender and the tasks that tell and hear of new events.
    ///
    /// The database must have been migrated with [`crate::MIGRATIONS`].
    pub async fn connect(url: &str, options: Options) -> Result<Self, StoreError> {
        let connection = options.connection(url)?;
        let pool = PgPoolOptions::new()
            .max_connections(options.max_connections)
            .acquire_timeout(options.acquire_timeout)
            .connect_with(connection.clone())
            .await?;
        let (queue, waiting) = mpsc::channel(options.queue_items);
        let (closing, closed) = watch::channel(false);
        let interval = options.notify_interval;
        let shared = Arc::new(Shared::new(pool, connection, options));
        shared.saw(read::head(&shared.pool).await?);
        let appender = Appender::new(shared.clone(), waiting, closed);
        Ok(EventStore(Arc::new(Inner {
            queue,
            closing,
            appender: Mutex::new(Some(tokio::spawn(appender.run()))),
            helpers: [
                tokio::spawn(wake::notify(shared.clone(), interval)),
                tokio::spawn(wake::listen(shared.clone())),
            ],
            shared,
        })))
    }

    /// Connections for whatever else lives beside the log.
    pub fn pool(&self) -> &PgPool {
        &self.0.shared.pool
    }

    /// Waits for room in the queue.  Sending through the permit is then synchronous, so that callers
    /// can decide and send under one mutex.
    pub async fn reserve(&self) -> Result<Permit, StoreError> {
        self.0.shared.running()?;
        if *self.0.closing.borrow() {
            return Err(StoreError::Closed);
        }
        let permit = self.0.queue.clone().reserve_owned().await;
        permit.map(Permit).map_err(|_| StoreError::Closed)
    }

    /// Queues an item and waits until it is durable or refused.
    pub async fn append(&self, append: Append) -> Result<Outcome, StoreError> {
        self.reserve().await?.send(append).outcome().await
    }

    /// A stream's events after a version, in order.
    ///
    /// # Errors
    /// [`StoreError::StreamHole`] when a version is missing.
    pub async fn load(
        &self,
        stream_id: Uuid,
        after_version: i32,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        self.load_many(&[(stream_id, after_version)]).await
    }

    /// The events of several streams, each after a version, in log order, in one round trip.
    ///
    /// # Errors
    /// [`StoreError::StreamHole`] when a version is missing.
    pub async fn load_many(
        &self,
        streams: &[(Uuid, i32)],
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let shared = &self.0.shared;
        shared.running()?;
        let events = read::streams(&shared.pool, streams).await?;
        read::versions_follow(&events, streams)?;
        shared.upcast_all(events)
    }

    /// Each of the streams from its snapshot on, if there is one that can be read, in one round trip;
    /// answered in the order given. A stream may be named once.
    ///
    /// # Errors
    /// [`StoreError::StreamHole`] when a version is missing.
    pub async fn load_from_snapshots(&self, wanted: &[Wanted]) -> Result<Vec<Loaded>, StoreError> {
        let shared = &self.0.shared;
        shared.running()?;
        shared.upcast_loaded(snapshot::load(&shared.pool, wanted).await?)
    }

    /// Keeps a state, which must be durable, for [`EventStore::load_from_snapshots`]; a newer one of the
    /// same schema stays.
    pub async fn save_snapshot(
        &self,
        stream_type: &str,
        stream: Wanted,
        snapshot: &Snapshot,
    ) -> Result<(), StoreError> {
        let shared = &self.0.shared;
        shared.running()?;
        snapshot::save(&shared.pool, stream_type, stream, snapshot).await
    }

    /// Up to `limit` events after a position, in log order; from memory when the tail reaches back
    /// that far.  At the end of the log this asks Postgres, so wait for [`EventStore::changed`] first.
    ///
    /// # Errors
    /// [`StoreError::Hole`] when a position is missing, [`StoreError::LogWentBack`] when the log ends
    /// below `after` or below anything else this node has seen.
    pub async fn read(
        &self,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Arc<RecordedEvent>>, StoreError> {
        let shared = &self.0.shared;
        shared.running()?;
        if let Some(events) = shared.tail.after(after, limit) {
            return Ok(events);
        }
        let seen = shared.seen();
        let rows = i64::try_from(limit).unwrap_or(i64::MAX);
        let events = read::after(&shared.pool, after, rows).await?;
        read::positions_follow(&events, after)?;
        let reached = events.last().map_or(after, |event| event.position);
        if events.len() < limit && reached < seen {
            return Err(shared.went_back(seen, reached));
        }
        if events.is_empty() && after > seen && limit > 0 {
            self.head_from(after).await?;
        }
        if !events.is_empty() {
            shared.saw(reached);
        }
        Ok(shared.upcast_all(events)?.into_iter().map(Arc::new).collect())
    }

    /// The events at `first..=last`, which must all exist.
    ///
    /// # Errors
    /// As for [`EventStore::read`]; [`StoreError::Hole`] also when the log ends before `last`.
    pub async fn events_between(
        &self,
        first: i64,
        last: i64,
    ) -> Result<Vec<Arc<RecordedEvent>>, StoreError> {
        let count = usize::try_from(last - first + 1).unwrap_or_default();
        let mut events = Vec::with_capacity(count);
        while events.len() < count {
            let after = first - 1 + events.len() as i64;
            let more = self.read(after, count - events.len()).await?;
            if more.is_empty() {
                return Err(StoreError::Hole { after });
            }
            events.extend(more);
        }
        Ok(events)
    }

    /// The events after a position up to another, or to the end of the log, on a connection of its
    /// own: for whoever reads most of the log.  Reading stops when the pages are dropped.
    ///
    /// # Errors
    /// In place of a page, and the last: [`StoreError::Hole`] when a position is missing.
    pub fn copy(&self, after: i64, to: i64) -> Pages {
        copy::pages(self.0.shared.clone(), after, to)
    }

    /// The events of one command, or nothing when the log does not know it.
    pub async fn command(
        &self,
        command_id: Uuid,
    ) -> Result<Option<Vec<RecordedEvent>>, StoreError> {
        let shared = &self.0.shared;
        shared.running()?;
        let events = read::command(&shared.pool, command_id).await?;
        let events = shared.upcast_all(events)?;
        Ok((!events.is_empty()).then_some(events))
    }

    /// The position of the last event; 0 when the log is empty.
    pub async fn head(&self) -> Result<i64, StoreError> {
        self.0.shared.running()?;
        self.head_from(self.0.shared.seen()).await
    }

    /// The head, which must not lie below a position that was committed.
    async fn head_from(&self, seen: i64) -> Result<i64, StoreError> {
        let shared = &self.0.shared;
        let head = read::head(&shared.pool).await?;
        if head < seen {
            return Err(shared.went_back(seen, head));
        }
        shared.saw(head);
        Ok(head)
    }

    /// The highest position that this node saw or heard of, without asking.
    pub fn known_head(&self) -> i64 {
        *self.0.shared.known.borrow()
    }

    /// How many items wait for the appender, and how many may.
    pub fn queue(&self) -> (usize, usize) {
        let most = self.0.queue.max_capacity();
        (most - self.0.queue.capacity(), most)
    }

    /// Resolves when an event after `after` is known to exist, or after `at_most`.
    pub async fn changed(&self, after: i64, at_most: Duration) {
        let mut known = self.0.shared.known.subscribe();
        // Out of time is an answer like any other: the caller looks for itself.
        let _ = tokio::time::timeout(at_most, known.wait_for(|head| *head > after)).await;
    }

    /// Takes the log's lock, so that what is decided next is decided on what is true.
    pub async fn lock(&self) -> Result<LockedLog, StoreError> {
        self.0.shared.running()?;
        LockedLog::take(self.0.shared.clone()).await
    }

    /// Accepts nothing more, writes what is queued, and stops.
    ///
    /// It takes as long as Postgres does.  A caller in a hurry drops the future: what is still queued
    /// then ends in [`StoreError::Closed`], though it may have been appended.
    pub async fn shutdown(&self) {
        self.0.closing.send_replace(true);
        let appender = self.0.appender.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(appender) = appender {
            let mut appender = EndedOnDrop(appender);
            // An appender that panicked has answered its items with `Closed` already.
            let _ = (&mut appender.0).await;
        }
        self.0.helpers.iter().for_each(JoinHandle::abort);
        self.0.shared.pool.close().await;
    }
}

impl fmt::Debug for EventStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStore").field("seen", &self.0.shared.seen()).finish_non_exhaustive()
    }
}

struct EndedOnDrop(JoinHandle<()>);

impl Drop for EndedOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // The appender ends by itself when it has written what was sent.
        self.helpers.iter().for_each(JoinHandle::abort);
    }
}

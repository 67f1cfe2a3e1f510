//! The handle that callers hold.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::appender::Appender;
use crate::queued::QueuedAppend;
use crate::shared::Shared;
use crate::{
    Append, AppendOutcome, LoadedStream, LockedLog, Pages, Permit, RecordedEvent, Snapshot,
    SnapshotKey, StoreError, StoreOptions, copy, read, snapshot, wake,
};

/// Handle on the log.  Cheap to clone; all clones share one appender, tail and pool.
#[derive(Clone)]
pub struct EventStore(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    queue: mpsc::Sender<QueuedAppend>,
    closing: watch::Sender<bool>,
    appender: Mutex<Option<JoinHandle<()>>>,
    helpers: [JoinHandle<()>; 2],
}

impl EventStore {
    /// Connects, and starts the appender and the two tasks that send and receive notifications of
    /// new events.
    ///
    /// The database must have been migrated with [`crate::MIGRATIONS`].
    ///
    /// # Errors
    /// If `url` is not a Postgres URL, or Postgres cannot be reached.
    pub async fn connect(url: &str, options: StoreOptions) -> Result<Self, StoreError> {
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
        shared.raise_committed_head(read::head(&shared.pool).await?);
        let appender = Appender::new(shared.clone(), waiting, closed);
        Ok(EventStore(Arc::new(Inner {
            queue,
            closing,
            appender: Mutex::new(Some(tokio::spawn(appender.run()))),
            helpers: [
                tokio::spawn(wake::send_notifications(shared.clone(), interval)),
                tokio::spawn(wake::receive_notifications(shared.clone())),
            ],
            shared,
        })))
    }

    /// The pool of connections, for other tables in the log's database.
    pub fn pool(&self) -> &PgPool {
        &self.0.shared.pool
    }

    /// Waits for space in the queue. Sending through the permit never waits, so callers can decide
    /// and send under one mutex.
    ///
    /// # Errors
    /// [`StoreError::Closed`] after [`EventStore::shutdown`], [`StoreError::LogWentBack`] if this
    /// node has stopped.
    pub async fn reserve(&self) -> Result<Permit, StoreError> {
        self.0.shared.check_running()?;
        if *self.0.closing.borrow() {
            return Err(StoreError::Closed);
        }
        let permit = self.0.queue.clone().reserve_owned().await;
        permit.map(Permit).map_err(|_| StoreError::Closed)
    }

    /// Queues an append and waits until it is durable or refused.
    ///
    /// # Errors
    /// As for [`PendingAppend::outcome`](crate::PendingAppend::outcome).
    pub async fn append(&self, append: Append) -> Result<AppendOutcome, StoreError> {
        self.reserve().await?.send(append).outcome().await
    }

    /// A stream's events after a version, in order; none if the stream does not exist.
    ///
    /// # Errors
    /// [`StoreError::StreamHole`] if a version is missing, [`StoreError::Database`] if Postgres
    /// failed.
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
    /// [`StoreError::StreamHole`] if a version is missing, [`StoreError::Database`] if Postgres
    /// failed.
    pub async fn load_many(
        &self,
        streams: &[(Uuid, i32)],
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let shared = &self.0.shared;
        shared.check_running()?;
        let events = read::streams(&shared.pool, streams).await?;
        read::check_versions(&events, streams)?;
        shared.upcast_all(events)
    }

    /// Loads streams, each from its snapshot on if there is one of the right schema, in one round
    /// trip. The result has the order of `streams`; a stream must not occur twice.
    ///
    /// # Errors
    /// [`StoreError::StreamHole`] if a version is missing, [`StoreError::Database`] if Postgres
    /// failed.
    pub async fn load_from_snapshots(
        &self,
        streams: &[SnapshotKey],
    ) -> Result<Vec<LoadedStream>, StoreError> {
        let shared = &self.0.shared;
        shared.check_running()?;
        shared.upcast_streams(snapshot::load(&shared.pool, streams).await?)
    }

    /// Stores a state for [`EventStore::load_from_snapshots`]; its events must be durable.  A newer
    /// snapshot of the same schema is kept instead.
    ///
    /// # Errors
    /// [`StoreError::Database`] if Postgres failed.
    pub async fn save_snapshot(
        &self,
        stream_type: &str,
        stream: SnapshotKey,
        snapshot: &Snapshot,
    ) -> Result<(), StoreError> {
        let shared = &self.0.shared;
        shared.check_running()?;
        snapshot::save(&shared.pool, stream_type, stream, snapshot).await
    }

    /// Up to `limit` events after a position, in log order; from memory if the tail has them. At
    /// the end of the log this queries Postgres, so call [`EventStore::wait_for_event_after`]
    /// first.
    ///
    /// # Errors
    /// [`StoreError::Hole`] if a position is missing, [`StoreError::LogWentBack`] if the log ends
    /// below `after` or below another position that this node saw committed.
    pub async fn read(
        &self,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Arc<RecordedEvent>>, StoreError> {
        let shared = &self.0.shared;
        shared.check_running()?;
        if let Some(events) = shared.tail.after(after, limit) {
            return Ok(events);
        }
        let committed = shared.committed_head();
        let rows = i64::try_from(limit).unwrap_or(i64::MAX);
        let events = read::after(&shared.pool, after, rows).await?;
        read::check_positions(&events, after)?;
        let reached = events.last().map_or(after, |event| event.position);
        if events.len() < limit && reached < committed {
            return Err(shared.stop_node(committed, reached));
        }
        if events.is_empty() && after > committed && limit > 0 {
            self.read_head(after).await?;
        }
        if !events.is_empty() {
            shared.raise_committed_head(reached);
        }
        Ok(shared.upcast_all(events)?.into_iter().map(Arc::new).collect())
    }

    /// The events at the positions `first..=last`, which must all exist.
    ///
    /// # Errors
    /// As for [`EventStore::read`]; [`StoreError::Hole`] also if the log ends before `last`.
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

    /// The events after one position up to another, or to the end of the log, by COPY on a separate
    /// connection. For readers of most of the log. Reading stops when the pages are dropped.
    ///
    /// # Errors
    /// An error takes the place of a page and is the last: [`StoreError::Hole`] if a position is
    /// missing, [`StoreError::Database`] if Postgres failed.
    pub fn copy(&self, after: i64, to: i64) -> Pages {
        copy::pages(self.0.shared.clone(), after, to)
    }

    /// The events of one command; `None` if the log has no such command.
    ///
    /// # Errors
    /// [`StoreError::Database`] if Postgres failed.
    pub async fn load_command(
        &self,
        command_id: Uuid,
    ) -> Result<Option<Vec<RecordedEvent>>, StoreError> {
        let shared = &self.0.shared;
        shared.check_running()?;
        let events = read::command(&shared.pool, command_id).await?;
        let events = shared.upcast_all(events)?;
        Ok((!events.is_empty()).then_some(events))
    }

    /// The position of the log's last event, read from Postgres; 0 if the log is empty.
    ///
    /// # Errors
    /// [`StoreError::LogWentBack`] if it is below a position that this node saw committed.
    pub async fn head(&self) -> Result<i64, StoreError> {
        self.0.shared.check_running()?;
        self.read_head(self.0.shared.committed_head()).await
    }

    /// Reads the head, and fails if it is below a committed position.
    async fn read_head(&self, committed: i64) -> Result<i64, StoreError> {
        let shared = &self.0.shared;
        let head = read::head(&shared.pool).await?;
        if head < committed {
            return Err(shared.stop_node(committed, head));
        }
        shared.raise_committed_head(head);
        Ok(head)
    }

    /// The highest position that this node read, wrote or was notified of; it is in memory.
    pub fn known_head(&self) -> i64 {
        *self.0.shared.known_head.borrow()
    }

    /// How many appends wait in the appender's queue, and how many the queue can hold.
    pub fn queue_usage(&self) -> (usize, usize) {
        let capacity = self.0.queue.max_capacity();
        (capacity - self.0.queue.capacity(), capacity)
    }

    /// Returns when this node knows an event after this position, but no later than after
    /// `at_most`.
    pub async fn wait_for_event_after(&self, position: i64, at_most: Duration) {
        let mut known_head = self.0.shared.known_head.subscribe();
        // The caller reads the log next, so it does not matter whether the wait timed out.
        let _ = tokio::time::timeout(at_most, known_head.wait_for(|head| *head > position)).await;
    }

    /// Acquires the log's lock. Until it is released, no other append can be written.
    ///
    /// # Errors
    /// [`StoreError::Database`] if Postgres failed, or if the lock was not free within
    /// [`StoreOptions::lock_timeout`].
    pub async fn lock(&self) -> Result<LockedLog, StoreError> {
        self.0.shared.check_running()?;
        LockedLog::acquire(self.0.shared.clone()).await
    }

    /// Accepts no more appends, writes the queued ones, and stops.
    ///
    /// This waits for Postgres without a limit. A caller that cannot wait drops the future: then
    /// the queued appends end in [`StoreError::Closed`], though they may have been written.
    pub async fn shutdown(&self) {
        self.0.closing.send_replace(true);
        let appender = self.0.appender.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(appender) = appender {
            let mut appender = AbortOnDrop(appender);
            // An appender that panicked has already answered its items with `Closed`.
            let _ = (&mut appender.0).await;
        }
        self.0.helpers.iter().for_each(JoinHandle::abort);
        self.0.shared.pool.close().await;
    }
}

impl fmt::Debug for EventStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStore")
            .field("committed_head", &self.0.shared.committed_head())
            .finish_non_exhaustive()
    }
}

struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // The appender is not aborted: it ends when it has written all queued appends.
        self.helpers.iter().for_each(JoinHandle::abort);
    }
}

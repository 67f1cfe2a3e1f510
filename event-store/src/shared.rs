//! The state that the store's handle and its tasks share.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio::sync::watch;

use crate::batch::BatchLimits;
use crate::queued::QueuedAppend;
use crate::recorded::recorded;
use crate::tail::Tail;
use crate::upcast::upcast;
use crate::{
    AppendOutcome, EventUpcaster, LoadedStream, RecordedEvent, StoreError, StoreOptions,
    time_limits,
};

pub(crate) struct Shared {
    pub(crate) pool: PgPool,
    pub(crate) connection: PgConnectOptions,
    pub(crate) limits: BatchLimits,
    /// How long one attempt to append may take. After that its connection is closed.
    pub(crate) append_limit: Duration,
    pub(crate) tail: Tail,
    upcasters: Vec<Box<dyn EventUpcaster>>,
    /// The highest position that this node itself saw committed.
    committed_head: AtomicI64,
    /// The highest position that this node saw committed or was notified of.
    pub(crate) known_head: watch::Sender<i64>,
    /// The highest position that this node wrote.
    pub(crate) written_head: watch::Sender<i64>,
    stopped_by: OnceLock<StoreError>,
}

impl Shared {
    pub(crate) fn new(pool: PgPool, connection: PgConnectOptions, options: StoreOptions) -> Shared {
        Shared {
            pool,
            connection,
            limits: BatchLimits {
                items: options.batch_events,
                events: options.batch_events,
                bytes: options.batch_bytes,
            },
            append_limit: options.statement_timeout + time_limits::BEYOND_STATEMENT,
            tail: Tail::new(options.tail_events),
            upcasters: options.upcasters,
            committed_head: AtomicI64::new(0),
            known_head: watch::Sender::new(0),
            written_head: watch::Sender::new(0),
            stopped_by: OnceLock::new(),
        }
    }

    pub(crate) fn committed_head(&self) -> i64 {
        self.committed_head.load(Ordering::Acquire)
    }

    /// Called when this node has read or committed this position.
    pub(crate) fn raise_committed_head(&self, head: i64) {
        self.committed_head.fetch_max(head, Ordering::AcqRel);
        self.raise_known_head(head);
    }

    /// Wakes readers. A notification from another node does no more than that.
    pub(crate) fn raise_known_head(&self, head: i64) {
        raise(&self.known_head, head);
    }

    /// Announces committed items: first to the tail, then to readers, then to those who wait for
    /// the outcome.
    pub(crate) fn announce(&self, mut items: Vec<(QueuedAppend, AppendOutcome)>) {
        let mut last = None;
        for (item, outcome) in &mut items {
            if let AppendOutcome::Appended { first, recorded_at, .. } = *outcome {
                for event in recorded(&mut item.append, first, recorded_at) {
                    last = last.max(Some(event.position));
                    self.keep_in_tail(event);
                }
            }
        }
        if let Some(last) = last {
            self.raise_committed_head(last);
            raise(&self.written_head, last);
        }
        for (item, outcome) in items {
            item.answer(Ok(outcome));
        }
    }

    fn keep_in_tail(&self, event: RecordedEvent) {
        // An event that cannot be upcast is left out; a reader gets the error when it reads the
        // event from Postgres.
        if let Ok(event) = self.upcast(event) {
            self.tail.push(event);
        }
    }

    pub(crate) fn upcast_all(
        &self,
        events: Vec<RecordedEvent>,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        if self.upcasters.is_empty() {
            return Ok(events);
        }
        events.into_iter().map(|event| self.upcast(event)).collect()
    }

    pub(crate) fn upcast(&self, event: RecordedEvent) -> Result<RecordedEvent, StoreError> {
        upcast(&self.upcasters, event)
    }

    pub(crate) fn upcast_streams(
        &self,
        mut streams: Vec<LoadedStream>,
    ) -> Result<Vec<LoadedStream>, StoreError> {
        for stream in &mut streams {
            stream.events = self.upcast_all(std::mem::take(&mut stream.events))?;
        }
        Ok(streams)
    }

    /// # Errors
    /// The error that stopped this node, if one did.
    pub(crate) fn check_running(&self) -> Result<(), StoreError> {
        self.stopped_by.get().cloned().map_or(Ok(()), Err)
    }

    /// Stops this node permanently, because it has reported events as durable that are no longer in
    /// the log.
    pub(crate) fn stop_node(&self, committed: i64, head: i64) -> StoreError {
        let error = StoreError::LogWentBack { committed, head };
        if self.stopped_by.set(error.clone()).is_ok() {
            tracing::error!(
                committed,
                head,
                "committed events are gone from the log; this node stops"
            );
        }
        error
    }
}

fn raise(position: &watch::Sender<i64>, to: i64) {
    position.send_if_modified(|known| {
        let is_higher = to > *known;
        *known = to.max(*known);
        is_higher
    });
}

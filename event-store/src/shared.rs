//! What the handle and its tasks have in common.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio::sync::watch;

use crate::batch::Limits;
use crate::recorded::recorded;
use crate::tail::Tail;
use crate::ticket::Queued;
use crate::upcast::upcast;
use crate::{EventUpcaster, Loaded, Options, Outcome, RecordedEvent, StoreError};

pub(crate) struct Shared {
    pub(crate) pool: PgPool,
    pub(crate) connection: PgConnectOptions,
    pub(crate) limits: Limits,
    /// How long a statement may go unanswered before its connection is given up.
    pub(crate) patience: Duration,
    pub(crate) tail: Tail,
    upcasters: Vec<Box<dyn EventUpcaster>>,
    /// The highest position that this node itself saw committed.
    seen: AtomicI64,
    /// The highest position that this node saw or heard of.
    pub(crate) known: watch::Sender<i64>,
    /// The highest position that this node wrote.
    pub(crate) written: watch::Sender<i64>,
    stopped: OnceLock<StoreError>,
}

impl Shared {
    pub(crate) fn new(pool: PgPool, connection: PgConnectOptions, options: Options) -> Shared {
        Shared {
            pool,
            connection,
            limits: Limits {
                items: options.batch_events,
                events: options.batch_events,
                bytes: options.batch_bytes,
            },
            patience: options.statement_timeout + Duration::from_secs(5),
            tail: Tail::new(options.tail_events),
            upcasters: options.upcasters,
            seen: AtomicI64::new(0),
            known: watch::Sender::new(0),
            written: watch::Sender::new(0),
            stopped: OnceLock::new(),
        }
    }

    pub(crate) fn seen(&self) -> i64 {
        self.seen.load(Ordering::Acquire)
    }

    pub(crate) fn saw(&self, head: i64) {
        self.seen.fetch_max(head, Ordering::AcqRel);
        self.heard(head);
    }

    /// Another node may be believed as far as waking up goes.
    pub(crate) fn heard(&self, head: i64) {
        raise(&self.known, head);
    }

    /// Makes committed items known: to the tail, then to readers, then to whoever waits for an answer.
    pub(crate) fn settle(&self, mut items: Vec<(Queued, Outcome)>) {
        let mut last = None;
        for (item, outcome) in &mut items {
            if let Outcome::Appended { first, recorded_at, .. } = *outcome {
                for event in recorded(&mut item.append, first, recorded_at) {
                    last = last.max(Some(event.position));
                    self.keep(event);
                }
            }
        }
        if let Some(last) = last {
            self.saw(last);
            raise(&self.written, last);
        }
        for (item, outcome) in items {
            item.answer(Ok(outcome));
        }
    }

    fn keep(&self, event: RecordedEvent) {
        // An event that cannot be lifted is left to the reader, who learns why.
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

    pub(crate) fn upcast_loaded(&self, mut all: Vec<Loaded>) -> Result<Vec<Loaded>, StoreError> {
        for loaded in &mut all {
            loaded.events = self.upcast_all(std::mem::take(&mut loaded.events))?;
        }
        Ok(all)
    }

    pub(crate) fn running(&self) -> Result<(), StoreError> {
        self.stopped.get().cloned().map_or(Ok(()), Err)
    }

    /// Stops this node for good: what it told the world is no longer true.
    pub(crate) fn went_back(&self, seen: i64, head: i64) -> StoreError {
        let error = StoreError::LogWentBack { seen, head };
        if self.stopped.set(error.clone()).is_ok() {
            tracing::error!(seen, head, "the log went back; this node stops");
        }
        error
    }
}

fn raise(position: &watch::Sender<i64>, to: i64) {
    position.send_if_modified(|known| {
        let higher = to > *known;
        *known = to.max(*known);
        higher
    });
}

//! The relay publishes every event of the log to a message broker, for programs other than this
//! shop.
//!
//! One node does this at a time, by lease. The lease's position is the last event that the broker
//! has acknowledged, so every event is published at least once, in the order of the log, whichever
//! node fails. A broker that is down delays only the relay. Read `cloud_event.rs` (what is
//! published), then `worker.rs` (when), then `nats.rs` (how).

mod cloud_event;
mod nats;
mod nats_settings;
mod worker;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use projections::Feed;

use self::nats_settings::NatsStream;
pub use self::nats_settings::{BadNatsUrl, BadStreamName, StreamName};
pub use self::worker::run;

/// The broker that events are published to.
#[derive(Debug, Clone)]
pub struct Broker(Backend);

#[derive(Debug, Clone)]
enum Backend {
    None,
    Nats(NatsStream),
}

impl Broker {
    /// No broker: the log keeps the events, and they are published once there is one.
    pub fn none() -> Broker {
        Broker(Backend::None)
    }

    /// A stream of NATS JetStream. `url` is such as `nats://user:password@host:4222` or `tls://…`;
    /// commas separate several servers of one cluster.
    ///
    /// # Errors
    /// It is not such a URL, or it would send a password in clear text over a network.
    pub fn nats(url: &str, stream: StreamName) -> Result<Broker, BadNatsUrl> {
        NatsStream::new(url, stream).map(|nats| Broker(Backend::Nats(nats)))
    }
}

/// What relaying needs, and its last error. The clones share the error.
#[derive(Debug, Clone)]
pub struct Relay {
    feed: Feed,
    broker: Broker,
    last_error: Arc<Mutex<Option<String>>>,
}

/// The events that the broker has not acknowledged yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lag {
    pub events: i64,
    /// The age of the oldest of them.
    pub time: Duration,
}

impl Relay {
    pub fn new(feed: Feed, broker: Broker) -> Relay {
        Relay { feed, broker, last_error: Arc::default() }
    }

    pub fn has_broker(&self) -> bool {
        !matches!(self.broker.0, Backend::None)
    }

    /// The lag of the relay, whichever node leads it.
    pub async fn lag(&self) -> Result<Lag, sqlx::Error> {
        let (events, seconds): (i64, f64) = sqlx::query_as(
            "select head.position - coalesce(l.position, 0),
                    coalesce(extract(epoch from clock_timestamp() - next.recorded_at), 0)::float8
             from (select coalesce(max(position), 0) as position from events) as head
             left join leases l on l.name = $1
             left join events next on next.position = coalesce(l.position, 0) + 1",
        )
        .bind(worker::LEASE)
        .fetch_one(self.feed.store().pool())
        .await?;
        Ok(Lag { events, time: Duration::try_from_secs_f64(seconds).unwrap_or_default() })
    }

    /// Why this node cannot publish now. `None` if it can, or if it does not lead the relay.
    pub fn last_error(&self) -> Option<String> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets the last error. The first of several in a row is logged.
    fn set_last_error(&self, error: Option<String>) {
        let mut last = self.last_error.lock().unwrap_or_else(PoisonError::into_inner);
        if let (None, Some(reason)) = (&*last, &error) {
            tracing::warn!(reason, "events cannot be published to the broker, trying again");
        }
        *last = error;
    }
}

//! Events out: a relay tells a message broker what the log learns, for everything that is not this
//! shop.
//!
//! One node does this at a time, by lease, and the lease's position is the last event that the broker
//! has acknowledged. So every event is told at least once, in the order of the log, whoever is killed;
//! a broker that is down holds up nothing but the relay. Read `cloud_event.rs` (what is told), then
//! `worker.rs` (when), then `nats.rs` (how).

mod cloud_event;
mod nats;
mod worker;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use projections::Feed;

use self::nats::Nats;
pub use self::nats::{BadNatsUrl, BadStreamName, StreamName};
pub use self::worker::run;

/// Where events go.
#[derive(Debug, Clone)]
pub struct Broker(Backend);

#[derive(Debug, Clone)]
enum Backend {
    None,
    Nats(Nats),
}

impl Broker {
    /// Nowhere: the log keeps them until there is a broker.
    pub fn none() -> Broker {
        Broker(Backend::None)
    }

    /// A stream of NATS JetStream, by `nats://user:password@host:4222` or `tls://…`, several servers of
    /// one cluster separated by commas.
    ///
    /// # Errors
    /// Where that is no URL, or a password would cross a network in clear text.
    pub fn nats(url: &str, stream: StreamName) -> Result<Broker, BadNatsUrl> {
        Nats::new(url, stream).map(|nats| Broker(Backend::Nats(nats)))
    }
}

/// Everything that relaying needs, and how it is doing. The clones share the latter.
#[derive(Debug, Clone)]
pub struct Relay {
    feed: Feed,
    broker: Broker,
    trouble: Arc<Mutex<Option<String>>>,
}

/// What the broker has not been told yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lag {
    pub events: i64,
    /// For how long the first of them has waited.
    pub time: Duration,
}

impl Relay {
    pub fn new(feed: Feed, broker: Broker) -> Relay {
        Relay { feed, broker, trouble: Arc::default() }
    }

    pub fn has_broker(&self) -> bool {
        !matches!(self.broker.0, Backend::None)
    }

    /// Of the node at work, whichever it is.
    pub async fn lag(&self) -> Result<Lag, sqlx::Error> {
        let (events, seconds): (i64, f64) = sqlx::query_as(
            "select head.position - coalesce(l.position, 0),
                    coalesce(extract(epoch from clock_timestamp() - next.recorded_at), 0)::float8
             from (select coalesce(max(position), 0) as position from events) as head
             left join leases l on l.name = $1
             left join events next on next.position = coalesce(l.position, 0) + 1",
        )
        .bind(worker::NAME)
        .fetch_one(self.feed.store().pool())
        .await?;
        Ok(Lag { events, time: Duration::try_from_secs_f64(seconds).unwrap_or_default() })
    }

    /// Why this node cannot go on telling, if it is the one at work.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes note of the present trouble, and tells the log when it begins.
    fn note(&self, trouble: Option<String>) {
        let mut noted = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if let (None, Some(reason)) = (&*noted, &trouble) {
            tracing::warn!(reason, "events are not relayed, trying again");
        }
        *noted = trouble;
    }
}

//! Reads the log, publishes, and moves the checkpoint to what was acknowledged.

use std::time::{Duration, Instant};

use event_store::leader::{Leader, LeaderWork, Leadership};
use event_store::lease::LeaseError;
use event_store::{Backoff, time_limits};
use tokio_util::sync::CancellationToken;

use super::cloud_event::{BrokerMessage, message};
use super::nats::Publisher;
use super::{Backend, Relay};
use crate::breaker::Breaker;

/// The name of the lease, which holds the checkpoint.
pub(super) const LEASE: &str = "relay";

/// Interval at which the log is read although no new event is known, and at which the broker is
/// tried again.
const POLL: Duration = Duration::from_millis(250);

/// The largest number of events that are published at once.
const BATCH_MAX: usize = 256;

/// After this many failures in a row the circuit breaker opens, for this long.
const FAILURES_MAX: u32 = 2;
const OPEN_FOR: Backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(15));

/// Why this node stopped relaying; it tries again from the checkpoint on.
#[derive(Debug, thiserror::Error)]
enum RelayError {
    #[error(transparent)]
    Lease(#[from] LeaseError),
    #[error(transparent)]
    Store(#[from] event_store::StoreError),
    #[error("the event at position {0} is not JSON")]
    NotJson(i64),
}

/// Relays events while this node leads, until it is asked to stop. Returns at once if there is no
/// broker.
pub async fn run(relay: Relay, stop: CancellationToken) {
    let Backend::Nats(nats) = &relay.broker.0 else { return };
    let mut work = RelayWork {
        relay: &relay,
        prefix: nats.prefix(),
        publisher: Publisher::new(nats.clone()),
        breaker: Breaker::new("the broker", FAILURES_MAX, OPEN_FOR),
        stop: &stop,
    };
    let leader = Leader::new(relay.feed.store().pool().clone(), LEASE);
    leader.with_ttl(time_limits::RELAY_LEASE_TTL).run(&stop, &mut work).await;
}

/// Kept between leaderships: the connection to the broker, and the state of its circuit breaker.
struct RelayWork<'a> {
    relay: &'a Relay,
    prefix: String,
    publisher: Publisher,
    breaker: Breaker,
    stop: &'a CancellationToken,
}

impl LeaderWork for RelayWork<'_> {
    type Error = RelayError;

    async fn lead(&mut self, leadership: &mut Leadership) -> Result<(), RelayError> {
        tracing::info!(after = leadership.checkpoint(), "this node relays events");
        let (relay, stop) = (self.relay, self.stop);
        let ended = RelayRun { work: self, leadership, unsent: Vec::new() }.follow(stop).await;
        // The next leader reports its own error.
        relay.set_last_error(None);
        ended
    }
}

/// What this node has in memory while it leads. The checkpoint is the last event that was
/// acknowledged.
struct RelayRun<'r, 'a> {
    work: &'r mut RelayWork<'a>,
    leadership: &'r mut Leadership,
    /// The events after the checkpoint that were read and are not acknowledged.
    unsent: Vec<BrokerMessage>,
}

impl RelayRun<'_, '_> {
    async fn follow(&mut self, stop: &CancellationToken) -> Result<(), RelayError> {
        while !stop.is_cancelled() {
            self.leadership.renew_if_due().await?;
            if self.unsent.is_empty() {
                self.read().await?;
            }
            let has_work = !self.unsent.is_empty() || !self.work.publisher.is_connected();
            if has_work && self.publish().await? {
                continue;
            }
            stop.run_until_cancelled(self.wait(has_work)).await;
        }
        Ok(())
    }

    /// Waits for the broker to be tried again, or for an event.
    async fn wait(&self, has_work: bool) {
        if has_work {
            tokio::time::sleep(POLL).await;
        } else {
            let feed = &self.work.relay.feed;
            feed.wait_for_event_after(self.leadership.checkpoint(), POLL).await;
        }
    }

    async fn read(&mut self) -> Result<(), RelayError> {
        for entry in self.work.relay.feed.read(self.leadership.checkpoint(), BATCH_MAX).await? {
            let message = message(&self.work.prefix, &entry.raw);
            self.unsent.push(message.map_err(|_| RelayError::NotJson(entry.position()))?);
        }
        Ok(())
    }

    /// Tries to publish the unsent events. Returns whether to continue at once.
    async fn publish(&mut self) -> Result<bool, RelayError> {
        let RelayWork { relay, publisher, breaker, .. } = &mut *self.work;
        if breaker.admit(Instant::now()).is_err() {
            return Ok(false);
        }
        let published = publisher.publish(&self.unsent).await;
        let (acknowledged, answered, error) = match published {
            Ok(()) => (self.unsent.len(), true, None),
            Err(rest) => (rest.acknowledged, rest.answered, Some(rest.reason)),
        };
        breaker.report(answered, Instant::now());
        relay.set_last_error(error.filter(|_| !answered));
        self.advance(acknowledged).await?;
        Ok(answered)
    }

    /// Moves the checkpoint: the first `acknowledged` messages are acknowledged.
    async fn advance(&mut self, acknowledged: usize) -> Result<(), RelayError> {
        let Some(last) = self.unsent.drain(..acknowledged).next_back() else { return Ok(()) };
        Ok(self.leadership.advance(last.position).await?)
    }
}

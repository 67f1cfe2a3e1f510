//! Reads the log, publishes, and moves the checkpoint to what was acknowledged.

use std::time::{Duration, Instant};

use event_store::lease::LeaseError;
use tokio_util::sync::CancellationToken;

use super::cloud_event::{BrokerMessage, message};
use super::nats::Publisher;
use super::{Backend, Relay};
use crate::breaker::Breaker;
use crate::tenure::{Candidate, Term};

/// The name of the lease; its position is the checkpoint.
pub(super) const NAME: &str = "relay";

/// Longer than until the next renewal and the longest attempt to publish.
const LEASE_TTL: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(250);

/// The most events published at once.
const BATCH_MAX: usize = 256;

/// After so many failures in a row the broker is left alone, for so long at first and at most.
const FAILURES_AT_MOST: u32 = 2;
const FIRST_REST: Duration = Duration::from_millis(500);
const LONGEST_REST: Duration = Duration::from_secs(15);

#[derive(Debug, thiserror::Error)]
enum Stopped {
    #[error(transparent)]
    Lease(#[from] LeaseError),
    #[error(transparent)]
    Store(#[from] event_store::StoreError),
    #[error("the event at position {0} is no JSON")]
    Unreadable(i64),
}

/// Relays events, whenever this node holds the lease, until told to stop; where there is no broker, not
/// at all.
pub async fn run(relay: Relay, stop: CancellationToken) {
    let Backend::Nats(nats) = &relay.broker.0 else { return };
    let prefix = nats.prefix();
    let mut courier = Courier {
        publisher: Publisher::new(nats.clone()),
        breaker: Breaker::new("the broker", FAILURES_AT_MOST, FIRST_REST, LONGEST_REST),
    };
    let pool = relay.feed.store().pool().clone();
    let mut candidate = Candidate::new(pool, NAME, LEASE_TTL, stop.clone());
    while let Some(term) = candidate.term().await {
        tracing::info!(after = term.checkpoint(), "this node relays events");
        let mut leader = Leader::new(&relay, &prefix, &mut courier, term);
        if let Err(error) = leader.lead(&stop).await {
            tracing::warn!(%error, "the relay stopped on this node, trying again");
        }
        leader.resign().await;
    }
}

/// Who goes to the broker, and how often.
struct Courier {
    publisher: Publisher,
    breaker: Breaker,
}

struct Leader<'a> {
    relay: &'a Relay,
    prefix: &'a str,
    courier: &'a mut Courier,
    /// Its checkpoint is the last event that was acknowledged.
    term: Term,
    /// What was read after it.
    unsent: Vec<BrokerMessage>,
}

impl<'a> Leader<'a> {
    fn new(relay: &'a Relay, prefix: &'a str, courier: &'a mut Courier, term: Term) -> Leader<'a> {
        Leader { relay, prefix, courier, term, unsent: Vec::new() }
    }

    async fn lead(&mut self, stop: &CancellationToken) -> Result<(), Stopped> {
        while !stop.is_cancelled() {
            self.term.keep().await?;
            if self.unsent.is_empty() {
                self.read().await?;
            }
            let has_rest = !self.unsent.is_empty() || !self.courier.publisher.is_connected();
            if has_rest && self.publish().await? {
                continue;
            }
            let waiting = async {
                match has_rest {
                    true => tokio::time::sleep(POLL).await,
                    false => {
                        self.relay.feed.wait_for_event_after(self.term.checkpoint(), POLL).await
                    }
                }
            };
            tokio::select! {
                () = waiting => {}
                () = stop.cancelled() => {}
            }
        }
        Ok(())
    }

    async fn read(&mut self) -> Result<(), Stopped> {
        for entry in self.relay.feed.read(self.term.checkpoint(), BATCH_MAX).await? {
            let message = message(self.prefix, &entry.raw);
            self.unsent.push(message.map_err(|_| Stopped::Unreadable(entry.position()))?);
        }
        Ok(())
    }

    /// Tries to get rid of what is unsent. Answers whether to go on at once.
    async fn publish(&mut self) -> Result<bool, Stopped> {
        let Courier { publisher, breaker } = &mut *self.courier;
        if breaker.admit(Instant::now()).is_err() {
            return Ok(false);
        }
        let published = publisher.publish(&self.unsent).await;
        let (acknowledged, answered, error) = match published {
            Ok(()) => (self.unsent.len(), true, None),
            Err(rest) => (rest.acknowledged, rest.answered, Some(rest.reason)),
        };
        breaker.report(answered, Instant::now());
        self.relay.set_last_error(error.filter(|_| !answered));
        self.advance(acknowledged).await?;
        Ok(answered)
    }

    /// So many from the first on are acknowledged.
    async fn advance(&mut self, acknowledged: usize) -> Result<(), Stopped> {
        let Some(last) = self.unsent.drain(..acknowledged).next_back() else { return Ok(()) };
        Ok(self.term.advance(last.position).await?)
    }

    /// Another node is to know better from now on.
    async fn resign(self) {
        self.relay.set_last_error(None);
        self.term.resign().await;
    }
}

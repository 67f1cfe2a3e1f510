//! Leading by lease: work that one node does at a time.
//!
//! Every node has a [`Leader`] for the work. It waits for the lease, runs the work with a
//! [`Leadership`], and releases the lease afterwards, whether the work returned, failed, panicked
//! or lost its connection. Then another node leads at once, instead of when the lease expires. Only
//! a leader that is dropped, frozen or killed does not release its lease, which then expires.
//!
//! The work renews the lease by [`Leadership::renew_if_due`] and moves its checkpoint by
//! [`Leadership::advance`]. Both fail if another node leads by now.

use std::any::Any;
use std::fmt::Display;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures::FutureExt;
use sqlx::{PgConnection, PgPool};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::backoff::{Backoff, with_jitter};
use crate::lease::{self, Lease, LeaseError};
use crate::time_limits;

/// Work that one node does at a time.
pub trait LeaderWork: Send {
    /// Why the work ended before it was asked to stop.
    type Error: Display + Send;

    /// Works until it is asked to stop, or until something fails. After a failure it is started
    /// again, on this node or another, from the checkpoint on; so work after the checkpoint may be
    /// done twice.
    fn lead(
        &mut self,
        leadership: &mut Leadership,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// Why the work ended although it was not asked to stop.
#[derive(Debug, thiserror::Error)]
pub enum LeadError<E> {
    /// The work failed.
    #[error("{0}")]
    Work(E),
    /// The work panicked.
    #[error("the work panicked: {0}")]
    Panicked(String),
}

/// A node's candidate for leading one piece of work.
#[derive(Debug)]
pub struct Leader {
    pool: PgPool,
    name: &'static str,
    owner: String,
    ttl: Duration,
    renewal: Duration,
    /// Counts failures of the work, and of requests for the lease.
    backoff: Backoff,
    pause: Duration,
    /// Whether the answer to the last request for the lease was lost, so that this node may have
    /// it.
    may_have_lease: bool,
}

impl Leader {
    /// A candidate for the lease of this name, with an owner name of its own.
    pub fn new(pool: PgPool, name: &'static str) -> Leader {
        Leader {
            pool,
            name,
            owner: Uuid::now_v7().to_string(),
            ttl: time_limits::LEASE_TTL,
            renewal: time_limits::LEASE_RENEWAL,
            backoff: Backoff::DATABASE,
            pause: Duration::ZERO,
            may_have_lease: false,
        }
    }

    /// Sets the owner's name. A process must use another name each time it starts.
    pub fn with_owner(self, owner: &str) -> Leader {
        Leader { owner: owner.to_owned(), ..self }
    }

    /// How long the lease lives without being renewed; by default [`time_limits::LEASE_TTL`].
    pub fn with_ttl(self, ttl: Duration) -> Leader {
        Leader { ttl, ..self }
    }

    /// How often the lease is renewed, or asked for while another node leads; by default
    /// [`time_limits::LEASE_RENEWAL`].
    pub fn with_renewal(self, renewal: Duration) -> Leader {
        Leader { renewal, ..self }
    }

    /// Leads again and again, until `stop` is cancelled.
    pub async fn run(mut self, stop: &CancellationToken, work: &mut impl LeaderWork) {
        while let Some(ended) = self.lead(stop, work).await {
            if let Err(error) = ended {
                tracing::warn!(lease = self.name, %error, "this node stopped leading, and tries again");
            }
        }
    }

    /// Waits for the lease, leads once, and releases the lease. `None` if `stop` was cancelled
    /// before it led.
    pub async fn lead<W: LeaderWork>(
        &mut self,
        stop: &CancellationToken,
        work: &mut W,
    ) -> Option<Result<(), LeadError<W::Error>>> {
        let mut leadership = self.wait_for_lease(stop).await?;
        let (since, from) = (Instant::now(), leadership.checkpoint());
        let ended = AssertUnwindSafe(work.lead(&mut leadership)).catch_unwind().await;
        let has_succeeded = leadership.checkpoint() > from || since.elapsed() >= self.ttl;
        leadership.release().await;
        let ended = match ended {
            Ok(result) => result.map_err(LeadError::Work),
            Err(panic) => Err(LeadError::Panicked(message(panic.as_ref()))),
        };
        if has_succeeded {
            self.backoff.reset();
        }
        self.pause = if ended.is_ok() { Duration::ZERO } else { self.backoff.next_pause() };
        Some(ended)
    }

    async fn wait_for_lease(&mut self, stop: &CancellationToken) -> Option<Leadership> {
        loop {
            let pause = std::mem::take(&mut self.pause);
            let stopped = stop.run_until_cancelled(sleep(pause)).await.is_none();
            if stopped || stop.is_cancelled() {
                self.release_if_it_may_have_lease().await;
                return None;
            }
            // This request is never cancelled, since its answer says whether there is a lease to
            // release.
            match self.acquire().await {
                Ok(Some(leadership)) => return Some(leadership),
                Ok(None) => self.pause = with_jitter(self.renewal),
                Err(error) => {
                    tracing::warn!(lease = self.name, %error, "cannot ask for the lease, trying again");
                    self.pause = self.backoff.next_pause();
                }
            }
        }
    }

    /// Acquires the lease; if this owner already has it, that renews it.
    async fn acquire(&mut self) -> Result<Option<Leadership>, LeaseError> {
        let asked_at = Instant::now();
        let asked = lease::acquire(&self.pool, self.name, &self.owner, self.ttl);
        self.may_have_lease = true;
        let lease = in_time(self.name, asked).await?;
        self.may_have_lease = false;
        Ok(lease.map(|lease| Leadership {
            pool: self.pool.clone(),
            checkpoint: lease.checkpoint,
            lease,
            ttl: self.ttl,
            renewal: self.renewal,
            renewed_at: asked_at,
        }))
    }

    async fn release_if_it_may_have_lease(&mut self) {
        if std::mem::take(&mut self.may_have_lease) {
            let released = lease::release_of_owner(&self.pool, self.name, &self.owner);
            if let Err(error) = in_time(self.name, released).await {
                tracing::debug!(lease = self.name, %error, "a lease was not released; it expires");
            }
        }
    }
}

/// The right to lead, as long as the lease is renewed in time.
#[derive(Debug)]
pub struct Leadership {
    pool: PgPool,
    lease: Lease,
    ttl: Duration,
    renewal: Duration,
    /// When the last successful request was sent: the lease lives for at least `ttl` from then on.
    renewed_at: Instant,
    checkpoint: i64,
}

impl Leadership {
    /// The lease's name.
    pub fn name(&self) -> &str {
        &self.lease.name
    }

    /// The fencing token. A statement with another epoch than the lease's current one must fail, as
    /// `advance_lease` does.
    pub fn epoch(&self) -> i64 {
        self.lease.epoch
    }

    /// The position of the last event whose work is done.
    pub fn checkpoint(&self) -> i64 {
        self.checkpoint
    }

    /// The time until the lease is due to be renewed.
    pub fn until_renewal(&self) -> Duration {
        self.renewal.saturating_sub(self.renewed_at.elapsed())
    }

    /// Renews the lease if it is due. Call it more often than the lease's time to live.
    ///
    /// # Errors
    /// If another node leads, or Postgres did not answer. End the work then.
    pub async fn renew_if_due(&mut self) -> Result<(), LeaseError> {
        if self.until_renewal().is_zero() {
            let asked_at = Instant::now();
            let renewed = lease::renew(&self.pool, &self.lease, self.ttl);
            in_time(&self.lease.name, renewed).await?;
            self.renewed_at = asked_at;
        }
        Ok(())
    }

    /// Moves the checkpoint forward, in a transaction of its own.
    ///
    /// # Errors
    /// If another node leads, or Postgres did not answer. End the work then.
    pub async fn advance(&mut self, to: i64) -> Result<(), LeaseError> {
        if to > self.checkpoint {
            let (lease, from) = (&self.lease, self.checkpoint);
            let advanced = async {
                let mut connection = self.pool.acquire().await?;
                lease::advance_checkpoint(&mut connection, lease, from, to).await
            };
            in_time(&self.lease.name, advanced).await?;
            self.checkpoint = to;
        }
        Ok(())
    }

    /// Moves the checkpoint as a part of the connection's transaction. Call
    /// [`Leadership::has_advanced`] when the transaction is committed.
    ///
    /// # Errors
    /// If another node leads, or Postgres failed. Roll back and end the work then.
    pub async fn advance_in(
        &self,
        connection: &mut PgConnection,
        to: i64,
    ) -> Result<(), LeaseError> {
        lease::advance_checkpoint(connection, &self.lease, self.checkpoint, to).await
    }

    /// Records that the caller has moved the checkpoint in a transaction of its own.
    pub fn has_advanced(&mut self, to: i64) {
        self.checkpoint = to;
    }

    /// Retries for as long as the lease may live, since the connection may just have been lost.
    async fn release(self) {
        let mut backoff = Backoff::DATABASE;
        loop {
            match in_time(&self.lease.name, lease::release(&self.pool, &self.lease)).await {
                // If the lease is lost, another node has it, so there is nothing to release.
                Ok(()) | Err(LeaseError::Lost { .. }) => return,
                Err(error) if self.renewed_at.elapsed() >= self.ttl => {
                    let lease = &self.lease.name;
                    return tracing::debug!(lease, %error, "a lease was not released; it has expired");
                }
                Err(_) => backoff.wait().await,
            }
        }
    }
}

async fn in_time<T>(
    name: &str,
    question: impl Future<Output = Result<T, LeaseError>>,
) -> Result<T, LeaseError> {
    let late = |_| LeaseError::TimedOut { name: name.to_owned() };
    timeout(time_limits::LEASE_QUERY, question).await.map_err(late)?
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

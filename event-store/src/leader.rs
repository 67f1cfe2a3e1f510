//! Leading by lease: work that one node does at a time.
//!
//! Every node has a [`Leader`] for the work. It waits for the lease, runs the work with a [`Leadership`], and
//! releases the lease afterwards, however the work ended: done, with an error, by a panic, after a lost
//! connection. Then another node leads at once, instead of when the lease expires. Only a leader that is
//! dropped, frozen or killed releases nothing; its lease expires.
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
    /// Why the work ended before it was told to stop.
    type Error: Display + Send;

    /// Works until told to stop, or until something fails; then it is tried again, on this node or another.
    /// Whatever it began before is done again from the checkpoint on.
    fn lead(
        &mut self,
        leadership: &mut Leadership,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// How the work ended, other than by being told to stop.
#[derive(Debug, thiserror::Error)]
pub enum LeadError<E> {
    /// The work failed.
    #[error("{0}")]
    Work(E),
    /// The work panicked.
    #[error("the work panicked: {0}")]
    Panicked(String),
}

/// Wants to lead one piece of work on this node.
#[derive(Debug)]
pub struct Leader {
    pool: PgPool,
    name: &'static str,
    owner: String,
    ttl: Duration,
    renewal: Duration,
    /// After failures of the work, and of questions about the lease.
    backoff: Backoff,
    pause: Duration,
    /// The answer to the last question for the lease was lost, so this node may have the lease.
    may_have_lease: bool,
}

impl Leader {
    /// Wants the lease of this name. No other leader of this process has the same owner.
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

    /// Names the owner: a process that starts again is another owner.
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

    /// Leads again and again, until `stop`.
    pub async fn run(mut self, stop: &CancellationToken, work: &mut impl LeaderWork) {
        while let Some(ended) = self.lead(stop, work).await {
            if let Err(error) = ended {
                tracing::warn!(lease = self.name, %error, "this node stopped leading, and tries again");
            }
        }
    }

    /// Waits for the lease, leads once, and releases the lease. `None` if `stop` came first.
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
            // Never cancelled half-way: its answer says whether there is something to release.
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

    /// Acquiring one's own lease again renews it.
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
    /// When the last successful question was asked: the lease lives for at least `ttl` from then on.
    renewed_at: Instant,
    checkpoint: i64,
}

impl Leadership {
    /// The lease's name.
    pub fn name(&self) -> &str {
        &self.lease.name
    }

    /// The fencing token: a statement that writes under another epoch than the lease's must fail, as
    /// `advance_lease` does.
    pub fn epoch(&self) -> i64 {
        self.lease.epoch
    }

    /// The position of the last event whose work is done.
    pub fn checkpoint(&self) -> i64 {
        self.checkpoint
    }

    /// How long the lease need not be renewed yet.
    pub fn until_renewal(&self) -> Duration {
        self.renewal.saturating_sub(self.renewed_at.elapsed())
    }

    /// Renews the lease if it is time. Call it more often than the lease's time to live.
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

    /// Takes note that the caller has moved the checkpoint in a transaction of its own.
    pub fn has_advanced(&mut self, to: i64) {
        self.checkpoint = to;
    }

    /// Tries for as long as the lease may live, since the connection may just have been lost.
    async fn release(self) {
        let mut backoff = Backoff::DATABASE;
        loop {
            match in_time(&self.lease.name, lease::release(&self.pool, &self.lease)).await {
                // If it is lost, another node has it already.
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
    timeout(time_limits::LEASE_QUESTION, question).await.map_err(late)?
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

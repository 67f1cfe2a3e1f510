//! Leases that workers keep: one node works, the others wait for it to fall silent.

use std::time::{Duration, Instant};

use event_store::lease::{self, Lease, LeaseError};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::backoff::pause;

const TTL: Duration = Duration::from_secs(5);
const RENEW_EVERY: Duration = Duration::from_millis(1_500);

/// For workers whose commands are harmless when two nodes send them: nothing is fenced by it.
pub(crate) struct Tenure {
    pool: PgPool,
    name: &'static str,
    owner: String,
    asked_at: Option<Instant>,
    held: Option<(Lease, Instant)>,
}

impl Tenure {
    pub(crate) fn new(pool: PgPool, name: &'static str) -> Tenure {
        Tenure { pool, name, owner: Uuid::now_v7().to_string(), asked_at: None, held: None }
    }

    /// Whether this node is the one to work now; asks for the lease from time to time.
    pub(crate) async fn is_held(&mut self) -> bool {
        if self.asked_at.is_none_or(|at| at.elapsed() >= RENEW_EVERY) {
            let asked_at = Instant::now();
            self.asked_at = Some(asked_at);
            // Taking one's own lease again renews it.
            match lease::acquire(&self.pool, self.name, &self.owner, TTL).await {
                Ok(lease) => self.held = lease.map(|lease| (lease, asked_at)),
                Err(error) => {
                    tracing::warn!(lease = self.name, %error, "a lease cannot be taken");
                }
            }
        }
        self.held.as_ref().is_some_and(|(_, since)| since.elapsed() < TTL)
    }

    /// Gives the lease back, so that the next node need not wait.
    pub(crate) async fn end(self) {
        if let Some((lease, _)) = self.held {
            give_back(&self.pool, lease).await;
        }
    }
}

/// Who wants to read the log and act on it, one node at a time.
pub(crate) struct Candidate {
    pool: PgPool,
    name: &'static str,
    owner: String,
    ttl: Duration,
    stop: CancellationToken,
    has_asked: bool,
}

/// A time in which this node reads the log. Its checkpoint is the lease's, so who was frozen and
/// has lost the lease cannot move it.
pub(crate) struct Term {
    pool: PgPool,
    lease: Lease,
    ttl: Duration,
    renewed_at: Instant,
    checkpoint: i64,
}

impl Candidate {
    /// `ttl` is how long the others wait for a node that has fallen silent.
    pub(crate) fn new(
        pool: PgPool,
        name: &'static str,
        ttl: Duration,
        stop: CancellationToken,
    ) -> Candidate {
        let owner = Uuid::now_v7().to_string();
        Candidate { pool, name, owner, ttl, stop, has_asked: false }
    }

    /// Waits for the next term, after a pause where it is not the first; nothing, once told to stop.
    pub(crate) async fn term(&mut self) -> Option<Term> {
        loop {
            if std::mem::replace(&mut self.has_asked, true) {
                tokio::select! {
                    () = tokio::time::sleep(pause(0, RENEW_EVERY, RENEW_EVERY)) => {}
                    () = self.stop.cancelled() => {}
                }
            }
            if self.stop.is_cancelled() {
                return None;
            }
            let asked_at = Instant::now();
            match lease::acquire(&self.pool, self.name, &self.owner, self.ttl).await {
                Ok(Some(lease)) => return Some(Term::new(self, lease, asked_at)),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(lease = self.name, %error, "a lease cannot be taken");
                }
            }
        }
    }
}

impl Term {
    fn new(candidate: &Candidate, lease: Lease, renewed_at: Instant) -> Term {
        let checkpoint = lease.checkpoint;
        Term { pool: candidate.pool.clone(), lease, ttl: candidate.ttl, renewed_at, checkpoint }
    }

    /// Up to where everything is done.
    pub(crate) fn checkpoint(&self) -> i64 {
        self.checkpoint
    }

    /// Renews the lease when it is time.
    pub(crate) async fn keep(&mut self) -> Result<(), LeaseError> {
        if self.renewed_at.elapsed() >= RENEW_EVERY {
            let asked_at = Instant::now();
            lease::renew(&self.pool, &self.lease, self.ttl).await?;
            self.renewed_at = asked_at;
        }
        Ok(())
    }

    pub(crate) async fn advance(&mut self, to: i64) -> Result<(), LeaseError> {
        if to > self.checkpoint {
            let mut connection = self.pool.acquire().await?;
            lease::advance_checkpoint(&mut connection, &self.lease, self.checkpoint, to).await?;
            self.checkpoint = to;
        }
        Ok(())
    }

    /// Gives the lease back, so that the next node need not wait.
    pub(crate) async fn resign(self) {
        give_back(&self.pool, self.lease).await;
    }
}

async fn give_back(pool: &PgPool, lease: Lease) {
    let name = lease.name.clone();
    if let Err(error) = lease::release(pool, &lease).await {
        tracing::debug!(lease = name, %error, "a lease was not given back");
    }
}

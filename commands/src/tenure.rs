//! A lease that a worker keeps for as long as it runs.

use std::time::{Duration, Instant};

use event_store::lease::{self, Lease};
use sqlx::PgPool;
use uuid::Uuid;

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
        if let Some((lease, _)) = self.held
            && let Err(error) = lease::release(&self.pool, lease).await
        {
            tracing::debug!(lease = self.name, %error, "a lease was not given back");
        }
    }
}

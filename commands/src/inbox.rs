//! Webhooks of the payment provider: each is verified, stored, acknowledged, and then processed.
//!
//! A webhook may come twice, late, in any order, or before its payment is known here. The same
//! event is stored once. A webhook that cannot be processed yet stays in the inbox and is tried
//! again.

use std::sync::Arc;
use std::time::Duration;

use domain::Refusal;
use domain::payment::PaymentError;
use event_store::{Backoff, time_limits};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgPool, Row};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::payment::{PaymentPolicy, RecordFact};
use crate::payments::{BadSignature, Provider, WebhookFact};
use crate::{Bus, CommandError, Context};

/// How often this node looks for webhooks that another node received or did not finish.
const POLL: Duration = Duration::from_millis(500);

/// Pauses before a webhook that could not be processed is tried again.
const RETRIES: Backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(300));

/// A webhook that waits longer than this is counted as overdue, and logged as an error.
const OVERDUE_AFTER: &str = "24 hours";

/// Receives and processes the provider's webhooks. The clones share one inbox.
#[derive(Debug, Clone)]
pub struct Inbox {
    pool: PgPool,
    bus: Bus,
    provider: Provider,
    policy: PaymentPolicy,
    arrived: Arc<Notify>,
}

/// Why a webhook was not stored.
#[derive(Debug, thiserror::Error)]
pub enum InboxError {
    #[error(transparent)]
    BadSignature(#[from] BadSignature),
    #[error("the webhook could not be stored, so the provider has to send it again: {0}")]
    Database(#[from] sqlx::Error),
}

/// A stored webhook that this node processes now.
struct ReceivedWebhook {
    event_id: String,
    body: Vec<u8>,
    /// How often it has been processed, including this time.
    attempts: i32,
    overdue: bool,
}

impl<'r> FromRow<'r, PgRow> for ReceivedWebhook {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        Ok(ReceivedWebhook {
            event_id: row.try_get("event_id")?,
            body: row.try_get("body")?,
            attempts: row.try_get("attempts")?,
            overdue: row.try_get("overdue")?,
        })
    }
}

impl Inbox {
    pub fn new(bus: Bus, provider: Provider, policy: PaymentPolicy) -> Inbox {
        Inbox { pool: bus.store().pool().clone(), bus, provider, policy, arrived: Arc::default() }
    }

    /// How many webhooks have waited for longer than a day.
    pub async fn overdue(&self) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar(
            "select count(*) from inbox
             where processed_at is null and received_at < clock_timestamp() - $1::interval",
        )
        .bind(OVERDUE_AFTER)
        .fetch_one(&self.pool)
        .await
    }

    /// How many webhooks are not processed yet.
    pub async fn waiting(&self) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar("select count(*) from inbox where processed_at is null")
            .fetch_one(&self.pool)
            .await
    }

    /// Stores a webhook, so that it is processed even if this node fails at once.
    ///
    /// # Errors
    /// The signature is bad, or the database did not store the webhook. The provider then sends it
    /// again.
    pub async fn receive(&self, signature: &str, body: &[u8]) -> Result<(), InboxError> {
        let event_id = self.provider.verify(signature, body)?;
        sqlx::query(
            "insert into inbox (provider, event_id, body) values ($1, $2, $3)
             on conflict on constraint inbox_event do nothing",
        )
        .bind(self.provider.name())
        .bind(event_id)
        .bind(body)
        .execute(&self.pool)
        .await?;
        self.arrived.notify_one();
        Ok(())
    }

    /// Processes stored webhooks until `stop` is cancelled.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match self.process_due().await {
                Ok(0) => {}
                Ok(_) => continue,
                Err(error) => {
                    tracing::warn!(%error, "the inbox cannot be read or written, trying again")
                }
            }
            tokio::select! {
                () = self.arrived.notified() => {}
                () = tokio::time::sleep(POLL) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Processes the due webhooks, and returns how many there were. Each row is claimed first, so
    /// that no other node processes it at the same time.
    async fn process_due(&self) -> Result<usize, sqlx::Error> {
        let webhooks: Vec<ReceivedWebhook> = sqlx::query_as(
            "update inbox set attempts = attempts + 1,
                 due_at = clock_timestamp() + make_interval(secs => $3)
             where (provider, event_id) in (
                 select provider, event_id from inbox
                 where processed_at is null and provider = $1 and due_at <= clock_timestamp()
                 order by due_at limit 64 for update skip locked
             )
             returning event_id, body, attempts,
                 received_at < clock_timestamp() - $2::interval as overdue",
        )
        .bind(self.provider.name())
        .bind(OVERDUE_AFTER)
        .bind(time_limits::WEBHOOK_CLAIM.as_secs_f64())
        .fetch_all(&self.pool)
        .await?;
        let results = webhooks.iter().map(|webhook| self.process(webhook));
        let results = futures::future::join_all(results).await;
        let (mut processed, mut failed) = (vec![], vec![]);
        for (webhook, result) in webhooks.iter().zip(results) {
            match result {
                Ok(()) => processed.push(webhook.event_id.as_str()),
                Err(problem) => failed.push((webhook, problem)),
            }
        }
        self.mark_processed(&processed).await?;
        for (webhook, problem) in failed {
            self.postpone(webhook, &problem).await?;
        }
        Ok(webhooks.len())
    }

    /// Records the webhook's facts with their payment. A fact that is recorded already changes
    /// nothing.
    async fn process(&self, webhook: &ReceivedWebhook) -> Result<(), String> {
        let facts = self.provider.read(&webhook.body).await.map_err(|error| error.to_string())?;
        for (n, fact) in facts.into_iter().enumerate() {
            self.record(webhook, n, fact).await?;
        }
        Ok(())
    }

    /// Each attempt may read other facts from the provider, so each sends commands with new ids.
    async fn record(
        &self,
        webhook: &ReceivedWebhook,
        n: usize,
        WebhookFact { payment, fact }: WebhookFact,
    ) -> Result<(), String> {
        let namespace = Uuid::new_v5(&Uuid::NAMESPACE_OID, b"cartulary/inbox");
        let ReceivedWebhook { event_id, attempts, .. } = webhook;
        let key = format!("{}/{event_id}/{attempts}/{n}", self.provider.name());
        let context = Context::reaction("inbox", Uuid::new_v5(&namespace, key.as_bytes()), None);
        let record = RecordFact { payment, fact, policy: self.policy };
        match self.bus.execute(record, context).await {
            Ok(_) => Ok(()),
            Err(CommandError::Refused(Refusal::Payment(PaymentError::Missing))) => {
                Err("the payment is not known yet".to_owned())
            }
            Err(error) => Err(error.to_string()),
        }
    }

    async fn mark_processed(&self, event_ids: &[&str]) -> Result<(), sqlx::Error> {
        if event_ids.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "update inbox set processed_at = clock_timestamp(), problem = null
             where provider = $1 and event_id = any($2)",
        )
        .bind(self.provider.name())
        .bind(event_ids)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Records why the webhook could not be processed, and when it is tried again.
    async fn postpone(&self, webhook: &ReceivedWebhook, problem: &str) -> Result<(), sqlx::Error> {
        let ReceivedWebhook { event_id, attempts, overdue, .. } = webhook;
        if *overdue {
            tracing::error!(
                event_id,
                problem,
                "a webhook could not be processed for a day; it is tried again"
            );
        } else {
            tracing::warn!(
                event_id,
                problem,
                "a webhook cannot be processed yet; it is tried again"
            );
        }
        sqlx::query(
            "update inbox set problem = $3,
                 due_at = clock_timestamp() + make_interval(secs => $4)
             where provider = $1 and event_id = $2",
        )
        .bind(self.provider.name())
        .bind(event_id)
        .bind(problem)
        .bind(RETRIES.pause_after(attempts.unsigned_abs()).as_secs_f64())
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

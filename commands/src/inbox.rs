//! What payment providers tell us: verified, stored, answered, then processed.
//!
//! Facts may come twice, late, in any order, or before we know the payment they are about. The same
//! event is stored once; one that cannot be processed yet waits and is tried again.

use std::sync::Arc;
use std::time::Duration;

use domain::Refusal;
use domain::payment::PaymentError;
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::backoff::pause;
use crate::payment::{PaymentPolicy, RecordFact};
use crate::payments::{BadSignature, Provider, Told};
use crate::{Bus, CommandError, Context};

/// How often to look for what other nodes received or left behind.
const POLL: Duration = Duration::from_millis(500);

/// An event that waits longer for its payment is worth a look.
const ALARM_AFTER: &str = "24 hours";

#[derive(Debug, Clone)]
pub struct Inbox {
    pool: PgPool,
    bus: Bus,
    provider: Provider,
    policy: PaymentPolicy,
    arrived: Arc<Notify>,
}

#[derive(Debug, thiserror::Error)]
pub enum InboxError {
    #[error(transparent)]
    BadSignature(#[from] BadSignature),
    #[error("the event could not be stored: {0}")]
    Database(#[from] sqlx::Error),
}

/// A stored event, taken for processing.
#[derive(sqlx::FromRow)]
struct Letter {
    event_id: String,
    body: Vec<u8>,
    attempts: i32,
    overdue: bool,
}

impl Inbox {
    pub fn new(bus: Bus, provider: Provider, policy: PaymentPolicy) -> Inbox {
        Inbox { pool: bus.store().pool().clone(), bus, provider, policy, arrived: Arc::default() }
    }

    /// How many events have waited for their payment for longer than a day.
    pub async fn overdue(&self) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar(
            "select count(*) from inbox
             where processed_at is null and received_at < clock_timestamp() - $1::interval",
        )
        .bind(ALARM_AFTER)
        .fetch_one(&self.pool)
        .await
    }

    /// How many events are not processed yet.
    pub async fn waiting(&self) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar("select count(*) from inbox where processed_at is null")
            .fetch_one(&self.pool)
            .await
    }

    /// Stores a webhook. Once this has answered, the event will be processed, whatever happens.
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

    /// Processes what was stored until told to stop.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match self.process_due().await {
                Ok(0) => {}
                Ok(_) => continue,
                Err(error) => tracing::warn!(%error, "the inbox cannot be read"),
            }
            tokio::select! {
                () = self.arrived.notified() => {}
                () = tokio::time::sleep(POLL) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Takes what is due, so that no other node processes it at the same time.
    async fn process_due(&self) -> Result<usize, sqlx::Error> {
        let letters: Vec<Letter> = sqlx::query_as(
            "update inbox set attempts = attempts + 1,
                 due_at = clock_timestamp() + interval '30 seconds'
             where (provider, event_id) in (
                 select provider, event_id from inbox
                 where processed_at is null and provider = $1 and due_at <= clock_timestamp()
                 order by due_at limit 64 for update skip locked
             )
             returning event_id, body, attempts,
                 received_at < clock_timestamp() - $2::interval as overdue",
        )
        .bind(self.provider.name())
        .bind(ALARM_AFTER)
        .fetch_all(&self.pool)
        .await?;
        let results = letters.iter().map(|letter| self.process(letter));
        let results = futures::future::join_all(results).await;
        let (mut done, mut waiting) = (vec![], vec![]);
        for (letter, result) in letters.iter().zip(results) {
            match result {
                Ok(()) => done.push(letter.event_id.as_str()),
                Err(problem) => waiting.push((letter, problem)),
            }
        }
        self.put_away(&done).await?;
        for (letter, problem) in waiting {
            self.put_back(letter, &problem).await?;
        }
        Ok(letters.len())
    }

    /// Records the facts with their payment; the same ones twice change nothing.
    async fn process(&self, letter: &Letter) -> Result<(), String> {
        let told = self.provider.read(&letter.body).await.map_err(|error| error.to_string())?;
        for (n, told) in told.into_iter().enumerate() {
            self.record(letter, n, told).await?;
        }
        Ok(())
    }

    /// Facts are fetched anew at each attempt, so each attempt has commands of its own.
    async fn record(&self, letter: &Letter, n: usize, told: Told) -> Result<(), String> {
        let namespace = Uuid::new_v5(&Uuid::NAMESPACE_OID, b"cartulary/inbox");
        let Letter { event_id, attempts, .. } = letter;
        let key = format!("{}/{event_id}/{attempts}/{n}", self.provider.name());
        let context = Context::reaction("inbox", Uuid::new_v5(&namespace, key.as_bytes()), None);
        let record = RecordFact { payment: told.payment, fact: told.fact, policy: self.policy };
        match self.bus.execute(record, context).await {
            Ok(_) => Ok(()),
            Err(CommandError::Refused(Refusal::Payment(PaymentError::Missing))) => {
                Err("the payment is not known yet".to_owned())
            }
            Err(error) => Err(error.to_string()),
        }
    }

    async fn put_away(&self, event_ids: &[&str]) -> Result<(), sqlx::Error> {
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

    async fn put_back(&self, letter: &Letter, problem: &str) -> Result<(), sqlx::Error> {
        let Letter { event_id, attempts, overdue, .. } = letter;
        match overdue {
            true => tracing::error!(event_id, problem, "a webhook has waited for a day"),
            false => tracing::warn!(event_id, problem, "a webhook has to wait"),
        }
        let (first, most) = (Duration::from_millis(250), Duration::from_secs(300));
        sqlx::query(
            "update inbox set problem = $3,
                 due_at = clock_timestamp() + make_interval(secs => $4)
             where provider = $1 and event_id = $2",
        )
        .bind(self.provider.name())
        .bind(event_id)
        .bind(problem)
        .bind(pause(attempts.unsigned_abs(), first, most).as_secs_f64())
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

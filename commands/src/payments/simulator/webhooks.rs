//! Queues the simulated provider's webhooks, and delivers them over HTTP until they are
//! acknowledged.

use std::time::Duration;

use chrono::Utc;
use event_store::{Backoff, time_limits};
use futures::future::join_all;
use hyper::Request;
use hyper::body::Bytes;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::scenario::Scenario;
use super::{ProviderReport, Simulator, Webhook};
use crate::http_client::HttpClient;
use crate::payments::ProviderError;

/// As many webhooks are delivered at once.
const IDLE_CONNECTIONS_MAX: usize = 32;

/// How often this node looks for webhooks that another node queued or did not deliver.
const POLL: Duration = Duration::from_millis(500);

/// Pauses before a webhook that was not accepted is sent again.
const RETRIES: Backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(30));

impl Simulator {
    /// Delivers webhooks to the URL `endpoint` until `stop` is cancelled.
    pub async fn deliver(self, endpoint: String, stop: CancellationToken) {
        let client = HttpClient::new(IDLE_CONNECTIONS_MAX);
        while !stop.is_cancelled() {
            match self.deliver_due(&client, &endpoint).await {
                Ok(0) => {}
                Ok(_) => continue,
                Err(error) => {
                    tracing::warn!(%error, "queued webhooks cannot be read, trying again")
                }
            }
            tokio::select! {
                () = self.queued.notified() => {}
                () = tokio::time::sleep(POLL) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Delivers what is due, and returns how much that was. Each row is claimed first, so no other
    /// node delivers it at the same time.
    async fn deliver_due(&self, client: &HttpClient, endpoint: &str) -> Result<usize, sqlx::Error> {
        let due: Vec<(String, String, i32)> = sqlx::query_as(
            "update simulator.webhooks set attempts = attempts + 1,
                 due_at = clock_timestamp() + make_interval(secs => $1)
             where id in (
                 select id from simulator.webhooks where due_at <= clock_timestamp()
                 order by due_at limit 32 for update skip locked
             )
             returning id, body, attempts",
        )
        .bind(time_limits::SIMULATOR_WEBHOOK_CLAIM.as_secs_f64())
        .fetch_all(&self.pool)
        .await?;
        let posts = due.iter().map(|(_, body, _)| self.post(client, endpoint, body));
        let (mut delivered, mut failed) = (vec![], vec![]);
        for ((id, _, attempts), is_delivered) in due.iter().zip(join_all(posts).await) {
            if is_delivered {
                delivered.push(id.as_str());
            } else {
                failed.push((id.as_str(), *attempts));
            }
        }
        if !delivered.is_empty() {
            sqlx::query("delete from simulator.webhooks where id = any($1)")
                .bind(delivered)
                .execute(&self.pool)
                .await?;
        }
        for (id, attempts) in failed {
            self.postpone(id, attempts).await?;
        }
        Ok(due.len())
    }

    /// Whether the webhook was acknowledged.
    async fn post(&self, client: &HttpClient, endpoint: &str, body: &str) -> bool {
        let signature = self.signer.sign(body.as_bytes(), Utc::now());
        let request = Request::post(endpoint)
            .header("content-type", "application/json")
            .header("simulator-signature", signature)
            .body(Bytes::from(body.to_owned()));
        let request = match request {
            Ok(request) => request,
            Err(error) => {
                tracing::error!(%error, endpoint, "webhooks cannot be sent to this address");
                return false;
            }
        };
        match client.send(request, time_limits::SIMULATOR_WEBHOOK).await {
            Ok(response) if response.status().is_success() => true,
            Ok(response) => {
                tracing::warn!(status = %response.status(), "a webhook was not acknowledged and is sent again");
                false
            }
            Err(error) => {
                tracing::debug!(%error, "a webhook was not delivered and is sent again");
                false
            }
        }
    }

    async fn postpone(&self, id: &str, attempts: i32) -> Result<(), sqlx::Error> {
        let wait = RETRIES.pause_after(attempts.unsigned_abs());
        sqlx::query(
            "update simulator.webhooks
             set due_at = clock_timestamp() + make_interval(secs => $2) where id = $1",
        )
        .bind(id)
        .bind(wait.as_secs_f64())
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

/// The rows of webhooks to be queued, column by column.
pub(super) struct QueuedWebhooks {
    pub(super) rows: Vec<String>,
    pub(super) bodies: Vec<String>,
    /// Seconds from now.
    pub(super) after: Vec<f64>,
}

impl QueuedWebhooks {
    /// One webhook per report; in the scenario of duplicates three, the last under another event
    /// id.
    pub(super) fn new(
        scenario: Scenario,
        reports: Vec<(ProviderReport, Duration)>,
    ) -> Result<QueuedWebhooks, ProviderError> {
        let (mut rows, mut bodies, mut after) = (vec![], vec![], vec![]);
        for (data, wait) in reports {
            for (row, id) in copies(scenario) {
                let webhook = Webhook { id, data: data.clone() };
                let body = serde_json::to_string(&webhook)
                    .map_err(|error| ProviderError::NoAnswer(error.to_string()))?;
                rows.push(row);
                bodies.push(body);
                after.push(wait.as_secs_f64());
            }
        }
        Ok(QueuedWebhooks { rows, bodies, after })
    }
}

/// The ids of the rows that a webhook is queued as, each with its event id.
fn copies(scenario: Scenario) -> Vec<(String, String)> {
    let event = || format!("evt_{}", Uuid::now_v7().simple());
    let first = event();
    let mut copies = vec![(first.clone(), first.clone())];
    if scenario == Scenario::DuplicateWebhooks {
        let other = event();
        copies.extend([(format!("{first}_again"), first), (other.clone(), other)]);
    }
    copies
}

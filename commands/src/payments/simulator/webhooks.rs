//! Queues the simulated provider's webhooks, and delivers them over HTTP, again and again until they
//! are taken.

use std::time::Duration;

use chrono::Utc;
use futures::future::join_all;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::story::Story;
use super::{Report, Simulator, Webhook};
use crate::backoff::pause;
use crate::payments::ProviderError;

/// How long a delivery may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often to look for what another node queued, or left behind.
const POLL: Duration = Duration::from_millis(500);

impl Simulator {
    /// Delivers to this address until told to stop.
    pub async fn deliver(self, endpoint: String, stop: CancellationToken) {
        let client = match reqwest::Client::builder().timeout(PATIENCE).no_proxy().build() {
            Ok(client) => client,
            Err(error) => {
                tracing::error!(%error, "the simulated provider cannot deliver webhooks");
                return;
            }
        };
        while !stop.is_cancelled() {
            match self.deliver_due(&client, &endpoint).await {
                Ok(0) => {}
                Ok(_) => continue,
                Err(error) => tracing::warn!(%error, "webhooks cannot be read"),
            }
            tokio::select! {
                () = self.queued.notified() => {}
                () = tokio::time::sleep(POLL) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Takes what is due, so that no other node delivers it at the same time, and posts it.
    async fn deliver_due(
        &self,
        client: &reqwest::Client,
        endpoint: &str,
    ) -> Result<usize, sqlx::Error> {
        let due: Vec<(String, String, i32)> = sqlx::query_as(
            "update simulator.webhooks set attempts = attempts + 1,
                 due_at = clock_timestamp() + interval '15 seconds'
             where id in (
                 select id from simulator.webhooks where due_at <= clock_timestamp()
                 order by due_at limit 32 for update skip locked
             )
             returning id, body, attempts",
        )
        .fetch_all(&self.pool)
        .await?;
        let posts = due.iter().map(|(_, body, _)| self.post(client, endpoint, body));
        let (mut taken, mut refused) = (vec![], vec![]);
        for ((id, _, attempts), posted) in due.iter().zip(join_all(posts).await) {
            match posted {
                true => taken.push(id.as_str()),
                false => refused.push((id.as_str(), *attempts)),
            }
        }
        if !taken.is_empty() {
            sqlx::query("delete from simulator.webhooks where id = any($1)")
                .bind(taken)
                .execute(&self.pool)
                .await?;
        }
        for (id, attempts) in refused {
            self.put_off(id, attempts).await?;
        }
        Ok(due.len())
    }

    async fn post(&self, client: &reqwest::Client, endpoint: &str, body: &str) -> bool {
        let signature = self.signer.sign(body.as_bytes(), Utc::now());
        let request = client
            .post(endpoint)
            .header("content-type", "application/json")
            .header("simulator-signature", signature)
            .body(body.to_owned());
        match request.send().await {
            Ok(response) if response.status().is_success() => true,
            Ok(response) => {
                tracing::warn!(status = %response.status(), "a webhook was refused");
                false
            }
            Err(error) => {
                tracing::debug!(%error, "a webhook was not delivered");
                false
            }
        }
    }

    async fn put_off(&self, id: &str, attempts: i32) -> Result<(), sqlx::Error> {
        let (first, most) = (Duration::from_millis(200), Duration::from_secs(30));
        let wait = pause(attempts.unsigned_abs(), first, most);
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

/// Webhooks to be queued, column by column.
pub(super) struct Announcements {
    pub(super) rows: Vec<String>,
    pub(super) bodies: Vec<String>,
    /// In seconds from now.
    pub(super) after: Vec<f64>,
}

impl Announcements {
    /// Each report once; where the story says so, twice, and once more under another id.
    pub(super) fn new(
        story: Story,
        told: Vec<(Report, Duration)>,
    ) -> Result<Announcements, ProviderError> {
        let (mut rows, mut bodies, mut after) = (vec![], vec![], vec![]);
        for (data, wait) in told {
            for (row, id) in copies(story) {
                let webhook = Webhook { id, data: data.clone() };
                let body = serde_json::to_string(&webhook)
                    .map_err(|error| ProviderError::NoAnswer(error.to_string()))?;
                rows.push(row);
                bodies.push(body);
                after.push(wait.as_secs_f64());
            }
        }
        Ok(Announcements { rows, bodies, after })
    }
}

/// The rows that a webhook is queued as, with the id it is known by.
fn copies(story: Story) -> Vec<(String, String)> {
    let event = || format!("evt_{}", Uuid::now_v7().simple());
    let first = event();
    let mut copies = vec![(first.clone(), first.clone())];
    if story == Story::DuplicateWebhooks {
        let other = event();
        copies.extend([(format!("{first}_again"), first), (other.clone(), other)]);
    }
    copies
}

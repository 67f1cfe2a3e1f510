//! Delivers the simulated provider's webhooks over HTTP, again and again until they are taken.

use std::time::Duration;

use chrono::Utc;
use tokio_util::sync::CancellationToken;

use super::Simulator;
use crate::backoff::pause;

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
        let posts = due.iter().map(|(id, body, attempts)| async move {
            let taken = self.post(client, endpoint, body).await;
            self.settle(id, *attempts, taken).await
        });
        for posted in futures::future::join_all(posts).await {
            posted?;
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

    async fn settle(&self, id: &str, attempts: i32, taken: bool) -> Result<(), sqlx::Error> {
        let query = if taken {
            sqlx::query("delete from simulator.webhooks where id = $1").bind(id)
        } else {
            let (first, most) = (Duration::from_millis(200), Duration::from_secs(30));
            let wait = pause(attempts.unsigned_abs(), first, most);
            sqlx::query(
                "update simulator.webhooks
                 set due_at = clock_timestamp() + make_interval(secs => $2) where id = $1",
            )
            .bind(id)
            .bind(wait.as_secs_f64())
        };
        query.execute(&self.pool).await.map(|_| ())
    }
}

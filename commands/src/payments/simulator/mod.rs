//! The simulated payment provider, for development and tests.
//!
//! It behaves like a real one: it has identifiers and books of its own, honours idempotency keys,
//! and reports by signed webhooks over HTTP. The payment token chooses the story.

mod books;
mod story;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use domain::payment::{Call, Fact, MoneyRequest, PaymentDetails};
use domain::{Money, PaymentId};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use tokio::sync::Notify;

use self::story::Story;
use super::{BadSignature, Gibberish, ProviderError, Signer, Told};

#[derive(Debug, Clone)]
pub struct Simulator {
    pool: PgPool,
    signer: Signer,
    /// Something is to be delivered.
    queued: Arc<Notify>,
    /// Later than any reservation ends.
    late: Duration,
}

/// A fact as the provider words it, in answers and in webhooks alike.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Report {
    #[serde(rename = "type")]
    kind: ReportKind,
    /// The provider's id of the payment.
    intent: String,
    /// Ours, from the intent's metadata.
    payment_id: PaymentId,
    /// Cumulative for the object, in minor units.
    amount: Option<Money>,
    /// The charge or refund it is about.
    object: Option<String>,
    /// The number of our request, from the metadata.
    request: Option<u32>,
    reason: Option<String>,
    /// Where the customer has to go.
    url: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum ReportKind {
    #[serde(rename = "intent.processing")]
    Processing,
    #[serde(rename = "intent.action_required")]
    ActionRequired,
    #[serde(rename = "intent.authorized")]
    Authorized,
    #[serde(rename = "intent.captured")]
    Captured,
    #[serde(rename = "intent.cancelled")]
    Cancelled,
    #[serde(rename = "intent.failed")]
    Failed,
    #[serde(rename = "refund.succeeded")]
    Refunded,
    #[serde(rename = "dispute.opened")]
    DisputeOpened,
    #[serde(rename = "dispute.won")]
    DisputeWon,
    #[serde(rename = "dispute.lost")]
    DisputeLost,
}

/// The envelope of a webhook.
#[derive(Debug, Serialize, Deserialize)]
struct Webhook {
    id: String,
    data: Report,
}

impl Simulator {
    /// `late` is how long after its beginning a payment comes too late.
    pub fn new(pool: PgPool, signer: Signer, late: Duration) -> Simulator {
        Simulator { pool, signer, queued: Arc::default(), late }
    }

    pub(super) async fn ask(
        &self,
        payment: PaymentId,
        attempt: &PaymentDetails,
        call: Call,
    ) -> Result<Vec<Fact>, ProviderError> {
        let amount_of =
            |request: Option<&MoneyRequest>| request.map_or(0, |request| request.amount);
        let report = match call {
            Call::Create => self.create(payment, attempt).await?,
            Call::Capture(request) => {
                let amount = amount_of(attempt.capture_requests.get(&request));
                self.take(payment, request, amount).await?
            }
            Call::Void => self.let_go(payment).await?,
            Call::Refund(request) => {
                let amount = amount_of(attempt.refund_requests.get(&request));
                self.give_back(payment, request, amount).await?
            }
        };
        self.queued.notify_one();
        Ok(vec![report.fact()])
    }

    async fn create(
        &self,
        payment: PaymentId,
        attempt: &PaymentDetails,
    ) -> Result<Report, ProviderError> {
        let Some(story) = Story::of(&attempt.source) else {
            return Err(ProviderError::Refused(format!("no such token: {}", attempt.source)));
        };
        if story == Story::Silent {
            return Err(silence());
        }
        let (first_time, report) = self.open_intent(payment, attempt, story).await?;
        if story == Story::Timeout && first_time {
            self.queued.notify_one();
            std::future::pending::<()>().await;
        }
        Ok(report)
    }

    pub(super) async fn look_up(
        &self,
        payment: PaymentId,
        attempt: &PaymentDetails,
    ) -> Result<Vec<Fact>, ProviderError> {
        if Story::of(&attempt.source) == Some(Story::Silent) {
            return Err(silence());
        }
        let reports = self.known_of(payment).await?;
        Ok(reports.iter().map(Report::fact).collect())
    }

    pub(super) fn client_secret(&self, reference: &str) -> String {
        format!("{reference}_secret_simulated")
    }

    pub(super) fn verify(&self, signature: &str, body: &[u8]) -> Result<String, BadSignature> {
        self.signer.verify(signature, body, Utc::now())?;
        let webhook: Webhook = serde_json::from_slice(body).map_err(|_| BadSignature)?;
        Ok(webhook.id)
    }

    pub(super) fn read(&self, body: &[u8]) -> Result<Option<Told>, Gibberish> {
        let webhook: Webhook =
            serde_json::from_slice(body).map_err(|error| Gibberish(error.to_string()))?;
        Ok(Some(Told { payment: webhook.data.payment_id, fact: webhook.data.fact() }))
    }
}

impl Report {
    fn fact(&self) -> Fact {
        let reference = self.intent.clone();
        let object = self.object.clone().unwrap_or_else(|| reference.clone());
        let reason = self.reason.clone().unwrap_or_else(|| "unknown".to_owned());
        match (self.kind, self.amount) {
            (ReportKind::Authorized, Some(amount)) => {
                Fact::Authorized { reference, amount, expires_at: None }
            }
            (ReportKind::Captured, Some(amount)) => {
                Fact::Captured { object, amount, request: self.request }
            }
            (ReportKind::Refunded, Some(amount)) => {
                Fact::Refunded { object, amount, request: self.request }
            }
            (ReportKind::DisputeOpened, Some(amount)) => Fact::DisputeOpened { object, amount },
            (ReportKind::DisputeWon, _) => Fact::DisputeWon { object },
            (ReportKind::DisputeLost, _) => Fact::DisputeLost { object },
            (ReportKind::ActionRequired, _) => {
                Fact::ActionRequired { reference, url: self.url.clone() }
            }
            (ReportKind::Cancelled, _) => Fact::Cancelled,
            (ReportKind::Failed, _) => Fact::Failed { reason },
            _ => Fact::Processing { reference },
        }
    }
}

fn silence() -> ProviderError {
    ProviderError::NoAnswer("silence".to_owned())
}

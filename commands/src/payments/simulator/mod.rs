//! The simulated payment provider, for development and tests.
//!
//! It behaves like a real one: it has its own ids and records, honours idempotency keys, and sends
//! signed webhooks over HTTP. The payment's token chooses the scenario.

mod records;
mod scenario;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use domain::payment::{Call, Fact, MoneyRequest, PaymentDetails};
use domain::{Money, PaymentId};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use tokio::sync::Notify;

use self::scenario::Scenario;
use super::{BadSignature, MalformedWebhook, ProviderError, Signer, WebhookFact};

/// A payment provider inside this program. The clones share its records.
#[derive(Debug, Clone)]
pub struct Simulator {
    pool: PgPool,
    signer: Signer,
    /// Notified when a webhook was queued.
    queued: Arc<Notify>,
    /// After this time a late authorisation arrives: every reservation has expired by then.
    late: Duration,
}

/// A fact in the provider's format, in answers and in webhooks alike.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct ProviderReport {
    #[serde(rename = "type")]
    kind: ReportKind,
    /// The provider's id of the payment.
    intent: String,
    /// The shop's id of the payment, from the intent's metadata.
    payment_id: PaymentId,
    /// The total of the object so far, not what this report adds.
    amount: Option<Money>,
    /// The charge, refund or dispute that the report is about.
    object: Option<String>,
    /// The number of the shop's capture or refund request, from the metadata.
    request: Option<u32>,
    reason: Option<String>,
    /// The page on which the customer has to act.
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
    data: ProviderReport,
}

impl Simulator {
    /// `late` is the time after which a late authorisation arrives, counted from the payment's
    /// start; choose it longer than any reservation lasts.
    pub fn new(pool: PgPool, signer: Signer, late: Duration) -> Simulator {
        Simulator { pool, signer, queued: Arc::default(), late }
    }

    pub(super) async fn ask(
        &self,
        payment: PaymentId,
        details: &PaymentDetails,
        call: Call,
    ) -> Result<Vec<Fact>, ProviderError> {
        let amount_of =
            |request: Option<&MoneyRequest>| request.map_or(0, |request| request.amount);
        let report = match call {
            Call::Create => self.create(payment, details).await?,
            Call::Capture(request) => {
                let amount = amount_of(details.capture_requests.get(&request));
                self.capture(payment, request, amount).await?
            }
            Call::Void => self.void(payment).await?,
            Call::Refund(request) => {
                let amount = amount_of(details.refund_requests.get(&request));
                self.refund(payment, request, amount).await?
            }
        };
        self.queued.notify_one();
        Ok(vec![report.fact()])
    }

    async fn create(
        &self,
        payment: PaymentId,
        details: &PaymentDetails,
    ) -> Result<ProviderReport, ProviderError> {
        let Some(scenario) = Scenario::from_token(&details.source) else {
            return Err(ProviderError::Refused(format!("no such token: {}", details.source)));
        };
        if scenario == Scenario::Silent {
            return Err(silence());
        }
        let (first_time, report) = self.open_intent(payment, details, scenario).await?;
        if scenario == Scenario::Timeout && first_time {
            self.queued.notify_one();
            std::future::pending::<()>().await;
        }
        Ok(report)
    }

    pub(super) async fn look_up(
        &self,
        payment: PaymentId,
        details: &PaymentDetails,
    ) -> Result<Vec<Fact>, ProviderError> {
        if Scenario::from_token(&details.source) == Some(Scenario::Silent) {
            return Err(silence());
        }
        let reports = self.reports_of(payment).await?;
        Ok(reports.iter().map(ProviderReport::fact).collect())
    }

    pub(super) fn client_secret(&self, reference: &str) -> String {
        format!("{reference}_secret_simulated")
    }

    pub(super) fn verify(&self, signature: &str, body: &[u8]) -> Result<String, BadSignature> {
        self.signer.verify(signature, body, Utc::now())?;
        let webhook: Webhook = serde_json::from_slice(body).map_err(|_| BadSignature)?;
        Ok(webhook.id)
    }

    pub(super) fn read(&self, body: &[u8]) -> Result<Option<WebhookFact>, MalformedWebhook> {
        let webhook: Webhook =
            serde_json::from_slice(body).map_err(|error| MalformedWebhook(error.to_string()))?;
        Ok(Some(WebhookFact { payment: webhook.data.payment_id, fact: webhook.data.fact() }))
    }
}

impl ProviderReport {
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

//! The simulated provider's records: one intent per payment, with the answer given under each
//! idempotency key.
//!
//! An intent is read, changed and written back, together with its webhooks. If another request has
//! written it in between, it is read and changed again.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::payment::PaymentDetails;
use domain::{Money, PaymentId};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;

use super::scenario::{Scenario, ScheduledReport};
use super::webhooks::QueuedWebhooks;
use super::{ProviderReport, ReportKind, Simulator};
use crate::payments::ProviderError;

#[derive(Debug, Serialize, Deserialize)]
struct IntentRecord {
    id: String,
    payment_id: PaymentId,
    #[serde(rename = "story")]
    scenario: Scenario,
    /// What was authorised.
    amount: Money,
    status: IntentStatus,
    /// The sum of all captures, in minor units.
    captured: i64,
    /// The answer given under each idempotency key.
    answers: BTreeMap<String, ProviderReport>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum IntentStatus {
    Authorized,
    Failed,
    Cancelled,
}

/// The answer to a request, and the webhooks to be sent after it.
type IntentChange = (ProviderReport, Vec<(ProviderReport, Duration)>);

impl From<sqlx::Error> for ProviderError {
    fn from(error: sqlx::Error) -> Self {
        ProviderError::NoAnswer(error.to_string())
    }
}

impl Simulator {
    /// Creates the intent, unless there is one. Returns whether it is new, and the answer.
    pub(super) async fn open_intent(
        &self,
        payment: PaymentId,
        details: &PaymentDetails,
        scenario: Scenario,
    ) -> Result<(bool, ProviderReport), ProviderError> {
        let mut intent = IntentRecord::new(payment, details, scenario);
        let answer = intent.report(scenario.answer());
        intent.answers.insert("create".to_owned(), answer.clone());
        let webhooks = intent.reports(scenario.webhooks_after_create(self.late));
        if self.write(&intent, 0, webhooks).await? {
            return Ok((true, answer));
        }
        let (known, _) = self.find(payment).await?;
        Ok((false, known.answers.get("create").cloned().unwrap_or(answer)))
    }

    pub(super) async fn capture(
        &self,
        payment: PaymentId,
        request: u32,
        amount: i64,
    ) -> Result<ProviderReport, ProviderError> {
        let key = format!("capture/{request}");
        self.change(payment, key, |intent| intent.capture(request, amount)).await
    }

    pub(super) async fn void(&self, payment: PaymentId) -> Result<ProviderReport, ProviderError> {
        self.change(payment, "cancel".to_owned(), IntentRecord::void).await
    }

    pub(super) async fn refund(
        &self,
        payment: PaymentId,
        request: u32,
        amount: i64,
    ) -> Result<ProviderReport, ProviderError> {
        let key = format!("refund/{request}");
        self.change(payment, key, |intent| intent.refund(request, amount)).await
    }

    /// Everything recorded of a payment: the status of its intent, and every answer about it. Empty
    /// if there is no intent.
    pub(super) async fn reports_of(
        &self,
        payment: PaymentId,
    ) -> Result<Vec<ProviderReport>, ProviderError> {
        let intent = match self.find(payment).await {
            Ok((intent, _)) => intent,
            Err(ProviderError::Refused(_)) => return Ok(vec![]),
            Err(error) => return Err(error),
        };
        let status = match intent.status {
            IntentStatus::Failed => ReportKind::Failed,
            IntentStatus::Cancelled => ReportKind::Cancelled,
            IntentStatus::Authorized => ReportKind::Authorized,
        };
        let mut reports = vec![intent.report(status)];
        reports.extend(intent.answers.into_values());
        Ok(reports)
    }

    /// Changes the intent once per idempotency key; the same key gets the same answer. A refusal is
    /// not recorded.
    async fn change(
        &self,
        payment: PaymentId,
        key: String,
        change: impl Fn(&mut IntentRecord) -> Result<IntentChange, ProviderError>,
    ) -> Result<ProviderReport, ProviderError> {
        loop {
            let (mut intent, revision) = self.find(payment).await?;
            if let Some(answer) = intent.answers.get(&key) {
                return Ok(answer.clone());
            }
            let (answer, webhooks) = change(&mut intent)?;
            intent.answers.insert(key.clone(), answer.clone());
            if self.write(&intent, revision, webhooks).await? {
                return Ok(answer);
            }
        }
    }

    /// The intent, and the revision of its row.
    async fn find(&self, payment: PaymentId) -> Result<(IntentRecord, i32), ProviderError> {
        let found: Option<(Json<IntentRecord>, i32)> =
            sqlx::query_as("select intent, revision from simulator.intents where payment_id = $1")
                .bind(payment.0)
                .fetch_optional(&self.pool)
                .await?;
        let (Json(intent), revision) =
            found.ok_or_else(|| ProviderError::Refused("no such intent".to_owned()))?;
        Ok((intent, revision))
    }

    /// Writes the intent and queues its webhooks. Returns `false`, having written nothing, if the
    /// row is no longer at this revision. The revision of a new intent is 0.
    async fn write(
        &self,
        intent: &IntentRecord,
        revision: i32,
        webhooks: Vec<(ProviderReport, Duration)>,
    ) -> Result<bool, ProviderError> {
        let QueuedWebhooks { rows, bodies, after } =
            QueuedWebhooks::new(intent.scenario, webhooks)?;
        let written: bool = sqlx::query_scalar(
            "with written as (
                 insert into simulator.intents (payment_id, revision, intent)
                 values ($1, $2 + 1, $3)
                 on conflict on constraint intents_payment do update
                     set revision = excluded.revision, intent = excluded.intent
                     where intents.revision = $2
                 returning payment_id
             ), queued as (
                 insert into simulator.webhooks (id, body, due_at)
                 select id, body, clock_timestamp() + make_interval(secs => after)
                 from written, unnest($4::text[], $5::text[], $6::float8[]) as webhook (id, body, after)
             )
             select exists (select from written)",
        )
        .bind(intent.payment_id.0)
        .bind(revision)
        .bind(Json(intent))
        .bind(rows)
        .bind(bodies)
        .bind(after)
        .fetch_one(&self.pool)
        .await?;
        Ok(written)
    }
}

impl IntentRecord {
    fn new(payment_id: PaymentId, details: &PaymentDetails, scenario: Scenario) -> IntentRecord {
        let authorized = details.amount.amount - i64::from(scenario == Scenario::WrongAmount);
        let is_declined = scenario == Scenario::Declined;
        IntentRecord {
            id: format!("pi_{}", payment_id.0.simple()),
            payment_id,
            scenario,
            amount: details.money(authorized),
            status: if is_declined { IntentStatus::Failed } else { IntentStatus::Authorized },
            captured: if scenario.captures_at_once() { authorized } else { 0 },
            answers: BTreeMap::new(),
        }
    }

    fn capture(&mut self, request: u32, amount: i64) -> Result<IntentChange, ProviderError> {
        if self.scenario == Scenario::CaptureFails {
            return Err(ProviderError::Refused("capture_declined".to_owned()));
        }
        if self.status != IntentStatus::Authorized || self.captured + amount > self.amount.amount {
            let reason = format!("the intent is {:?}", self.status).to_lowercase();
            return Err(ProviderError::Refused(reason));
        }
        self.captured += amount;
        let report = ProviderReport {
            amount: Some(Money::new(self.captured, self.amount.currency)),
            request: Some(request),
            ..self.report(ReportKind::Captured)
        };
        Ok((report.clone(), vec![(report, Duration::ZERO)]))
    }

    fn void(&mut self) -> Result<IntentChange, ProviderError> {
        if self.captured >= self.amount.amount {
            return Err(ProviderError::Refused("all of it was captured".to_owned()));
        }
        self.status = IntentStatus::Cancelled;
        let report = self.report(ReportKind::Cancelled);
        Ok((report.clone(), vec![(report, Duration::ZERO)]))
    }

    fn refund(&mut self, request: u32, amount: i64) -> Result<IntentChange, ProviderError> {
        if self.scenario == Scenario::RefundFails {
            return Err(ProviderError::Refused("refund_declined".to_owned()));
        }
        if self.refunded() + amount > self.captured {
            return Err(ProviderError::Refused("more than was captured".to_owned()));
        }
        let report = ProviderReport {
            amount: Some(Money::new(amount, self.amount.currency)),
            object: Some(format!("re_{}_{request}", self.payment_id.0.simple())),
            request: Some(request),
            ..self.report(ReportKind::Refunded)
        };
        let mut webhooks = vec![(report.clone(), Duration::ZERO)];
        webhooks.extend(self.reports(self.scenario.webhooks_after_refund()));
        Ok((report, webhooks))
    }

    /// The sum of all refunds, in minor units.
    fn refunded(&self) -> i64 {
        let refunds = self.answers.values().filter(|answer| answer.kind == ReportKind::Refunded);
        refunds.filter_map(|refund| refund.amount).map(|money| money.amount).sum()
    }

    fn reports(&self, scheduled: Vec<ScheduledReport>) -> Vec<(ProviderReport, Duration)> {
        scheduled.into_iter().map(|(kind, after)| (self.report(kind), after)).collect()
    }

    fn report(&self, kind: ReportKind) -> ProviderReport {
        let object = |prefix| Some(self.id.replacen("pi_", prefix, 1));
        ProviderReport {
            kind,
            intent: self.id.clone(),
            payment_id: self.payment_id,
            amount: Some(self.amount),
            object: match kind {
                ReportKind::Captured => object("ch_"),
                ReportKind::DisputeOpened | ReportKind::DisputeLost => object("dp_"),
                _ => None,
            },
            request: None,
            reason: (kind == ReportKind::Failed).then(|| "card_declined".to_owned()),
            url: (kind == ReportKind::ActionRequired)
                .then(|| format!("https://bank.example/confirm/{}", self.id)),
        }
    }
}

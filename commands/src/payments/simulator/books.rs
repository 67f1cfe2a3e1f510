//! The simulated provider's books: an intent for each payment, with the answer given under each
//! idempotency key.
//!
//! An intent is read, changed and written back, together with the webhooks that tell of it, unless
//! somebody else has written it meanwhile; then it is read again.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::payment::PaymentDetails;
use domain::{Money, PaymentId};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;

use super::story::{Announcement, Story};
use super::webhooks::Announcements;
use super::{Report, ReportKind, Simulator};
use crate::payments::ProviderError;

#[derive(Debug, Serialize, Deserialize)]
struct Intent {
    id: String,
    payment_id: PaymentId,
    story: Story,
    amount: Money,
    status: Status,
    /// In minor units, as are all captures together.
    captured: i64,
    /// By idempotency key.
    answers: BTreeMap<String, Report>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Authorized,
    Failed,
    Cancelled,
}

/// What a request comes to: its answer, and what is told by webhook.
type Outcome = (Report, Vec<(Report, Duration)>);

impl From<sqlx::Error> for ProviderError {
    fn from(error: sqlx::Error) -> Self {
        ProviderError::NoAnswer(error.to_string())
    }
}

impl Simulator {
    /// The answer, and whether it was given for the first time.
    pub(super) async fn open_intent(
        &self,
        payment: PaymentId,
        attempt: &PaymentDetails,
        story: Story,
    ) -> Result<(bool, Report), ProviderError> {
        let mut intent = Intent::new(payment, attempt, story);
        let answer = intent.report(story.answer());
        intent.answers.insert("create".to_owned(), answer.clone());
        let told = intent.reports(story.opening(self.late));
        if self.write(&intent, 0, told).await? {
            return Ok((true, answer));
        }
        let (known, _) = self.find(payment).await?;
        Ok((false, known.answers.get("create").cloned().unwrap_or(answer)))
    }

    pub(super) async fn take(
        &self,
        payment: PaymentId,
        request: u32,
        amount: i64,
    ) -> Result<Report, ProviderError> {
        let key = format!("capture/{request}");
        self.change(payment, key, |intent| intent.take(request, amount)).await
    }

    pub(super) async fn let_go(&self, payment: PaymentId) -> Result<Report, ProviderError> {
        self.change(payment, "cancel".to_owned(), Intent::let_go).await
    }

    pub(super) async fn give_back(
        &self,
        payment: PaymentId,
        request: u32,
        amount: i64,
    ) -> Result<Report, ProviderError> {
        let key = format!("refund/{request}");
        self.change(payment, key, |intent| intent.give_back(request, amount)).await
    }

    /// What the books say of a payment: how its intent stands, and all that was answered about it.
    pub(super) async fn known_of(&self, payment: PaymentId) -> Result<Vec<Report>, ProviderError> {
        let intent = match self.find(payment).await {
            Ok((intent, _)) => intent,
            Err(ProviderError::Refused(_)) => return Ok(vec![]),
            Err(error) => return Err(error),
        };
        let standing = match intent.status {
            Status::Failed => ReportKind::Failed,
            Status::Cancelled => ReportKind::Cancelled,
            Status::Authorized => ReportKind::Authorized,
        };
        let mut reports = vec![intent.report(standing)];
        reports.extend(intent.answers.into_values());
        Ok(reports)
    }

    /// Answers under an idempotency key. What is refused is not remembered.
    async fn change(
        &self,
        payment: PaymentId,
        key: String,
        change: impl Fn(&mut Intent) -> Result<Outcome, ProviderError>,
    ) -> Result<Report, ProviderError> {
        loop {
            let (mut intent, revision) = self.find(payment).await?;
            if let Some(answer) = intent.answers.get(&key) {
                return Ok(answer.clone());
            }
            let (answer, told) = change(&mut intent)?;
            intent.answers.insert(key.clone(), answer.clone());
            if self.write(&intent, revision, told).await? {
                return Ok(answer);
            }
        }
    }

    async fn find(&self, payment: PaymentId) -> Result<(Intent, i32), ProviderError> {
        let found: Option<(Json<Intent>, i32)> =
            sqlx::query_as("select intent, revision from simulator.intents where payment_id = $1")
                .bind(payment.0)
                .fetch_optional(&self.pool)
                .await?;
        let (Json(intent), revision) =
            found.ok_or_else(|| ProviderError::Refused("no such intent".to_owned()))?;
        Ok((intent, revision))
    }

    /// Whether nobody has written since this revision was read; 0 is an intent that is new.
    async fn write(
        &self,
        intent: &Intent,
        revision: i32,
        told: Vec<(Report, Duration)>,
    ) -> Result<bool, ProviderError> {
        let Announcements { rows, bodies, after } = Announcements::new(intent.story, told)?;
        let written: bool = sqlx::query_scalar(
            "with written as (
                 insert into simulator.intents (payment_id, revision, intent)
                 values ($1, $2 + 1, $3)
                 on conflict on constraint intents_payment do update
                     set revision = excluded.revision, intent = excluded.intent
                     where intents.revision = $2
                 returning payment_id
             ), told as (
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

impl Intent {
    fn new(payment_id: PaymentId, attempt: &PaymentDetails, story: Story) -> Intent {
        let authorized = attempt.amount.amount - i64::from(story == Story::WrongAmount);
        Intent {
            id: format!("pi_{}", payment_id.0.simple()),
            payment_id,
            story,
            amount: attempt.money(authorized),
            status: if story == Story::Declined { Status::Failed } else { Status::Authorized },
            captured: if story.takes_at_once() { authorized } else { 0 },
            answers: BTreeMap::new(),
        }
    }

    fn take(&mut self, request: u32, amount: i64) -> Result<Outcome, ProviderError> {
        if self.story == Story::CaptureFails {
            return Err(ProviderError::Refused("capture_declined".to_owned()));
        }
        if self.status != Status::Authorized || self.captured + amount > self.amount.amount {
            let reason = format!("the intent is {:?}", self.status).to_lowercase();
            return Err(ProviderError::Refused(reason));
        }
        self.captured += amount;
        let report = Report {
            amount: Some(Money::new(self.captured, self.amount.currency)),
            request: Some(request),
            ..self.report(ReportKind::Captured)
        };
        Ok((report.clone(), vec![(report, Duration::ZERO)]))
    }

    fn let_go(&mut self) -> Result<Outcome, ProviderError> {
        if self.captured >= self.amount.amount {
            return Err(ProviderError::Refused("all of it was captured".to_owned()));
        }
        self.status = Status::Cancelled;
        let report = self.report(ReportKind::Cancelled);
        Ok((report.clone(), vec![(report, Duration::ZERO)]))
    }

    fn give_back(&mut self, request: u32, amount: i64) -> Result<Outcome, ProviderError> {
        if self.story == Story::RefundFails {
            return Err(ProviderError::Refused("refund_declined".to_owned()));
        }
        if self.refunded() + amount > self.captured {
            return Err(ProviderError::Refused("more than was captured".to_owned()));
        }
        let report = Report {
            amount: Some(Money::new(amount, self.amount.currency)),
            object: Some(format!("re_{}_{request}", self.payment_id.0.simple())),
            request: Some(request),
            ..self.report(ReportKind::Refunded)
        };
        let mut told = vec![(report.clone(), Duration::ZERO)];
        told.extend(self.reports(self.story.after_a_refund()));
        Ok((report, told))
    }

    /// What went back so far, in minor units.
    fn refunded(&self) -> i64 {
        let refunds = self.answers.values().filter(|answer| answer.kind == ReportKind::Refunded);
        refunds.filter_map(|refund| refund.amount).map(|money| money.amount).sum()
    }

    fn reports(&self, announcements: Vec<Announcement>) -> Vec<(Report, Duration)> {
        announcements.into_iter().map(|(kind, after)| (self.report(kind), after)).collect()
    }

    fn report(&self, kind: ReportKind) -> Report {
        let object = |prefix| Some(self.id.replacen("pi_", prefix, 1));
        Report {
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

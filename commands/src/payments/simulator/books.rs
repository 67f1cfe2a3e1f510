//! The simulated provider's books: intents, and the answer given under each idempotency key.

use std::time::Duration;

use domain::payment::Attempt;
use domain::{Money, PaymentId};
use sqlx::types::Json;
use sqlx::{PgConnection, Row};

use super::story::Story;
use super::webhooks::announce;
use super::{Report, ReportKind, Simulator};
use crate::payments::ProviderError;

struct Intent {
    id: String,
    amount: Money,
    status: String,
    captured: i64,
    story: Story,
}

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
        attempt: &Attempt,
        story: Story,
    ) -> Result<(bool, Report), ProviderError> {
        let key = format!("{payment}/create");
        let mut books = self.pool.begin().await?;
        if let Some(report) = known_answer(&mut books, &key).await? {
            return Ok((false, report));
        }
        let authorized = attempt.amount.amount - i64::from(story == Story::WrongAmount);
        let intent = Intent {
            id: format!("pi_{}", payment.0.simple()),
            amount: attempt.money(authorized),
            status: if story == Story::Declined { "failed" } else { "authorized" }.to_owned(),
            captured: if story.takes_at_once() { authorized } else { 0 },
            story,
        };
        sqlx::query(
            "insert into simulator.intents
                 (id, payment_id, token, amount, currency, status, captured)
             values ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&intent.id)
        .bind(payment.0)
        .bind(&attempt.source)
        .bind(intent.amount.amount)
        .bind(intent.amount.currency.code())
        .bind(&intent.status)
        .bind(intent.captured)
        .execute(&mut *books)
        .await?;
        for (kind, after) in story.opening(self.late) {
            announce(&mut books, story, &intent.report(payment, kind), after).await?;
        }
        let answer = intent.report(payment, story.answer());
        remember(&mut books, &key, &answer).await?;
        books.commit().await?;
        Ok((true, answer))
    }

    pub(super) async fn take(
        &self,
        payment: PaymentId,
        request: u32,
        amount: i64,
    ) -> Result<Report, ProviderError> {
        let key = format!("{payment}/capture/{request}");
        let mut books = self.pool.begin().await?;
        if let Some(report) = known_answer(&mut books, &key).await? {
            return Ok(report);
        }
        let intent = find_intent(&mut books, payment).await?;
        let captured = intent.captured + amount;
        if intent.story == Story::CaptureFails {
            return Err(ProviderError::Refused("capture_declined".to_owned()));
        }
        if intent.status != "authorized" || captured > intent.amount.amount {
            return Err(ProviderError::Refused(format!("the intent is {}", intent.status)));
        }
        sqlx::query("update simulator.intents set captured = $2 where id = $1")
            .bind(&intent.id)
            .bind(captured)
            .execute(&mut *books)
            .await?;
        let report = Report {
            amount: Some(Money::new(captured, intent.amount.currency)),
            request: Some(request),
            ..intent.report(payment, ReportKind::Captured)
        };
        announce(&mut books, intent.story, &report, Duration::ZERO).await?;
        remember(&mut books, &key, &report).await?;
        books.commit().await?;
        Ok(report)
    }

    pub(super) async fn let_go(&self, payment: PaymentId) -> Result<Report, ProviderError> {
        let mut books = self.pool.begin().await?;
        let intent = find_intent(&mut books, payment).await?;
        let report = intent.report(payment, ReportKind::Cancelled);
        if intent.status == "cancelled" {
            return Ok(report);
        }
        if intent.captured >= intent.amount.amount {
            return Err(ProviderError::Refused("all of it was captured".to_owned()));
        }
        sqlx::query("update simulator.intents set status = 'cancelled' where id = $1")
            .bind(&intent.id)
            .execute(&mut *books)
            .await?;
        announce(&mut books, intent.story, &report, Duration::ZERO).await?;
        books.commit().await?;
        Ok(report)
    }

    pub(super) async fn give_back(
        &self,
        payment: PaymentId,
        request: u32,
        amount: i64,
    ) -> Result<Report, ProviderError> {
        let key = format!("{payment}/refund/{request}");
        let mut books = self.pool.begin().await?;
        if let Some(report) = known_answer(&mut books, &key).await? {
            return Ok(report);
        }
        let intent = find_intent(&mut books, payment).await?;
        if intent.story == Story::RefundFails {
            return Err(ProviderError::Refused("refund_declined".to_owned()));
        }
        if refunded(&mut books, payment).await? + amount > intent.captured {
            return Err(ProviderError::Refused("more than was captured".to_owned()));
        }
        let report = Report {
            amount: Some(Money::new(amount, intent.amount.currency)),
            object: Some(format!("re_{}_{request}", payment.0.simple())),
            request: Some(request),
            ..intent.report(payment, ReportKind::Refunded)
        };
        announce(&mut books, intent.story, &report, Duration::ZERO).await?;
        for (kind, after) in intent.story.after_a_refund() {
            announce(&mut books, intent.story, &intent.report(payment, kind), after).await?;
        }
        remember(&mut books, &key, &report).await?;
        books.commit().await?;
        Ok(report)
    }
}

impl Simulator {
    /// What the books say of a payment: how its intent stands, and all that was answered about it.
    pub(super) async fn known_of(&self, payment: PaymentId) -> Result<Vec<Report>, ProviderError> {
        let mut books = self.pool.begin().await?;
        let intent = match find_intent(&mut books, payment).await {
            Ok(intent) => intent,
            Err(ProviderError::Refused(_)) => return Ok(vec![]),
            Err(error) => return Err(error),
        };
        let answers: Vec<Json<Report>> = sqlx::query_scalar(
            "select answer from simulator.answers where starts_with(idempotency_key, $1)",
        )
        .bind(format!("{payment}/"))
        .fetch_all(&mut *books)
        .await?;
        let standing = match intent.status.as_str() {
            "failed" => ReportKind::Failed,
            "cancelled" => ReportKind::Cancelled,
            _ => ReportKind::Authorized,
        };
        let mut reports = vec![intent.report(payment, standing)];
        reports.extend(answers.into_iter().map(|Json(report)| report));
        Ok(reports)
    }
}

impl Intent {
    fn report(&self, payment_id: PaymentId, kind: ReportKind) -> Report {
        let object = |prefix| Some(self.id.replacen("pi_", prefix, 1));
        Report {
            kind,
            intent: self.id.clone(),
            payment_id,
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

/// What went back so far, in minor units.
async fn refunded(books: &mut PgConnection, payment: PaymentId) -> Result<i64, ProviderError> {
    let refunded = sqlx::query_scalar(
        "select coalesce(sum((answer->'amount'->>'amount')::bigint), 0)::bigint
         from simulator.answers where starts_with(idempotency_key, $1)",
    );
    Ok(refunded.bind(format!("{payment}/refund/")).fetch_one(books).await?)
}

async fn find_intent(
    books: &mut PgConnection,
    payment: PaymentId,
) -> Result<Intent, ProviderError> {
    let row = sqlx::query(
        "select id, token, amount, currency, status, captured from simulator.intents
         where payment_id = $1 for update",
    )
    .bind(payment.0)
    .fetch_optional(books)
    .await?
    .ok_or_else(|| ProviderError::Refused("no such intent".to_owned()))?;
    let bad_books = || ProviderError::Refused("bad books".to_owned());
    let (token, currency): (String, String) = (row.try_get("token")?, row.try_get("currency")?);
    let currency = currency.parse().map_err(|_| bad_books())?;
    Ok(Intent {
        id: row.try_get("id")?,
        amount: Money::new(row.try_get("amount")?, currency),
        status: row.try_get("status")?,
        captured: row.try_get("captured")?,
        story: Story::of(&token).ok_or_else(bad_books)?,
    })
}

/// Two calls under one key take turns: the second finds the first one's answer.
async fn known_answer(
    books: &mut PgConnection,
    key: &str,
) -> Result<Option<Report>, ProviderError> {
    sqlx::query("select pg_advisory_xact_lock(hashtextextended($1, 0))")
        .bind(key)
        .execute(&mut *books)
        .await?;
    let answer: Option<Json<Report>> =
        sqlx::query_scalar("select answer from simulator.answers where idempotency_key = $1")
            .bind(key)
            .fetch_optional(books)
            .await?;
    Ok(answer.map(|Json(report)| report))
}

async fn remember(
    books: &mut PgConnection,
    key: &str,
    answer: &Report,
) -> Result<(), ProviderError> {
    sqlx::query("insert into simulator.answers (idempotency_key, answer) values ($1, $2)")
        .bind(key)
        .bind(Json(answer))
        .execute(books)
        .await?;
    Ok(())
}

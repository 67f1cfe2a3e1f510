//! The simulated provider's books: intents, and the answer given under each idempotency key.

use domain::payment::Attempt;
use domain::{Money, PaymentId};
use sqlx::types::Json;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::{Report, ReportKind, Simulator, Story, Webhook};
use crate::payments::ProviderError;

struct Intent {
    id: String,
    amount: Money,
    status: String,
    captured: i64,
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
        let intent = Intent {
            id: format!("pi_{}", payment.0.simple()),
            amount: attempt.amount,
            status: if story == Story::Declined { "failed" } else { "authorized" }.to_owned(),
            captured: 0,
        };
        sqlx::query(
            "insert into simulator.intents (id, payment_id, token, amount, currency, status)
             values ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&intent.id)
        .bind(payment.0)
        .bind(&attempt.source)
        .bind(intent.amount.amount)
        .bind(intent.amount.currency.code())
        .bind(&intent.status)
        .execute(&mut *books)
        .await?;

        let report = |kind| intent.report(payment, kind);
        let answer = match story {
            Story::Timeout => report(ReportKind::Authorized),
            Story::Success => {
                announce(&mut books, &report(ReportKind::Authorized)).await?;
                report(ReportKind::Processing)
            }
            Story::Declined => {
                let reason = Some("card_declined".to_owned());
                announce(&mut books, &Report { reason, ..report(ReportKind::Failed) }).await?;
                report(ReportKind::Processing)
            }
        };
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
            object: Some(intent.id.replacen("pi_", "ch_", 1)),
            request: Some(request),
            ..intent.report(payment, ReportKind::Captured)
        };
        announce(&mut books, &report).await?;
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
        sqlx::query("update simulator.intents set status = 'cancelled' where id = $1")
            .bind(&intent.id)
            .execute(&mut *books)
            .await?;
        announce(&mut books, &report).await?;
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
        if amount > intent.captured {
            return Err(ProviderError::Refused("more than was captured".to_owned()));
        }
        let report = Report {
            amount: Some(Money::new(amount, intent.amount.currency)),
            object: Some(format!("re_{}_{request}", payment.0.simple())),
            request: Some(request),
            ..intent.report(payment, ReportKind::Refunded)
        };
        announce(&mut books, &report).await?;
        remember(&mut books, &key, &report).await?;
        books.commit().await?;
        Ok(report)
    }
}

impl Intent {
    fn report(&self, payment_id: PaymentId, kind: ReportKind) -> Report {
        let intent = self.id.clone();
        let amount = Some(self.amount);
        Report { kind, intent, payment_id, amount, object: None, request: None, reason: None }
    }
}

async fn find_intent(
    books: &mut PgConnection,
    payment: PaymentId,
) -> Result<Intent, ProviderError> {
    let row = sqlx::query(
        "select id, amount, currency, status, captured from simulator.intents
         where payment_id = $1 for update",
    )
    .bind(payment.0)
    .fetch_optional(books)
    .await?
    .ok_or_else(|| ProviderError::Refused("no such intent".to_owned()))?;
    let currency: String = row.try_get("currency")?;
    let currency = currency.parse().map_err(|_| ProviderError::Refused("bad books".to_owned()))?;
    Ok(Intent {
        id: row.try_get("id")?,
        amount: Money::new(row.try_get("amount")?, currency),
        status: row.try_get("status")?,
        captured: row.try_get("captured")?,
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

async fn announce(books: &mut PgConnection, report: &Report) -> Result<(), ProviderError> {
    let id = format!("evt_{}", Uuid::now_v7().simple());
    let webhook = Webhook { id: id.clone(), data: report.clone() };
    let body = serde_json::to_string(&webhook)
        .map_err(|error| ProviderError::NoAnswer(error.to_string()))?;
    sqlx::query("insert into simulator.webhooks (id, body) values ($1, $2)")
        .bind(id)
        .bind(body)
        .execute(books)
        .await?;
    Ok(())
}

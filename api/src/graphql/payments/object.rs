//! A payment as a client sees it.

use async_graphql::{Context, Description, Enum, ID, Object, Result};
use chrono::{DateTime, Utc};
use domain::PaymentId;
use domain::payment::{Payment as State, PaymentDetails};
use projections::{DecodedEvent, Row};
use serde::Serialize;

use crate::graphql::errors::fault;
use crate::graphql::money::Money;
use crate::graphql::shop::{caller, shop};

/// One attempt to pay for an order. The amounts are the truth; the status is derived from them.
#[derive(Debug, Description)]
pub struct Payment {
    pub id: PaymentId,
    version: i32,
    pub(super) details: Box<PaymentDetails>,
}

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::payment::PaymentStatus")]
pub enum PaymentStatus {
    /// The provider has not said anything yet.
    Pending,
    /// The customer has to do something.
    RequiresAction,
    /// The provider is at work.
    Processing,
    /// The money is held.
    Authorized,
    /// A part of the money was taken.
    PartiallyCaptured,
    /// The money was taken.
    Captured,
    /// A part of it went back.
    PartiallyRefunded,
    /// All of it went back.
    Refunded,
    /// Declined.
    Failed,
    /// Called off before any money was taken.
    Cancelled,
    /// The money was held for too long.
    Expired,
    /// The customer's bank disputes it.
    Disputed,
    /// The provider did not answer; it is asked again.
    Unknown,
}

/// The means of payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::payment::PaymentMethod")]
pub enum PaymentMethod {
    /// By card.
    Card,
    /// By UPI.
    Upi,
    /// By the customer's bank.
    NetBanking,
    /// In cash, when the goods arrive.
    CashOnDelivery,
}

/// When the money is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::payment::CaptureMode")]
pub enum CaptureMode {
    /// As soon as the goods are the customer's.
    Automatic,
    /// When staff say so.
    Manual,
}

impl Payment {
    pub fn new(id: PaymentId, version: i32, state: State) -> Option<Self> {
        match state {
            State::Absent => None,
            State::Existing(details) => Some(Payment { id, version, details }),
        }
    }

    /// Applies an event if it is the next one of this payment's stream.
    pub(super) fn apply(&mut self, event: DecodedEvent) {
        if event.stream != self.id.stream() || event.version != self.version + 1 {
            return;
        }
        let mut state = domain::State::Payment(State::Existing(self.details.clone()));
        state.apply(event.event);
        if let domain::State::Payment(State::Existing(details)) = state {
            (self.details, self.version) = (details, event.version);
        }
    }

    pub fn from_row(row: Row<State>) -> Option<Self> {
        Payment::new(PaymentId(row.id), row.version, row.state)
    }

    fn money(&self, amount: i64) -> Money {
        Money(self.details.money(amount))
    }
}

#[Object(use_type_description)]
impl Payment {
    /// The payment's id.
    pub async fn id(&self) -> ID {
        self.id.0.into()
    }

    /// The order it is for.
    async fn order_id(&self) -> ID {
        self.details.order.0.into()
    }

    /// Where it stands.
    async fn status(&self) -> PaymentStatus {
        self.details.status_at(Utc::now()).into()
    }

    /// The means of payment.
    async fn method(&self) -> PaymentMethod {
        self.details.method.into()
    }

    /// When the money is taken.
    async fn capture_mode(&self) -> CaptureMode {
        self.details.capture.into()
    }

    /// What is to be paid.
    async fn amount(&self) -> Money {
        Money(self.details.amount)
    }

    /// What the provider holds or held.
    async fn authorized(&self) -> Money {
        self.money(self.details.authorized)
    }

    /// What was taken.
    async fn captured(&self) -> Money {
        self.money(self.details.captured())
    }

    /// What is being taken, or is to be asked for anew after a refusal.
    async fn capture_pending(&self) -> Money {
        self.money(self.details.capture_pending())
    }

    /// What was let go.
    async fn voided(&self) -> Money {
        self.money(self.details.voided())
    }

    /// What went back.
    async fn refunded(&self) -> Money {
        self.money(self.details.refunded())
    }

    /// What is on its way back, or is to be asked for anew after a refusal.
    async fn refund_pending(&self) -> Money {
        self.money(self.details.refund_pending())
    }

    /// What the customer's bank wants back, or has taken back.
    async fn disputed(&self) -> Money {
        self.money(self.details.disputed())
    }

    /// What the customer's bank has taken back: disputes that are lost.
    async fn charged_back(&self) -> Money {
        self.money(self.details.charged_back())
    }

    /// When the provider lets go of what it holds, unless it is taken before.
    async fn authorization_expires_at(&self) -> Option<DateTime<Utc>> {
        self.details.authorization_expires_at
    }

    /// When the provider is turned to again, about what it did not answer or refused.
    async fn follow_up_at(&self) -> Option<DateTime<Utc>> {
        self.details.follow_up_at
    }

    /// The provider's id for it.
    async fn reference(&self) -> Option<&str> {
        self.details.reference.as_deref()
    }

    /// What the customer's browser needs to go on, while the payment is open; fetched from the
    /// provider each time.
    async fn client_secret(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        match &self.details.reference {
            Some(reference) if self.details.is_open() && self.details.captured() == 0 => {
                let secret = shop(ctx).provider.client_secret(reference).await;
                secret.map(Some).map_err(|error| {
                    tracing::warn!(%error, "a client secret cannot be fetched");
                    fault("UNAVAILABLE", "the payment provider does not answer")
                })
            }
            _ => Ok(None),
        }
    }

    /// Where the customer has to go, if anywhere.
    async fn action_url(&self) -> Option<&str> {
        self.details.action_url.as_deref()
    }

    /// Why it was declined, in the provider's words.
    async fn failure(&self) -> Option<&str> {
        self.details.failure.as_deref()
    }

    /// Why somebody has to look at it.
    async fn needs_attention(&self, ctx: &Context<'_>) -> Option<&str> {
        self.details.needs_attention.as_deref().filter(|_| caller(ctx).is_staff())
    }

    /// When it began.
    async fn created_at(&self) -> DateTime<Utc> {
        self.details.created_at
    }

    /// When anything last happened to it.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.details.updated_at
    }

    /// Grows with every event; name it as `expectedVersion` to change only what you have seen.
    async fn version(&self) -> i32 {
        self.version
    }
}

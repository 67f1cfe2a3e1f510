//! The type `Payment`.

use async_graphql::{Context, Description, Enum, ID, Object, Result};
use chrono::{DateTime, Utc};
use domain::PaymentId;
use domain::payment::{Payment as State, PaymentDetails};
use projections::{DecodedEvent, Row};
use serde::Serialize;

use crate::graphql::money::Money;
use crate::graphql::shop::{caller, shop};
use crate::graphql_http::error_with_code;

/// One attempt to pay for an order. An order can have several, but only one at a time is open.
/// Amounts are what the provider has reported; the status follows from them.
#[derive(Debug, Description)]
pub struct Payment {
    pub id: PaymentId,
    version: i32,
    pub(super) details: Box<PaymentDetails>,
}

/// How far a payment has come, derived from its amounts. A payment in `FAILED`, `CANCELLED` or
/// `EXPIRED` is closed, and another one can be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::payment::PaymentStatus")]
pub enum PaymentStatus {
    /// The provider has not reported anything yet. Cash on delivery stays here until staff record the
    /// cash.
    Pending,
    /// The customer must confirm the payment at `Payment.actionUrl` or with `Payment.clientSecret`.
    RequiresAction,
    /// The provider has accepted the payment and is working on it.
    Processing,
    /// The provider holds the money, and none of it is captured yet.
    Authorized,
    /// A part of the amount is captured, and the rest can still be.
    PartiallyCaptured,
    /// The whole amount is captured, or a part of it and the rest was voided.
    Captured,
    /// A part of the captured money was refunded.
    PartiallyRefunded,
    /// All captured money was refunded.
    Refunded,
    /// The provider declined the payment; `Payment.failure` says why.
    Failed,
    /// The payment was cancelled or voided before any money was captured.
    Cancelled,
    /// The authorisation ended before the money was captured.
    Expired,
    /// The customer's bank disputes the payment, or the shop has lost the dispute. This outweighs
    /// every other status.
    Disputed,
    /// Not final yet: the provider has not answered, so the payment can still succeed or fail. The
    /// provider is asked again.
    Unknown,
}

/// The ways to pay for an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::payment::PaymentMethod")]
pub enum PaymentMethod {
    /// Credit or debit card, through the payment provider.
    Card,
    /// Unified Payments Interface, the Indian system for payments from a bank account.
    Upi,
    /// A transfer that the customer confirms in their bank's online banking.
    NetBanking,
    /// Cash, handed over when the goods arrive. It confirms the order without waiting for the money;
    /// staff record the cash with `paymentCapture`.
    CashOnDelivery,
}

/// When authorised money is captured, that is moved from the customer to the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "domain::payment::CaptureMode")]
pub enum CaptureMode {
    /// As soon as the order is confirmed, that is when its stock is secured.
    Automatic,
    /// When staff call `paymentCapture`. What is not captured in time expires.
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
    /// The payment's UUID. The provider stores it too.
    pub async fn id(&self) -> ID {
        self.id.0.into()
    }

    /// The order that is paid for.
    async fn order_id(&self) -> ID {
        self.details.order.0.into()
    }

    /// How far the payment has come.
    async fn status(&self) -> PaymentStatus {
        self.details.status_at(Utc::now()).into()
    }

    /// How the customer pays.
    async fn method(&self) -> PaymentMethod {
        self.details.method.into()
    }

    /// When the authorised money is captured.
    async fn capture_mode(&self) -> CaptureMode {
        self.details.capture.into()
    }

    /// Amount to be paid: the total of the order.
    async fn amount(&self) -> Money {
        Money(self.details.amount)
    }

    /// Amount that the provider has agreed to hold. It does not fall when the money is captured,
    /// voided or expires.
    async fn authorized(&self) -> Money {
        self.money(self.details.authorized)
    }

    /// Amount that was captured, that is moved from the customer to the shop. Refunds are not
    /// subtracted.
    async fn captured(&self) -> Money {
        self.money(self.details.captured())
    }

    /// Amount whose capture was requested and is not confirmed yet, or was refused and will be
    /// requested again.
    async fn capture_pending(&self) -> Money {
        self.money(self.details.capture_pending())
    }

    /// Authorised amount that was released to the customer without being captured.
    async fn voided(&self) -> Money {
        self.money(self.details.voided())
    }

    /// Amount that was moved back to the customer.
    async fn refunded(&self) -> Money {
        self.money(self.details.refunded())
    }

    /// Amount whose refund was requested and is not confirmed yet, or was refused and will be
    /// requested again.
    async fn refund_pending(&self) -> Money {
        self.money(self.details.refund_pending())
    }

    /// Amount that the customer's bank claims or has taken back. Disputes that the shop has won do
    /// not count.
    async fn disputed(&self) -> Money {
        self.money(self.details.disputed())
    }

    /// The part of `disputed` that the bank has taken back, because the shop lost the dispute.
    async fn charged_back(&self) -> Money {
        self.money(self.details.charged_back())
    }

    /// Time at which the provider releases the authorised money, unless it is captured before. Null
    /// if no money is held.
    async fn authorization_expires_at(&self) -> Option<DateTime<Utc>> {
        self.details.authorization_expires_at
    }

    /// Time at which the shop will contact the provider again about a request that was refused or got
    /// no answer. Null if there is none.
    async fn follow_up_at(&self) -> Option<DateTime<Utc>> {
        self.details.follow_up_at
    }

    /// The provider's own id of this payment. Null until the provider has answered, and always for
    /// cash.
    async fn reference(&self) -> Option<&str> {
        self.details.reference.as_deref()
    }

    /// Secret with which the provider's browser library continues the payment. It is asked from the
    /// provider each time, and fails with `UNAVAILABLE` if the provider does not answer. Null until
    /// the provider has answered, and again once money is captured or the payment has failed, was
    /// cancelled or has expired.
    async fn client_secret(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        match &self.details.reference {
            Some(reference) if self.details.is_open() && self.details.captured() == 0 => {
                let secret = shop(ctx).provider.client_secret(reference).await;
                secret.map(Some).map_err(|error| {
                    tracing::warn!(%error, "a client secret cannot be fetched");
                    error_with_code("UNAVAILABLE", "the payment provider does not answer")
                })
            }
            _ => Ok(None),
        }
    }

    /// Page on which the customer must confirm the payment, for example at their bank. Null if the
    /// provider has asked for no confirmation.
    async fn action_url(&self) -> Option<&str> {
        self.details.action_url.as_deref()
    }

    /// Why the payment was declined, in the provider's words. Null if it was not.
    async fn failure(&self) -> Option<&str> {
        self.details.failure.as_deref()
    }

    /// English sentence that says why staff must look at the payment, until they call
    /// `paymentAttentionResolve`. Null if they need not, and for everyone but staff.
    async fn needs_attention(&self, ctx: &Context<'_>) -> Option<&str> {
        self.details.needs_attention.as_deref().filter(|_| caller(ctx).is_staff())
    }

    /// Time at which `paymentStart` was called.
    async fn created_at(&self) -> DateTime<Utc> {
        self.details.created_at
    }

    /// Time of the last event of the payment.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.details.updated_at
    }

    /// Grows with every event of the payment. Send it as `expectedVersion` to change only what you
    /// have seen.
    async fn version(&self) -> i32 {
        self.version
    }
}

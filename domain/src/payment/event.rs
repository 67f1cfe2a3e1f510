//! The events of a payment. These names and fields are the storage format: add, never change.
//!
//! Facts about money have the provider's object id and that object's *cumulative* amount, so a fact
//! that is received twice, in an answer and by a webhook, counts once.

use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use crate::{Money, OrderId, Timestamp, stored_name};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum PaymentEvent {
    #[serde(rename = "payment.initiated")]
    Initiated {
        order: OrderId,
        amount: Money,
        method: PaymentMethod,
        capture: CaptureMode,
        /// The provider's token for the customer's card or account; never a card number.
        source: String,
        at: Timestamp,
    },
    /// The customer must do something, such as a 3-D Secure check, at this address if there is one.
    #[serde(rename = "payment.action_required")]
    ActionRequired { reference: String, url: Option<String>, at: Timestamp },
    /// The provider has accepted the payment under this id and has not decided yet.
    #[serde(rename = "payment.processing")]
    Processing { reference: String, at: Timestamp },
    #[serde(rename = "payment.authorized")]
    Authorized {
        reference: String,
        amount: Money,
        /// The provider voids the authorisation at this time.
        expires_at: Option<Timestamp>,
        at: Timestamp,
    },
    #[serde(rename = "payment.capture_requested")]
    CaptureRequested { request: u32, amount: Money, at: Timestamp },
    #[serde(rename = "payment.captured")]
    Captured { object: String, amount: Money, request: Option<u32>, at: Timestamp },
    #[serde(rename = "payment.capture_failed")]
    CaptureFailed { request: u32, reason: String, at: Timestamp },
    /// The payment ended before any money was authorised.
    #[serde(rename = "payment.cancelled")]
    Cancelled { at: Timestamp },
    #[serde(rename = "payment.void_requested")]
    VoidRequested { at: Timestamp },
    #[serde(rename = "payment.void_failed")]
    VoidFailed { reason: String, at: Timestamp },
    /// The authorised amount that was not captured was released.
    #[serde(rename = "payment.voided")]
    Voided { amount: Money, at: Timestamp },
    #[serde(rename = "payment.refund_requested")]
    RefundRequested { request: u32, amount: Money, at: Timestamp },
    #[serde(rename = "payment.refunded")]
    Refunded { object: String, amount: Money, request: Option<u32>, at: Timestamp },
    #[serde(rename = "payment.refund_failed")]
    RefundFailed { request: u32, reason: String, at: Timestamp },
    #[serde(rename = "payment.failed")]
    Failed { reason: String, at: Timestamp },
    /// The authorisation expired.
    #[serde(rename = "payment.expired")]
    Expired { at: Timestamp },
    /// The provider did not answer, so it is unknown what it did; the same request is sent again.
    #[serde(rename = "payment.outcome_unknown")]
    OutcomeUnknown { at: Timestamp },
    #[serde(rename = "payment.dispute_opened")]
    DisputeOpened { object: String, amount: Money, at: Timestamp },
    #[serde(rename = "payment.dispute_won")]
    DisputeWon { object: String, at: Timestamp },
    #[serde(rename = "payment.dispute_lost")]
    DisputeLost { object: String, at: Timestamp },
    /// A person must look at it.
    #[serde(rename = "payment.needs_attention")]
    NeedsAttention { reason: String, at: Timestamp },
    /// A person has looked at it.
    #[serde(rename = "payment.attention_resolved")]
    AttentionResolved { at: Timestamp },
    /// The provider is called again at `due_at`.
    #[serde(rename = "payment.follow_up_scheduled")]
    FollowUpScheduled { due_at: Timestamp, at: Timestamp },
    /// The scheduled time has come. Calls without an answer are repeated under the same idempotency
    /// keys; `again` lists them. Refused requests are requested again by separate events.
    #[serde(rename = "payment.followed_up")]
    FollowedUp { again: Vec<Call>, at: Timestamp },
    /// A part of the money was captured; the other part stays authorised until this time.
    #[serde(rename = "payment.rest_held")]
    RestHeld { expires_at: Timestamp, at: Timestamp },
    /// The authorisation expires soon.
    #[serde(rename = "payment.authorization_expiring")]
    AuthorizationExpiring { expires_at: Timestamp, at: Timestamp },
}

/// A call to the provider; captures and refunds carry the number of their request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    Create,
    Capture(u32),
    Void,
    Refund(u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PaymentMethod {
    Card,
    Upi,
    NetBanking,
    CashOnDelivery,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CaptureMode {
    /// The shop captures the money as soon as it has committed the stock.
    Automatic,
    /// Staff capture the money.
    Manual,
}

impl PaymentEvent {
    /// Whether the provider reported this. Such an event shows that the provider has received the
    /// shop's calls. Cash, and an expiry that the shop noticed itself, count as reports too.
    pub(super) fn is_from_provider(&self) -> bool {
        !matches!(
            self,
            PaymentEvent::Initiated { .. }
                | PaymentEvent::CaptureRequested { .. }
                | PaymentEvent::VoidRequested { .. }
                | PaymentEvent::RefundRequested { .. }
                | PaymentEvent::OutcomeUnknown { .. }
                | PaymentEvent::NeedsAttention { .. }
                | PaymentEvent::AttentionResolved { .. }
                | PaymentEvent::FollowUpScheduled { .. }
                | PaymentEvent::FollowedUp { .. }
                | PaymentEvent::RestHeld { .. }
                | PaymentEvent::AuthorizationExpiring { .. }
        )
    }

    /// When the event was decided.
    pub fn at(&self) -> Timestamp {
        match self {
            PaymentEvent::Initiated { at, .. }
            | PaymentEvent::ActionRequired { at, .. }
            | PaymentEvent::Processing { at, .. }
            | PaymentEvent::Authorized { at, .. }
            | PaymentEvent::CaptureRequested { at, .. }
            | PaymentEvent::Captured { at, .. }
            | PaymentEvent::CaptureFailed { at, .. }
            | PaymentEvent::Cancelled { at, .. }
            | PaymentEvent::VoidRequested { at, .. }
            | PaymentEvent::VoidFailed { at, .. }
            | PaymentEvent::Voided { at, .. }
            | PaymentEvent::RefundRequested { at, .. }
            | PaymentEvent::Refunded { at, .. }
            | PaymentEvent::RefundFailed { at, .. }
            | PaymentEvent::Failed { at, .. }
            | PaymentEvent::Expired { at, .. }
            | PaymentEvent::OutcomeUnknown { at, .. }
            | PaymentEvent::DisputeOpened { at, .. }
            | PaymentEvent::DisputeWon { at, .. }
            | PaymentEvent::DisputeLost { at, .. }
            | PaymentEvent::NeedsAttention { at, .. }
            | PaymentEvent::AttentionResolved { at, .. }
            | PaymentEvent::FollowUpScheduled { at, .. }
            | PaymentEvent::FollowedUp { at, .. }
            | PaymentEvent::RestHeld { at, .. }
            | PaymentEvent::AuthorizationExpiring { at, .. } => *at,
        }
    }
}

impl DomainEvent for PaymentEvent {
    fn event_type(&self) -> String {
        stored_name(self).to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

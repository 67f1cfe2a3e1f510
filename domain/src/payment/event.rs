//! What can happen to a payment. These names and fields are the storage format: add, never change.
//!
//! Facts about money carry the provider's object id and that object's *cumulative* amount, so
//! that the same fact heard twice, from an answer and from a webhook, counts once.

use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use crate::{Money, OrderId, Timestamp};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum PaymentEvent {
    #[serde(rename = "payment.initiated")]
    Initiated {
        order: OrderId,
        amount: Money,
        method: PaymentMethod,
        capture: CaptureMode,
        /// The provider's token for the means of payment; no card number, ever.
        source: String,
        at: Timestamp,
    },
    /// The customer has to do something, at this address if there is one.
    #[serde(rename = "payment.action_required")]
    ActionRequired { reference: String, url: Option<String>, at: Timestamp },
    /// The provider knows of the payment, under this id, and is at work.
    #[serde(rename = "payment.processing")]
    Processing { reference: String, at: Timestamp },
    #[serde(rename = "payment.authorized")]
    Authorized {
        reference: String,
        amount: Money,
        /// After this the provider lets the money go.
        expires_at: Option<Timestamp>,
        at: Timestamp,
    },
    #[serde(rename = "payment.capture_requested")]
    CaptureRequested { request: u32, amount: Money, at: Timestamp },
    #[serde(rename = "payment.captured")]
    Captured { object: String, amount: Money, request: Option<u32>, at: Timestamp },
    #[serde(rename = "payment.capture_failed")]
    CaptureFailed { request: u32, reason: String, at: Timestamp },
    /// Ended before any money was authorised.
    #[serde(rename = "payment.cancelled")]
    Cancelled { at: Timestamp },
    #[serde(rename = "payment.void_requested")]
    VoidRequested { at: Timestamp },
    #[serde(rename = "payment.void_failed")]
    VoidFailed { reason: String, at: Timestamp },
    /// What was authorised and not captured was let go.
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
    /// The authorisation ran out.
    #[serde(rename = "payment.expired")]
    Expired { at: Timestamp },
    /// The provider did not answer: what it did is not known, and it is asked again.
    #[serde(rename = "payment.outcome_unknown")]
    OutcomeUnknown { at: Timestamp },
    #[serde(rename = "payment.dispute_opened")]
    DisputeOpened { object: String, amount: Money, at: Timestamp },
    #[serde(rename = "payment.dispute_won")]
    DisputeWon { object: String, at: Timestamp },
    #[serde(rename = "payment.dispute_lost")]
    DisputeLost { object: String, at: Timestamp },
    /// A person has to look at it.
    #[serde(rename = "payment.needs_attention")]
    NeedsAttention { reason: String, at: Timestamp },
    /// Somebody has looked at it.
    #[serde(rename = "payment.attention_resolved")]
    AttentionResolved { at: Timestamp },
    /// The provider is turned to again at that time.
    #[serde(rename = "payment.follow_up_scheduled")]
    FollowUpScheduled { due_at: Timestamp, at: Timestamp },
    /// That time has come: what went unanswered is asked again, under the same keys. What was
    /// refused is asked anew, as the events beside this one say.
    #[serde(rename = "payment.followed_up")]
    FollowedUp { again: Vec<Call>, at: Timestamp },
    /// A part of the money was taken; the rest is held until then.
    #[serde(rename = "payment.rest_held")]
    RestHeld { expires_at: Timestamp, at: Timestamp },
    /// The provider lets the money go before long.
    #[serde(rename = "payment.authorization_expiring")]
    AuthorizationExpiring { expires_at: Timestamp, at: Timestamp },
}

/// Something asked of the provider; captures and refunds by the number of their request.
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
    /// As soon as the stock is committed.
    Automatic,
    /// When staff say so.
    Manual,
}

impl PaymentEvent {
    pub fn name(&self) -> &'static str {
        match self {
            PaymentEvent::Initiated { .. } => "payment.initiated",
            PaymentEvent::ActionRequired { .. } => "payment.action_required",
            PaymentEvent::Processing { .. } => "payment.processing",
            PaymentEvent::Authorized { .. } => "payment.authorized",
            PaymentEvent::CaptureRequested { .. } => "payment.capture_requested",
            PaymentEvent::Captured { .. } => "payment.captured",
            PaymentEvent::CaptureFailed { .. } => "payment.capture_failed",
            PaymentEvent::Cancelled { .. } => "payment.cancelled",
            PaymentEvent::VoidRequested { .. } => "payment.void_requested",
            PaymentEvent::VoidFailed { .. } => "payment.void_failed",
            PaymentEvent::Voided { .. } => "payment.voided",
            PaymentEvent::RefundRequested { .. } => "payment.refund_requested",
            PaymentEvent::Refunded { .. } => "payment.refunded",
            PaymentEvent::RefundFailed { .. } => "payment.refund_failed",
            PaymentEvent::Failed { .. } => "payment.failed",
            PaymentEvent::Expired { .. } => "payment.expired",
            PaymentEvent::OutcomeUnknown { .. } => "payment.outcome_unknown",
            PaymentEvent::DisputeOpened { .. } => "payment.dispute_opened",
            PaymentEvent::DisputeWon { .. } => "payment.dispute_won",
            PaymentEvent::DisputeLost { .. } => "payment.dispute_lost",
            PaymentEvent::NeedsAttention { .. } => "payment.needs_attention",
            PaymentEvent::AttentionResolved { .. } => "payment.attention_resolved",
            PaymentEvent::FollowUpScheduled { .. } => "payment.follow_up_scheduled",
            PaymentEvent::FollowedUp { .. } => "payment.followed_up",
            PaymentEvent::RestHeld { .. } => "payment.rest_held",
            PaymentEvent::AuthorizationExpiring { .. } => "payment.authorization_expiring",
        }
    }
}

impl DomainEvent for PaymentEvent {
    fn event_type(&self) -> String {
        self.name().to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

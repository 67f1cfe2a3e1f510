//! What may be asked of a payment, what its provider may report, and why it may be refused.

use chrono::TimeDelta;

use super::{CaptureMode, PaymentMethod};
use crate::{ErrorCode, Money, OrderId, Timestamp};

#[derive(Debug, Clone, PartialEq)]
pub enum PaymentCommand {
    Initiate {
        order: OrderId,
        amount: Money,
        method: PaymentMethod,
        capture: CaptureMode,
        source: String,
    },
    /// What the provider says is never refused.
    Record(Fact),
    /// `None`: all that is authorised and not captured yet.
    RequestCapture {
        amount: Option<Money>,
    },
    RequestVoid,
    /// `None`: all that is captured and not given back yet.
    RequestRefund {
        amount: Option<Money>,
    },
    /// Lets go of what is not captured and gives back what is; nothing, where nothing is left.
    Unwind,
    /// Something went unanswered or was refused: sets a time for the next try, or asks for a person
    /// when there were enough of them. `first` is the shortest wait.
    PlanFollowUp {
        first: TimeDelta,
    },
    /// The time for the next try has come.
    FollowUp,
    /// The authorisation is about to run out, or has.
    EndHold,
    /// Asks for a person if it is still not known what the provider did.
    FlagUnknown,
    /// Somebody has looked at it.
    ResolveAttention,
}

/// What a payment provider reports, in an answer or by webhook.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    Processing {
        reference: String,
    },
    ActionRequired {
        reference: String,
        url: Option<String>,
    },
    Authorized {
        reference: String,
        amount: Money,
        expires_at: Option<Timestamp>,
    },
    Captured {
        object: String,
        amount: Money,
        request: Option<u32>,
    },
    CaptureFailed {
        request: u32,
        reason: String,
    },
    Cancelled,
    VoidFailed {
        reason: String,
    },
    Refunded {
        object: String,
        amount: Money,
        request: Option<u32>,
    },
    RefundFailed {
        request: u32,
        reason: String,
    },
    Failed {
        reason: String,
    },
    Expired,
    DisputeOpened {
        object: String,
        amount: Money,
    },
    DisputeWon {
        object: String,
    },
    DisputeLost {
        object: String,
    },
    /// Our own observation: no answer came.
    Unknown,
}

impl Fact {
    /// The same fact, with an end of the authorisation where the provider has named none.
    #[must_use]
    pub fn expiring(mut self, at: Option<Timestamp>) -> Fact {
        if let Fact::Authorized { expires_at, .. } = &mut self {
            *expires_at = expires_at.or(at);
        }
        self
    }
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PaymentError {
    #[error("there is no such payment")]
    Missing,
    #[error("nothing of this payment is authorised and left to capture")]
    NotCapturable,
    #[error("nothing of this payment is left to void")]
    NotVoidable,
    #[error("nothing of this payment is left to refund")]
    NotRefundable,
    #[error("{0} can be captured at most")]
    ExceedsAuthorized(Money),
    #[error("{0} can be refunded at most")]
    ExceedsCaptured(Money),
    #[error("an amount to move is more than nothing, in the payment's currency")]
    InvalidAmount,
}

impl PaymentError {
    pub fn code(&self) -> ErrorCode {
        match self {
            PaymentError::Missing => ErrorCode::NotFound,
            PaymentError::NotCapturable => ErrorCode::PaymentNotCapturable,
            PaymentError::NotVoidable => ErrorCode::PaymentNotVoidable,
            PaymentError::NotRefundable => ErrorCode::PaymentNotRefundable,
            PaymentError::ExceedsAuthorized(_) => ErrorCode::AmountExceedsAuthorized,
            PaymentError::ExceedsCaptured(_) => ErrorCode::AmountExceedsCaptured,
            PaymentError::InvalidAmount => ErrorCode::InvalidAmount,
        }
    }

    pub fn field(&self) -> &'static str {
        match self {
            PaymentError::ExceedsAuthorized(_)
            | PaymentError::ExceedsCaptured(_)
            | PaymentError::InvalidAmount => "amount",
            _ => "paymentId",
        }
    }
}

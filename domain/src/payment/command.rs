//! The commands of a payment, the facts that its provider reports, and the errors with which it
//! refuses commands.

use chrono::TimeDelta;

use super::{CaptureMode, PaymentMethod};
use crate::{Currency, ErrorCode, Money, OrderId, Timestamp};

#[derive(Debug, Clone, PartialEq)]
pub enum PaymentCommand {
    Initiate {
        order: OrderId,
        amount: Money,
        method: PaymentMethod,
        capture: CaptureMode,
        source: String,
    },
    /// Records what the provider reports; it is never refused.
    Record(Fact),
    /// `None` captures everything that is authorised and not captured yet.
    RequestCapture {
        amount: Option<Money>,
    },
    RequestVoid,
    /// `None` refunds everything that is captured and not refunded yet.
    RequestRefund {
        amount: Option<Money>,
    },
    /// Requests a void of the money that is not captured, and a refund of the money that is.
    Unwind,
    /// A call was not answered or was refused: schedules the next try, or flags the payment for a
    /// person after too many tries. `first` is the shortest wait.
    PlanFollowUp {
        first: TimeDelta,
    },
    /// The next try is due.
    FollowUp,
    /// The authorisation expires soon, or has expired.
    EndHold,
    /// Flags the payment for a person if its outcome is still unknown.
    FlagUnknown,
    /// A person has looked at it.
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
    /// The provider did not answer. The shop itself records this.
    Unknown,
}

impl Fact {
    /// Returns the same fact; if it is an authorisation whose end the provider did not report, its
    /// end is `at`.
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
    #[error("nothing can be captured: no authorised amount of this payment is left")]
    NotCapturable,
    #[error(
        "nothing can be voided: this payment is fully captured or its authorisation has expired"
    )]
    NotVoidable,
    #[error("nothing can be refunded: no captured amount of this payment is left")]
    NotRefundable,
    #[error("at most {most} can be captured, got {wanted}")]
    ExceedsAuthorized { most: Money, wanted: Money },
    #[error("at most {most} can be refunded, got {wanted}")]
    ExceedsCaptured { most: Money, wanted: Money },
    #[error("the amount must be more than 0 {currency}, got {amount}")]
    InvalidAmount { amount: Money, currency: Currency },
}

impl PaymentError {
    pub fn code(&self) -> ErrorCode {
        match self {
            PaymentError::Missing => ErrorCode::NotFound,
            PaymentError::NotCapturable => ErrorCode::PaymentNotCapturable,
            PaymentError::NotVoidable => ErrorCode::PaymentNotVoidable,
            PaymentError::NotRefundable => ErrorCode::PaymentNotRefundable,
            PaymentError::ExceedsAuthorized { .. } => ErrorCode::AmountExceedsAuthorized,
            PaymentError::ExceedsCaptured { .. } => ErrorCode::AmountExceedsCaptured,
            PaymentError::InvalidAmount { .. } => ErrorCode::InvalidAmount,
        }
    }

    /// The input field that the error is about.
    pub fn field(&self) -> &'static str {
        match self {
            PaymentError::ExceedsAuthorized { .. }
            | PaymentError::ExceedsCaptured { .. }
            | PaymentError::InvalidAmount { .. } => "amount",
            _ => "paymentId",
        }
    }
}

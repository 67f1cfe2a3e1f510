//! The commands of an order, and the errors with which it refuses them.

use super::{CancelReason, LineQuantity, PaymentOutcome, Placed, Restocking, Shipment};
use crate::payment::PaymentMethod;
use crate::{ErrorCode, Money, PaymentId, Personal, Sku, Text, Timestamp};

#[derive(Debug, Clone, PartialEq)]
pub enum OrderCommand {
    Place(Box<Placed>),
    /// Fields that are `None` are not changed.
    Update {
        contact: Option<Personal>,
        shipping_address: Option<Personal>,
    },
    StartPayment {
        payment: PaymentId,
        method: PaymentMethod,
        amount: Money,
        reserved_until: Timestamp,
    },
    /// Records what a payment has achieved so far.
    RecordPayment {
        payment: PaymentId,
        outcome: PaymentOutcome,
        /// Cumulative, in minor units.
        refunded: i64,
    },
    /// Keeps the stock of an unpaid order reserved until this time.
    ExtendReservation {
        reserved_until: Timestamp,
    },
    Confirm,
    StartProcessing,
    /// A shipment without lines contains everything that is not shipped yet.
    Ship {
        shipment: Shipment,
    },
    /// Without lines, everything that is shipped and not delivered yet is delivered.
    Deliver {
        lines: Vec<LineQuantity>,
    },
    /// Without lines, everything that was delivered and whose return is not requested yet is
    /// requested.
    RequestReturn {
        lines: Vec<LineQuantity>,
        reason: Option<Text>,
    },
    /// Without lines, everything whose return was requested is accepted.
    AcceptReturn {
        lines: Vec<LineQuantity>,
        restocking: Restocking,
    },
    Cancel {
        reason: CancelReason,
    },
    Expire,
    AddNote {
        note: Personal,
    },
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum OrderError {
    #[error("there is no such order")]
    Missing,
    #[error("an order must have at least one line; add a product to the cart first")]
    NoLines,
    #[error("this order is not waiting for payment: it is paid, cancelled or expired")]
    NotPending,
    #[error("this order is not confirmed yet: it is waiting for payment")]
    NotConfirmed,
    #[error("this order is not being processed yet; start processing it first")]
    NotProcessing,
    #[error(
        "no payment covers this order any more, so its goods must not leave; check its payments"
    )]
    NotPaid,
    #[error("this order is already being processed; ask the shop to change or cancel it")]
    AlreadyProcessing,
    #[error("parts of this order are already shipped; request their return instead of cancelling")]
    AlreadyShipped,
    #[error("this order is cancelled or expired and cannot be changed any more")]
    Closed,
    #[error("{0} is not part of this order")]
    LineNotFound(Sku),
    #[error("at most {unshipped} of {sku} can be shipped, got {wanted}")]
    ExceedsUnshipped { sku: Sku, unshipped: i64, wanted: i64 },
    #[error("at most {undelivered} of {sku} are on their way to the customer, got {wanted}")]
    ExceedsShipped { sku: Sku, undelivered: i64, wanted: i64 },
    #[error("at most {returnable} of {sku} can be returned, got {wanted}")]
    ExceedsDelivered { sku: Sku, returnable: i64, wanted: i64 },
    #[error("nothing is left to ship: all lines are shipped")]
    NothingToShip,
    #[error("nothing is left to deliver: ship something first")]
    NothingToDeliver,
    #[error(
        "nothing can be returned: no delivered unit is left to return, or no return was requested"
    )]
    NothingToReturn,
}

impl OrderError {
    pub fn code(&self) -> ErrorCode {
        match self {
            OrderError::Missing => ErrorCode::NotFound,
            OrderError::NoLines => ErrorCode::CartEmpty,
            OrderError::NotPending => ErrorCode::OrderNotPending,
            OrderError::NotConfirmed => ErrorCode::OrderNotConfirmed,
            OrderError::NotProcessing | OrderError::AlreadyProcessing => {
                ErrorCode::OrderNotProcessing
            }
            OrderError::NotPaid => ErrorCode::OrderNotPaid,
            OrderError::AlreadyShipped => ErrorCode::OrderAlreadyShipped,
            OrderError::Closed => ErrorCode::OrderClosed,
            OrderError::LineNotFound(_) => ErrorCode::NotFound,
            OrderError::ExceedsUnshipped { .. } | OrderError::NothingToShip => {
                ErrorCode::QuantityExceedsUnshipped
            }
            OrderError::ExceedsShipped { .. } | OrderError::NothingToDeliver => {
                ErrorCode::QuantityExceedsShipped
            }
            OrderError::ExceedsDelivered { .. } | OrderError::NothingToReturn => {
                ErrorCode::QuantityExceedsDelivered
            }
        }
    }

    /// The input field that the error is about.
    pub fn field(&self) -> &'static str {
        match self {
            OrderError::LineNotFound(_)
            | OrderError::ExceedsUnshipped { .. }
            | OrderError::ExceedsShipped { .. }
            | OrderError::ExceedsDelivered { .. } => "lines",
            _ => "orderId",
        }
    }
}

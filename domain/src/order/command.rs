//! What may be asked of an order, and why it may be refused.

use super::{CancelReason, LineQuantity, PaymentOutcome, Placed, Restocking, Shipment};
use crate::payment::PaymentMethod;
use crate::{ErrorCode, Money, PaymentId, Personal, Sku, Text, Timestamp};

#[derive(Debug, Clone, PartialEq)]
pub enum OrderCommand {
    Place(Box<Placed>),
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
    RecordPayment {
        payment: PaymentId,
        outcome: PaymentOutcome,
        /// Cumulative, in minor units.
        refunded: i64,
    },
    /// Keeps the stock of a waiting order until then.
    ExtendReservation {
        reserved_until: Timestamp,
    },
    Confirm,
    StartProcessing,
    /// No lines: everything that is not shipped yet.
    Ship {
        shipment: Shipment,
    },
    /// No lines: everything that is shipped and not delivered yet.
    Deliver {
        lines: Vec<LineQuantity>,
    },
    /// No lines: everything that was delivered and is not on its way back.
    RequestReturn {
        lines: Vec<LineQuantity>,
        reason: Option<Text>,
    },
    /// No lines: everything that was asked about.
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
    #[error("an order has at least one line")]
    NoLines,
    #[error("this order is no longer waiting for payment")]
    NotPending,
    #[error("this order is not confirmed yet")]
    NotConfirmed,
    #[error("this order is not being processed")]
    NotProcessing,
    #[error("no payment covers this order any more")]
    NotPaid,
    #[error("this order is already being processed; ask the shop to cancel it")]
    AlreadyProcessing,
    #[error("parts of this order are already shipped; they can be returned, not cancelled")]
    AlreadyShipped,
    #[error("this order is cancelled or expired")]
    Closed,
    #[error("{0} is not part of this order")]
    LineNotFound(Sku),
    #[error("{unshipped} of {sku} are not shipped yet, {wanted} are too many")]
    ExceedsUnshipped { sku: Sku, unshipped: i64, wanted: i64 },
    #[error("{undelivered} of {sku} are on their way, {wanted} are too many")]
    ExceedsShipped { sku: Sku, undelivered: i64, wanted: i64 },
    #[error("{returnable} of {sku} can be returned, {wanted} are too many")]
    ExceedsDelivered { sku: Sku, returnable: i64, wanted: i64 },
    #[error("nothing is left to ship")]
    NothingToShip,
    #[error("nothing is on its way")]
    NothingToDeliver,
    #[error("nothing can be returned")]
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

//! The lifecycle, payment and fulfilment of an order, and the status that customers see, which is
//! derived from them.

use serde::{Deserialize, Serialize};

use super::{Lifecycle, OrderDetails, OrderLine, PaymentShare};
use crate::{from_stored_name, stored_name};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderPaymentState {
    None,
    Authorized,
    PartiallyPaid,
    Paid,
    PartiallyRefunded,
    Refunded,
    Disputed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderFulfilmentState {
    Unfulfilled,
    PartiallyShipped,
    Shipped,
    PartiallyDelivered,
    Delivered,
    PartiallyReturned,
    Returned,
}

/// The status that customers see. Its name is stored in read models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OrderStatus {
    Pending,
    Paid,
    Processing,
    Shipped,
    Delivered,
    Refunded,
    Cancelled,
    Expired,
}

impl OrderStatus {
    /// The stored name.
    pub fn as_str(self) -> &'static str {
        stored_name(&self)
    }

    /// Whether the order has ended without a sale: it is not paid, and nothing is delivered.
    pub fn is_cancelled_or_expired(self) -> bool {
        matches!(self, OrderStatus::Cancelled | OrderStatus::Expired)
    }
}

/// A stored text that is not the name of a status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the name of an order's status")]
pub struct UnknownStatus(String);

impl TryFrom<String> for OrderStatus {
    type Error = UnknownStatus;

    fn try_from(name: String) -> Result<Self, UnknownStatus> {
        from_stored_name(&name).ok_or(UnknownStatus(name))
    }
}

impl OrderDetails {
    /// The conditions are checked in this order; the first that is true gives the status.
    pub fn status(&self) -> OrderStatus {
        match self.lifecycle {
            Lifecycle::Expired { .. } => OrderStatus::Expired,
            Lifecycle::Cancelled { .. } => OrderStatus::Cancelled,
            _ if self.payment_state() == OrderPaymentState::Refunded => OrderStatus::Refunded,
            _ if self.is_complete(|line| line.delivered) => OrderStatus::Delivered,
            _ if self.is_complete(|line| line.shipped) => OrderStatus::Shipped,
            Lifecycle::Processing | Lifecycle::Completed => OrderStatus::Processing,
            Lifecycle::Confirmed => OrderStatus::Paid,
            Lifecycle::Placed => OrderStatus::Pending,
        }
    }

    /// The payment state that follows from all payments of the order together.
    pub fn payment_state(&self) -> OrderPaymentState {
        let total = self.total().amount;
        let authorized = self.sum_payments(PaymentShare::authorized_and_open);
        let captured = self.sum_payments(|share| share.outcome.captured);
        let refunded = self.sum_payments(|share| share.refunded);
        if self.payments.values().any(|share| share.outcome.disputed) {
            OrderPaymentState::Disputed
        } else if captured > 0 && captured.saturating_sub(refunded) >= total {
            // A second payment that was captured and completely refunded is ignored.
            OrderPaymentState::Paid
        } else if refunded > 0 && refunded >= captured {
            OrderPaymentState::Refunded
        } else if refunded > 0 {
            OrderPaymentState::PartiallyRefunded
        } else if captured > 0 {
            OrderPaymentState::PartiallyPaid
        } else if authorized > 0 {
            OrderPaymentState::Authorized
        } else {
            OrderPaymentState::None
        }
    }

    fn sum_payments(&self, amount: fn(&PaymentShare) -> i64) -> i64 {
        self.payments.values().map(amount).fold(0, i64::saturating_add)
    }

    /// The fulfilment state that follows from the counters of all lines.
    pub fn fulfilment_state(&self) -> OrderFulfilmentState {
        let has_any = |counter: fn(&OrderLine) -> i64| self.lines.iter().any(|l| counter(l) > 0);
        if self.is_complete(|line| line.returned) {
            OrderFulfilmentState::Returned
        } else if has_any(|line| line.returned) {
            OrderFulfilmentState::PartiallyReturned
        } else if self.is_complete(|line| line.delivered) {
            OrderFulfilmentState::Delivered
        } else if has_any(|line| line.delivered) {
            OrderFulfilmentState::PartiallyDelivered
        } else if self.is_complete(|line| line.shipped) {
            OrderFulfilmentState::Shipped
        } else if has_any(|line| line.shipped) {
            OrderFulfilmentState::PartiallyShipped
        } else {
            OrderFulfilmentState::Unfulfilled
        }
    }
}

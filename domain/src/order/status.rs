//! The three axes of an order, and the one status that customers know, derived from them.

use serde::{Deserialize, Serialize};

use super::{CancelReason, OrderDetails};
use crate::Timestamp;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lifecycle {
    Placed,
    Confirmed,
    Processing,
    Completed,
    Cancelled { reason: CancelReason, at: Timestamp },
    Expired { at: Timestamp },
}

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

/// What a customer is told. Stored by name in read models.
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
    pub fn as_str(self) -> &'static str {
        match self {
            OrderStatus::Pending => "PENDING",
            OrderStatus::Paid => "PAID",
            OrderStatus::Processing => "PROCESSING",
            OrderStatus::Shipped => "SHIPPED",
            OrderStatus::Delivered => "DELIVERED",
            OrderStatus::Refunded => "REFUNDED",
            OrderStatus::Cancelled => "CANCELLED",
            OrderStatus::Expired => "EXPIRED",
        }
    }

    const ALL: [OrderStatus; 8] = [
        OrderStatus::Pending,
        OrderStatus::Paid,
        OrderStatus::Processing,
        OrderStatus::Shipped,
        OrderStatus::Delivered,
        OrderStatus::Refunded,
        OrderStatus::Cancelled,
        OrderStatus::Expired,
    ];

    /// Nobody pays for it any more, and nobody gets anything.
    pub fn is_cancelled_or_expired(self) -> bool {
        matches!(self, OrderStatus::Cancelled | OrderStatus::Expired)
    }
}

/// A text that names no status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no status of an order")]
pub struct UnknownStatus(String);

impl TryFrom<String> for OrderStatus {
    type Error = UnknownStatus;

    fn try_from(name: String) -> Result<Self, UnknownStatus> {
        OrderStatus::ALL.into_iter().find(|s| s.as_str() == name).ok_or(UnknownStatus(name))
    }
}

impl OrderDetails {
    /// The first that holds.
    pub fn status(&self) -> OrderStatus {
        let shipped = || self.lines.iter().all(|l| l.shipped >= l.ordered.quantity.units());
        let delivered = || self.lines.iter().all(|l| l.delivered >= l.ordered.quantity.units());
        match &self.lifecycle {
            Lifecycle::Expired { .. } => OrderStatus::Expired,
            Lifecycle::Cancelled { .. } => OrderStatus::Cancelled,
            _ if self.payment_state() == OrderPaymentState::Refunded => OrderStatus::Refunded,
            _ if delivered() => OrderStatus::Delivered,
            _ if shipped() => OrderStatus::Shipped,
            Lifecycle::Processing | Lifecycle::Completed => OrderStatus::Processing,
            Lifecycle::Confirmed => OrderStatus::Paid,
            Lifecycle::Placed => OrderStatus::Pending,
        }
    }

    pub fn payment_state(&self) -> OrderPaymentState {
        let sum = |part: fn(&super::PaymentShare) -> i64| -> i64 {
            self.payments.values().map(part).fold(0, i64::saturating_add)
        };
        let authorized = sum(|p| if p.outcome.closed { 0 } else { p.outcome.authorized });
        let captured = sum(|p| p.outcome.captured);
        let refunded = sum(|p| p.refunded);
        let total = self.placed.totals.total.amount;
        match () {
            () if self.payments.values().any(|p| p.outcome.disputed) => OrderPaymentState::Disputed,
            // What a second attempt brought as well, and what went back of it, pay for nothing.
            () if captured > 0 && captured.saturating_sub(refunded) >= total => {
                OrderPaymentState::Paid
            }
            () if refunded > 0 && refunded >= captured => OrderPaymentState::Refunded,
            () if refunded > 0 => OrderPaymentState::PartiallyRefunded,
            () if captured > 0 => OrderPaymentState::PartiallyPaid,
            () if authorized > 0 => OrderPaymentState::Authorized,
            () => OrderPaymentState::None,
        }
    }

    pub fn fulfilment_state(&self) -> OrderFulfilmentState {
        let reached = |part: fn(&super::OrderLine) -> i64| {
            let any = self.lines.iter().any(|line| part(line) > 0);
            let all = self.lines.iter().all(|line| part(line) >= line.ordered.quantity.units());
            (any, all)
        };
        match (reached(|l| l.returned), reached(|l| l.delivered), reached(|l| l.shipped)) {
            ((_, true), _, _) => OrderFulfilmentState::Returned,
            ((true, _), _, _) => OrderFulfilmentState::PartiallyReturned,
            (_, (_, true), _) => OrderFulfilmentState::Delivered,
            (_, (true, _), _) => OrderFulfilmentState::PartiallyDelivered,
            (_, _, (_, true)) => OrderFulfilmentState::Shipped,
            (_, _, (true, _)) => OrderFulfilmentState::PartiallyShipped,
            _ => OrderFulfilmentState::Unfulfilled,
        }
    }
}

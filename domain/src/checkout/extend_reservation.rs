//! Keeping the stock of an order reserved while the outcome of its payment is unknown.

use chrono::TimeDelta;

use super::{Changes, RelatedStates, decide};
use crate::inventory::InventoryCommand;
use crate::order::{Order, OrderCommand};
use crate::payment::{Payment, PaymentStatus};
use crate::{OrderId, Refusal, Timestamp};

/// Extends the reservation to `at_most` after the order was placed. Changes nothing if the order
/// does not wait for this payment, or if its reservation has already expired.
pub fn extend_reservation(
    (order_id, order): (OrderId, &Order),
    payment: &Payment,
    at_most: TimeDelta,
    related: &RelatedStates<'_>,
    now: Timestamp,
) -> Result<Changes, Refusal> {
    let details = order.existing()?;
    let is_unknown = payment.existing()?.status() == PaymentStatus::Unknown;
    let reserved_until = details.placed.at + at_most;
    if !is_unknown || details.reserved_until <= now {
        return Ok(vec![]);
    }
    let extend = OrderCommand::ExtendReservation { reserved_until };
    let mut changes = decide(order_id.stream(), order, &extend, now)?;
    if changes.is_empty() {
        return Ok(vec![]);
    }
    let (order, expires_at) = (order_id, reserved_until);
    let extend = |_: &_| InventoryCommand::ExtendReservation { order, expires_at };
    changes.extend(related.decide_stocks(details, now, extend)?);
    Ok(changes)
}

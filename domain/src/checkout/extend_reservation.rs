//! Keeping the stock of an order while nobody knows what became of its payment.

use chrono::TimeDelta;

use super::{Changes, RelatedStates, events_of, for_each_line};
use crate::inventory::InventoryCommand;
use crate::order::{Order, OrderCommand};
use crate::payment::{Payment, PaymentStatus};
use crate::{Decide, OrderId, Refusal, Timestamp};

/// At most `at_most` from placing. Nothing happens to an order that does not wait for this payment,
/// or whose time is over already.
pub fn extend_reservation(
    (order_id, order): (OrderId, &Order),
    payment: &Payment,
    at_most: TimeDelta,
    related: &RelatedStates<'_>,
    now: Timestamp,
) -> Result<Changes, Refusal> {
    let details = order.existing()?;
    let unknown = payment.existing()?.status() == PaymentStatus::Unknown;
    let reserved_until = details.placed.at + at_most;
    if !unknown || details.reserved_until <= now {
        return Ok(vec![]);
    }
    let extend = OrderCommand::ExtendReservation { reserved_until };
    let events = order.decide(&extend, now)?;
    if events.is_empty() {
        return Ok(vec![]);
    }
    let mut changes: Changes = events_of(order_id.stream(), events).collect();
    changes.extend(for_each_line(details, related, now, |_| {
        InventoryCommand::ExtendReservation { order: order_id, expires_at: reserved_until }
    })?);
    Ok(changes)
}

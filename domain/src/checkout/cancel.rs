//! Cancelling before anything is shipped: the goods go back on the shelf, and the coupon to
//! whoever may use it, in the same append.

use super::{Changes, RelatedStates, ask_coupon, events_of, for_each_line};
use crate::coupon::CouponCommand;
use crate::inventory::{AdjustmentKind, InventoryCommand, ReleaseReason};
use crate::order::{CancelReason, Lifecycle, Order, OrderCommand};
use crate::{Decide, OrderId, Refusal, Text, Timestamp};

/// The money follows by the process manager, which hears `order.cancelled`.
pub fn cancel(
    (order_id, order): (OrderId, &Order),
    related: &RelatedStates<'_>,
    reason: &CancelReason,
    now: Timestamp,
) -> Result<Changes, Refusal> {
    let details = order.existing()?;
    let events = order.decide(&OrderCommand::Cancel { reason: reason.clone() }, now)?;
    if events.is_empty() {
        return Ok(vec![]);
    }
    let mut changes: Changes = events_of(order_id.stream(), events).collect();
    let number = Text::new(&details.placed.number, Text::SHORT).ok();
    changes.extend(for_each_line(details, related, now, |line| match details.confirmed_at {
        // Sold already: the units have left `onHand` and come back to it.
        Some(_) => InventoryCommand::Adjust {
            kind: AdjustmentKind::Return,
            quantity: line.ordered.quantity.units(),
            reason: None,
            reference: number.clone(),
        },
        None => InventoryCommand::Release { order: order_id, why: ReleaseReason::Cancelled },
    })?);
    // An order that has expired gave it back then.
    if !matches!(details.lifecycle, Lifecycle::Expired { .. }) {
        let release = CouponCommand::Release { order: order_id };
        changes.extend(ask_coupon(details, related, now, release)?);
    }
    Ok(changes)
}

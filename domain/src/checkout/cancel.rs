//! Cancelling an order before anything is shipped: the same append makes its goods available again,
//! and allows its coupon to be used again.

use super::{Changes, RelatedStates, decide};
use crate::coupon::CouponCommand;
use crate::inventory::{AdjustmentKind, InventoryCommand, ReleaseReason};
use crate::order::{CancelReason, Order, OrderCommand, OrderDetails, OrderLine};
use crate::{OrderId, Refusal, Text, Timestamp};

/// The process manager voids or refunds the order's payments when it receives `order.cancelled`.
pub fn cancel(
    (order_id, order): (OrderId, &Order),
    related: &RelatedStates<'_>,
    reason: &CancelReason,
    now: Timestamp,
) -> Result<Changes, Refusal> {
    let details = order.existing()?;
    let cancel = OrderCommand::Cancel { reason: reason.clone() };
    let mut changes = decide(order_id.stream(), order, &cancel, now)?;
    if changes.is_empty() {
        return Ok(vec![]);
    }
    let free = |line: &OrderLine| make_available_again(order_id, details, line);
    changes.extend(related.decide_stocks(details, now, free)?);
    // An order that has expired has already released its coupon.
    if !details.has_expired() {
        let release = CouponCommand::Release { order: order_id };
        changes.extend(related.decide_coupon(details, &release, now)?);
    }
    Ok(changes)
}

/// The command that makes the units of a cancelled line available again. The stock of a confirmed
/// order is committed, so its units are returned to the stock. The units of any other order are
/// only reserved, so their reservation is released.
fn make_available_again(
    order: OrderId,
    details: &OrderDetails,
    line: &OrderLine,
) -> InventoryCommand {
    if details.confirmed_at.is_none() {
        return InventoryCommand::Release { order, why: ReleaseReason::Cancelled };
    }
    InventoryCommand::Adjust {
        kind: AdjustmentKind::Return,
        quantity: line.ordered.quantity.units(),
        reason: None,
        reference: Text::new(&details.placed.number, Text::SHORT).ok(),
    }
}

//! Expiring an order that was not paid in time: its stock is available again, and its coupon can be
//! used again.

use super::{Changes, RelatedStates, decide};
use crate::coupon::CouponCommand;
use crate::inventory::{InventoryCommand, ReleaseReason};
use crate::order::{Order, OrderCommand};
use crate::{OrderId, Refusal, Timestamp};

/// Changes nothing if the order is paid or cancelled, or if its reservation was extended.
pub fn expire(
    (order_id, order): (OrderId, &Order),
    related: &RelatedStates<'_>,
    now: Timestamp,
) -> Result<Changes, Refusal> {
    let details = order.existing()?;
    if !details.is_pending() || details.reserved_until > now {
        return Ok(vec![]);
    }
    let mut changes = decide(order_id.stream(), order, &OrderCommand::Expire, now)?;
    changes.extend(related.decide_stocks(details, now, |_| InventoryCommand::Release {
        order: order_id,
        why: ReleaseReason::Expired,
    })?);
    let release = CouponCommand::Release { order: order_id };
    changes.extend(related.decide_coupon(details, &release, now)?);
    Ok(changes)
}

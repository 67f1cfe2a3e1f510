//! When nobody has paid in time: the order ends, its stock is available again and its
//! coupon may be used again.

use super::{Changes, RelatedStates, ask_coupon, events_of, for_each_line};
use crate::coupon::CouponCommand;
use crate::inventory::{InventoryCommand, ReleaseReason};
use crate::order::{Order, OrderCommand};
use crate::{Decide, OrderId, Refusal, Timestamp};

/// Nothing happens to an order that was paid, cancelled, or given more time.
pub fn expire(
    (order_id, order): (OrderId, &Order),
    related: &RelatedStates<'_>,
    now: Timestamp,
) -> Result<Changes, Refusal> {
    let details = order.existing()?;
    if !details.is_pending() || details.reserved_until > now {
        return Ok(vec![]);
    }
    let mut changes: Changes =
        events_of(order_id.stream(), order.decide(&OrderCommand::Expire, now)?).collect();
    changes.extend(for_each_line(details, related, now, |_| InventoryCommand::Release {
        order: order_id,
        why: ReleaseReason::Expired,
    })?);
    let release = CouponCommand::Release { order: order_id };
    changes.extend(ask_coupon(details, related, now, release)?);
    Ok(changes)
}

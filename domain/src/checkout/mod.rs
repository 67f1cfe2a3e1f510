//! Decisions over several streams at once: all of it is appended, or none.
//!
//! Each is a pure function of the states it read. The bus asserts that every one of them is still
//! as it was when the events are appended.

mod accept_return;
mod cancel;
mod error;
mod expire;
mod extend_reservation;
mod merge;
mod pay;
mod place;
mod quote;
mod settle;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use self::accept_return::accept_return;
pub use self::cancel::cancel;
pub use self::error::{CheckoutError, Shortage};
pub use self::expire::expire;
pub use self::extend_reservation::extend_reservation;
pub use self::merge::{MergeCarts, merge};
pub use self::pay::{StartPayment, start_payment};
pub use self::place::{PlaceOrder, SkuStates, place};
pub use self::quote::{Quote, quote};
pub use self::settle::{settle, unwind};
use crate::coupon::{Coupon, CouponCommand};
use crate::inventory::{Inventory, InventoryCommand};
use crate::order::OrderDetails;
use crate::{Decide, Event, Refusal, Sku, StreamId, Timestamp};

/// The events of a decision, each with its stream, in the order in which they are appended.
pub type Changes = Vec<(StreamId, Event)>;

/// What is kept for an order: the stocks of its SKUs, and the coupon that it used.
#[derive(Debug, Clone, Default)]
pub struct RelatedStates<'a> {
    pub stocks: BTreeMap<Sku, &'a Inventory>,
    pub coupon: Option<&'a Coupon>,
}

fn events_of<E: Into<Event>>(
    stream: StreamId,
    events: Vec<E>,
) -> impl Iterator<Item = (StreamId, Event)> {
    events.into_iter().map(move |event| (stream, event.into()))
}

/// Asks the same of the stock of every line.
fn for_each_line(
    order: &OrderDetails,
    related: &RelatedStates<'_>,
    now: Timestamp,
    command: impl Fn(&crate::order::OrderLine) -> InventoryCommand,
) -> Result<Changes, Refusal> {
    let absent = Inventory::default();
    let mut changes = vec![];
    for line in &order.lines {
        let sku = &line.ordered.sku;
        let stock = related.stocks.get(sku).copied().unwrap_or(&absent);
        changes.extend(events_of(sku.inventory(), stock.decide(&command(line), now)?));
    }
    Ok(changes)
}

/// Asks the same of the coupon, if the order used one.
fn ask_coupon(
    order: &OrderDetails,
    related: &RelatedStates<'_>,
    now: Timestamp,
    command: CouponCommand,
) -> Result<Changes, Refusal> {
    let (Some(code), Some(coupon)) = (&order.placed.coupon, related.coupon) else {
        return Ok(vec![]);
    };
    Ok(events_of(code.stream(), coupon.decide(&command, now)?).collect())
}

//! Decisions over several streams at once: either all of their events are appended, or none.
//!
//! Each is a pure function of the states that it receives. The bus appends the events only if all
//! of these states are still current, and decides again otherwise.

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
use crate::order::{OrderDetails, OrderLine};
use crate::{Decide, Event, Refusal, Sku, StreamId, Timestamp};

/// The events of a decision, each with its stream, in the order in which they are appended.
pub type Changes = Vec<(StreamId, Event)>;

/// The other states that a decision about an order depends on: the stock of each of its SKUs, and
/// the coupon that it used.
#[derive(Debug, Clone, Default)]
pub struct RelatedStates<'a> {
    pub stocks: BTreeMap<Sku, &'a Inventory>,
    pub coupon: Option<&'a Coupon>,
}

impl RelatedStates<'_> {
    /// Decides one command on the stock of every line of the order.
    fn decide_stocks(
        &self,
        order: &OrderDetails,
        now: Timestamp,
        command: impl Fn(&OrderLine) -> InventoryCommand,
    ) -> Result<Changes, Refusal> {
        let absent = Inventory::default();
        let mut changes = vec![];
        for line in &order.lines {
            let sku = &line.ordered.sku;
            let stock = self.stocks.get(sku).copied().unwrap_or(&absent);
            changes.extend(decide(sku.inventory(), stock, &command(line), now)?);
        }
        Ok(changes)
    }

    /// Decides a command on the order's coupon, if it used one.
    fn decide_coupon(
        &self,
        order: &OrderDetails,
        command: &CouponCommand,
        now: Timestamp,
    ) -> Result<Changes, Refusal> {
        match (&order.placed.coupon, self.coupon) {
            (Some(code), Some(coupon)) => decide(code.stream(), coupon, command, now),
            _ => Ok(vec![]),
        }
    }
}

/// Decides one command on one stream.
fn decide<A>(
    stream: StreamId,
    state: &A,
    command: &A::Command,
    now: Timestamp,
) -> Result<Changes, Refusal>
where
    A: Decide,
    A::Event: Into<Event>,
    A::Error: Into<Refusal>,
{
    Ok(with_stream(stream, state.decide(command, now).map_err(Into::into)?))
}

fn with_stream<E: Into<Event>>(stream: StreamId, events: Vec<E>) -> Changes {
    events.into_iter().map(|event| (stream, event.into())).collect()
}

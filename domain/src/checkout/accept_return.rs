//! Taking goods back: what is in order returns to the shelf, what is not is written off, in the same
//! append as the order's own event.

use super::{Changes, RelatedStates, events_of};
use crate::inventory::{AdjustmentKind, Inventory, InventoryCommand};
use crate::order::{LineQuantity, Order, OrderCommand, OrderEvent, Restocking};
use crate::{Decide, OrderId, Refusal, Text, Timestamp};

/// Where no lines are named, everything that was asked about comes back.  The money is given back by
/// a refund of its own.
pub fn accept_return(
    (order_id, order): (OrderId, &Order),
    lines: &[LineQuantity],
    restocking: Restocking,
    related: &RelatedStates<'_>,
    now: Timestamp,
) -> Result<Changes, Refusal> {
    let number = Text::new(&order.existing()?.placed.number, Text::SHORT).ok();
    let accept = OrderCommand::AcceptReturn { lines: lines.to_vec(), restocking };
    let events = order.decide(&accept, now)?;
    let mut changes = vec![];
    for event in &events {
        let OrderEvent::Returned { lines, .. } = event else { continue };
        for line in lines {
            changes.extend(shelve(line, restocking, number.clone(), related, now)?);
        }
    }
    changes.splice(0..0, events_of(order_id.stream(), events));
    Ok(changes)
}

/// What is written off passes through the ledger twice, so that it shows both that it came back and
/// where it went.
fn shelve(
    line: &LineQuantity,
    restocking: Restocking,
    number: Option<Text>,
    related: &RelatedStates<'_>,
    now: Timestamp,
) -> Result<Changes, Refusal> {
    let mut stock: Inventory = related.stocks.get(&line.sku).copied().cloned().unwrap_or_default();
    let units = line.quantity.units();
    let steps = match restocking {
        Restocking::Restocked => vec![(AdjustmentKind::Return, units)],
        Restocking::WrittenOff => {
            vec![(AdjustmentKind::Return, units), (AdjustmentKind::Damage, -units)]
        }
    };
    let mut changes = vec![];
    for (kind, quantity) in steps {
        let reference = number.clone();
        let adjust = InventoryCommand::Adjust { kind, quantity, reason: None, reference };
        let events = stock.decide(&adjust, now)?;
        events.iter().cloned().for_each(|event| cqrs_es::Aggregate::apply(&mut stock, event));
        changes.extend(events_of(line.sku.inventory(), events));
    }
    Ok(changes)
}

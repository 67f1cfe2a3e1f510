//! Accepting returned goods: one append has the order's event, adds undamaged goods to the stock
//! again, and writes off damaged ones.

use cqrs_es::Aggregate;

use super::{Changes, RelatedStates, with_stream};
use crate::inventory::{AdjustmentKind, Inventory, InventoryCommand};
use crate::order::{LineQuantity, Order, OrderCommand, OrderEvent, Restocking};
use crate::{Decide, OrderId, Refusal, Text, Timestamp};

/// Without given lines, all lines whose return was requested are accepted. The refund is a separate
/// command.
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
    let mut changes = with_stream(order_id.stream(), events.clone());
    for event in &events {
        let OrderEvent::Returned { lines, .. } = event else { continue };
        for line in lines {
            changes.extend(return_to_stock(line, restocking, number.as_ref(), related, now)?);
        }
    }
    Ok(changes)
}

/// Goods that are written off are booked twice, as returned and as damaged, so that the stock's
/// ledger shows both.
fn return_to_stock(
    line: &LineQuantity,
    restocking: Restocking,
    number: Option<&Text>,
    related: &RelatedStates<'_>,
    now: Timestamp,
) -> Result<Changes, Refusal> {
    let mut stock: Inventory = related.stocks.get(&line.sku).copied().cloned().unwrap_or_default();
    let units = line.quantity.units();
    let adjustments = match restocking {
        Restocking::Restocked => vec![(AdjustmentKind::Return, units)],
        Restocking::WrittenOff => {
            vec![(AdjustmentKind::Return, units), (AdjustmentKind::Damage, -units)]
        }
    };
    let mut changes = vec![];
    for (kind, quantity) in adjustments {
        let reference = number.cloned();
        let adjust = InventoryCommand::Adjust { kind, quantity, reason: None, reference };
        let events = stock.decide(&adjust, now)?;
        events.iter().cloned().for_each(|event| stock.apply(event));
        changes.extend(with_stream(line.sku.inventory(), events));
    }
    Ok(changes)
}

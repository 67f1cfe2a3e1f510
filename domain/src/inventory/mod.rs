//! The stock of one SKU: how many units are on hand and for which orders they are reserved. Read
//! `event.rs`, `command.rs`, `stock.rs`, then this file and `change.rs`, which has the rules.

mod change;
mod command;
mod event;
mod reservations;
mod stock;
#[cfg(test)]
mod tests;

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

use self::change::Change;
pub use self::command::{InventoryCommand, InventoryError};
pub use self::event::{AdjustmentKind, InventoryEvent, ReleaseReason};
pub use self::reservations::{Reservation, Reservations};
pub use self::stock::Stock;
use crate::decide::handle;
use crate::{Decide, Timestamp};

/// The largest number of units in an adjustment, and on hand.
pub const MAX_UNITS: i64 = 1_000_000_000;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Inventory {
    #[default]
    Absent,
    Stocked(Stock),
}

/// The events of a decision, or why it is refused.
type Decision = Result<Vec<InventoryEvent>, InventoryError>;

impl Inventory {
    pub fn stock(&self) -> Option<&Stock> {
        match self {
            Inventory::Absent => None,
            Inventory::Stocked(stock) => Some(stock),
        }
    }

    /// The units that can be sold now; 0 for a SKU whose stock is not registered.
    pub fn available(&self, now: Timestamp) -> i64 {
        self.stock().map_or(0, |stock| stock.available(now))
    }
}

impl Decide for Inventory {
    /// All the rules of stock.
    fn decide(&self, command: &InventoryCommand, at: Timestamp) -> Decision {
        match self {
            Inventory::Absent => register(command, at),
            Inventory::Stocked(stock) => Change::new(stock, at).decide(command),
        }
    }
}

/// Only `Register` creates a stock; the units on hand are its first adjustment.
fn register(command: &InventoryCommand, at: Timestamp) -> Decision {
    let InventoryCommand::Register { sku, on_hand, reorder_level, reorder_quantity } = command
    else {
        return Err(InventoryError::Missing);
    };
    let (sku, on_hand) = (sku.clone(), i64::from(*on_hand));
    let (reorder_level, reorder_quantity) = (*reorder_level, *reorder_quantity);
    if on_hand > MAX_UNITS {
        return Err(InventoryError::TooMany { units: on_hand });
    }
    let mut events = vec![InventoryEvent::Registered { sku, reorder_level, reorder_quantity, at }];
    if on_hand > 0 {
        events.push(InventoryEvent::Adjusted {
            kind: AdjustmentKind::Purchase,
            quantity: on_hand,
            reason: None,
            reference: None,
            on_hand,
            at,
        });
    }
    Ok(events)
}

impl Aggregate for Inventory {
    const TYPE: &'static str = "inventory";
    type Command = InventoryCommand;
    type Event = InventoryEvent;
    type Error = InventoryError;
    type Services = Timestamp;

    async fn handle(
        &mut self,
        command: InventoryCommand,
        now: &Timestamp,
        sink: &EventSink<Self>,
    ) -> Result<(), InventoryError> {
        handle(self, &command, *now, sink).await
    }

    fn apply(&mut self, event: InventoryEvent) {
        match self {
            Inventory::Absent => *self = Inventory::registered(event),
            Inventory::Stocked(stock) => stock.apply(&event),
        }
    }
}

impl Inventory {
    /// A stream of a stock begins with no other event than `inventory.registered`.
    fn registered(event: InventoryEvent) -> Inventory {
        let InventoryEvent::Registered { sku, reorder_level, reorder_quantity, .. } = event else {
            return Inventory::Absent;
        };
        Inventory::Stocked(Stock::new(sku, reorder_level, reorder_quantity))
    }
}

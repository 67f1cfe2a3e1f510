//! The stock of one SKU: what is on the shelf and for whom it is kept. Read `event.rs`,
//! `command.rs`, then this file.

mod command;
mod event;
mod reservations;
#[cfg(test)]
mod tests;

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

pub use self::command::{InventoryCommand, InventoryError};
pub use self::event::{AdjustmentKind, InventoryEvent, ReleaseReason};
pub use self::reservations::{Reservation, Reservations};
use crate::decide::handle;
use crate::{Decide, OrderId, Quantity, Sku, Text, Timestamp};

/// The most units an adjustment may move, and the most that may be on hand.
pub const MAX_UNITS: i64 = 1_000_000_000;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Inventory {
    #[default]
    Absent,
    Stocked(Stock),
}

/// `available = on_hand − reserved ≥ 0`, always.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stock {
    pub sku: Sku,
    pub on_hand: i64,
    /// The sum of the reservations, those included whose time is over but which nobody released.
    pub reserved: i64,
    pub reservations: Reservations,
    pub reorder_level: u32,
    pub reorder_quantity: u32,
    /// Low stock has been reported and has not recovered.
    pub low: bool,
}

impl Inventory {
    pub fn stock(&self) -> Option<&Stock> {
        match self {
            Inventory::Absent => None,
            Inventory::Stocked(stock) => Some(stock),
        }
    }

    /// What can be sold now; nothing of a SKU that is not registered.
    pub fn available(&self, now: Timestamp) -> i64 {
        self.stock().map_or(0, |stock| stock.available(now))
    }
}

impl Stock {
    pub fn reserved(&self, now: Timestamp) -> i64 {
        let expired: i64 = self.reservations.expired(now).map(|(_, held)| held.quantity).sum();
        self.reserved - expired
    }

    pub fn available(&self, now: Timestamp) -> i64 {
        self.on_hand - self.reserved(now)
    }
}

impl Decide for Inventory {
    /// All the rules of stock.
    fn decide(
        &self,
        command: &InventoryCommand,
        at: Timestamp,
    ) -> Result<Vec<InventoryEvent>, InventoryError> {
        let stock = match (self, command) {
            (Inventory::Absent, InventoryCommand::Register { .. }) => return register(command, at),
            (Inventory::Absent, _) => return Err(InventoryError::Missing),
            (Inventory::Stocked(stock), _) => stock,
        };
        let mut change = Change::of(stock, at);
        match command {
            InventoryCommand::Register { sku, .. } => {
                return Err(InventoryError::Exists(sku.clone()));
            }
            InventoryCommand::Adjust { kind, quantity, reason, reference } => {
                change.adjust(*kind, *quantity, reason.as_ref(), reference.as_ref())?;
            }
            InventoryCommand::SetReorderLevel { reorder_level, reorder_quantity } => {
                change.set_reorder_level(*reorder_level, *reorder_quantity);
            }
            InventoryCommand::Reserve { order, quantity, expires_at } => {
                change.reserve(*order, *quantity, *expires_at)?;
            }
            InventoryCommand::ExtendReservation { order, expires_at } => {
                change.extend(*order, *expires_at);
            }
            InventoryCommand::Release { order, why } => change.release(*order, *why),
            InventoryCommand::Commit { order, quantity } => change.commit(*order, *quantity)?,
        }
        Ok(change.with_stock_alerts())
    }
}

fn register(
    command: &InventoryCommand,
    at: Timestamp,
) -> Result<Vec<InventoryEvent>, InventoryError> {
    let InventoryCommand::Register { sku, on_hand, reorder_level, reorder_quantity } = command
    else {
        return Err(InventoryError::Missing);
    };
    let (on_hand, reorder_level, reorder_quantity) =
        (i64::from(*on_hand), *reorder_level, *reorder_quantity);
    if on_hand > MAX_UNITS {
        return Err(InventoryError::TooMany);
    }
    let sku = sku.clone();
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

/// A decision in the making: the events so far, and the figures as they leave them.
struct Change<'s> {
    stock: &'s Stock,
    at: Timestamp,
    on_hand: i64,
    reserved: i64,
    reorder_level: u32,
    events: Vec<InventoryEvent>,
}

impl<'s> Change<'s> {
    fn of(stock: &'s Stock, at: Timestamp) -> Self {
        let Stock { on_hand, reserved, reorder_level, .. } = *stock;
        Change { stock, at, on_hand, reserved, reorder_level, events: vec![] }
    }

    fn adjust(
        &mut self,
        kind: AdjustmentKind,
        quantity: i64,
        reason: Option<&Text>,
        reference: Option<&Text>,
    ) -> Result<(), InventoryError> {
        let right_sign = match kind {
            AdjustmentKind::Purchase | AdjustmentKind::Return => quantity > 0,
            AdjustmentKind::Damage => quantity < 0,
            AdjustmentKind::Adjustment => quantity != 0,
        };
        if !right_sign {
            return Err(InventoryError::WrongSign(kind));
        }
        if reason.is_none() && reference.is_none() {
            return Err(InventoryError::ReasonRequired);
        }
        if quantity.checked_abs().is_none_or(|units| units > MAX_UNITS)
            || self.on_hand + quantity > MAX_UNITS
        {
            return Err(InventoryError::TooMany);
        }
        self.release_expired(-quantity);
        if self.on_hand + quantity < self.reserved {
            return Err(InventoryError::BelowReserved { reserved: self.reserved });
        }
        self.on_hand += quantity;
        let (on_hand, at) = (self.on_hand, self.at);
        let (reason, reference) = (reason.cloned(), reference.cloned());
        let adjusted = InventoryEvent::Adjusted { kind, quantity, reason, reference, on_hand, at };
        self.events.push(adjusted);
        Ok(())
    }

    fn set_reorder_level(&mut self, reorder_level: u32, reorder_quantity: u32) {
        if (self.reorder_level, self.stock.reorder_quantity) == (reorder_level, reorder_quantity) {
            return;
        }
        self.reorder_level = reorder_level;
        let at = self.at;
        self.events.push(InventoryEvent::ReorderLevelSet { reorder_level, reorder_quantity, at });
    }

    fn reserve(
        &mut self,
        order: OrderId,
        quantity: Quantity,
        expires_at: Timestamp,
    ) -> Result<(), InventoryError> {
        if self.stock.reservations.get(order).is_some() {
            return Ok(());
        }
        let (quantity, available) = (quantity.units(), self.stock.available(self.at));
        if quantity > available {
            return Err(InventoryError::Insufficient { available, wanted: quantity });
        }
        self.release_expired(quantity);
        self.reserved += quantity;
        self.events.push(InventoryEvent::Reserved { order, quantity, expires_at, at: self.at });
        Ok(())
    }

    /// A reservation is only ever made longer.
    fn extend(&mut self, order: OrderId, expires_at: Timestamp) {
        let held = self.stock.reservations.get(order);
        if held.is_some_and(|held| held.expires_at < expires_at) {
            let at = self.at;
            self.events.push(InventoryEvent::ReservationExtended { order, expires_at, at });
        }
    }

    fn release(&mut self, order: OrderId, why: ReleaseReason) {
        if let Some(held) = self.stock.reservations.get(order) {
            self.reserved -= held.quantity;
            let (quantity, at) = (held.quantity, self.at);
            self.events.push(InventoryEvent::Released { order, quantity, why, at });
        }
    }

    fn commit(&mut self, order: OrderId, quantity: Quantity) -> Result<(), InventoryError> {
        // A reservation whose time is over is still good as long as nobody has released it.
        self.reserve(order, quantity, self.at)?;
        let held = self.stock.reservations.get(order);
        let quantity = held.map_or(quantity.units(), |held| held.quantity);
        self.reserved -= quantity;
        self.on_hand -= quantity;
        let (on_hand, at) = (self.on_hand, self.at);
        self.events.push(InventoryEvent::Committed { order, quantity, on_hand, at });
        Ok(())
    }

    /// Whoever uses expired stock first releases it, oldest first and no more than is needed, so
    /// that two nodes whose clocks differ cannot both have it.
    fn release_expired(&mut self, wanted: i64) {
        for (order, _) in self.stock.reservations.expired(self.at) {
            if self.on_hand - self.reserved >= wanted {
                break;
            }
            self.release(order, ReleaseReason::Expired);
        }
    }

    /// Low stock is reported once on the way down, recovery once on the way up.
    fn with_stock_alerts(mut self) -> Vec<InventoryEvent> {
        let available = self.on_hand - self.reserved;
        let (reorder_level, at) = (self.reorder_level, self.at);
        let low = available <= i64::from(reorder_level);
        if !self.events.is_empty() && low != self.stock.low {
            self.events.push(match low {
                true => InventoryEvent::LowStock { available, reorder_level, at },
                false => InventoryEvent::Recovered { available, reorder_level, at },
            });
        }
        self.events
    }
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
        match (&mut *self, event) {
            (
                Inventory::Absent,
                InventoryEvent::Registered { sku, reorder_level, reorder_quantity, .. },
            ) => {
                *self = Inventory::Stocked(Stock {
                    sku,
                    on_hand: 0,
                    reserved: 0,
                    reservations: Reservations::default(),
                    reorder_level,
                    reorder_quantity,
                    low: false,
                });
            }
            (Inventory::Absent, _) => {}
            (Inventory::Stocked(stock), event) => stock.apply(&event),
        }
    }
}

impl Stock {
    fn apply(&mut self, event: &InventoryEvent) {
        match *event {
            InventoryEvent::Registered { .. } => {}
            InventoryEvent::Adjusted { on_hand, .. } => self.on_hand = on_hand,
            InventoryEvent::Reserved { order, quantity, expires_at, .. } => {
                self.reserved += quantity;
                self.reservations.insert(order, Reservation { quantity, expires_at });
            }
            InventoryEvent::ReservationExtended { order, expires_at, .. } => {
                self.reservations.extend(order, expires_at);
            }
            InventoryEvent::Released { order, .. } => self.drop_reservation(order),
            InventoryEvent::Committed { order, on_hand, .. } => {
                self.drop_reservation(order);
                self.on_hand = on_hand;
            }
            InventoryEvent::ReorderLevelSet { reorder_level, reorder_quantity, .. } => {
                self.reorder_level = reorder_level;
                self.reorder_quantity = reorder_quantity;
            }
            InventoryEvent::LowStock { .. } => self.low = true,
            InventoryEvent::Recovered { .. } => self.low = false,
        }
    }

    fn drop_reservation(&mut self, order: OrderId) {
        if let Some(reservation) = self.reservations.remove(order) {
            self.reserved -= reservation.quantity;
        }
    }
}

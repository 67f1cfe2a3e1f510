//! A decision about a stock in progress: the events so far, and the stock after them.

use super::{
    AdjustmentKind, Decision, InventoryCommand, InventoryError, InventoryEvent, MAX_UNITS,
    ReleaseReason, Stock,
};
use crate::{OrderId, Quantity, Text, Timestamp};

pub(super) struct Change<'s> {
    stock: &'s Stock,
    at: Timestamp,
    on_hand: i64,
    reserved: i64,
    reorder_level: u32,
    events: Vec<InventoryEvent>,
}

impl<'s> Change<'s> {
    pub(super) fn new(stock: &'s Stock, at: Timestamp) -> Self {
        let Stock { on_hand, reserved, reorder_level, .. } = *stock;
        Change { stock, at, on_hand, reserved, reorder_level, events: vec![] }
    }

    pub(super) fn decide(mut self, command: &InventoryCommand) -> Decision {
        match command {
            InventoryCommand::Register { sku, .. } => {
                return Err(InventoryError::Exists(sku.clone()));
            }
            InventoryCommand::Adjust { kind, quantity, reason, reference } => {
                self.adjust(*kind, *quantity, reason.as_ref(), reference.as_ref())?;
            }
            InventoryCommand::SetReorderLevel { reorder_level, reorder_quantity } => {
                self.set_reorder_level(*reorder_level, *reorder_quantity);
            }
            InventoryCommand::Reserve { order, quantity, expires_at } => {
                self.reserve(*order, *quantity, *expires_at)?;
            }
            InventoryCommand::ExtendReservation { order, expires_at } => {
                self.extend_reservation(*order, *expires_at);
            }
            InventoryCommand::Release { order, why } => self.release(*order, *why),
            InventoryCommand::Commit { order, quantity } => self.commit(*order, *quantity)?,
        }
        Ok(self.with_stock_alerts())
    }

    fn adjust(
        &mut self,
        kind: AdjustmentKind,
        quantity: i64,
        reason: Option<&Text>,
        reference: Option<&Text>,
    ) -> Result<(), InventoryError> {
        if !kind.allows(quantity) {
            return Err(InventoryError::WrongSign { kind, quantity });
        }
        if reason.is_none() && reference.is_none() {
            return Err(InventoryError::ReasonRequired);
        }
        if quantity.checked_abs().is_none_or(|units| units > MAX_UNITS) {
            return Err(InventoryError::TooMany { units: quantity });
        }
        let on_hand = self.on_hand + quantity;
        if on_hand > MAX_UNITS {
            return Err(InventoryError::TooMany { units: on_hand });
        }
        self.release_expired(-quantity);
        if on_hand < self.reserved {
            return Err(InventoryError::BelowReserved { reserved: self.reserved, on_hand });
        }
        self.on_hand = on_hand;
        let (reason, reference, at) = (reason.cloned(), reference.cloned(), self.at);
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

    /// A reservation is only extended, never shortened.
    fn extend_reservation(&mut self, order: OrderId, expires_at: Timestamp) {
        let reservation = self.stock.reservations.get(order);
        if reservation.is_some_and(|reservation| reservation.expires_at < expires_at) {
            let at = self.at;
            self.events.push(InventoryEvent::ReservationExtended { order, expires_at, at });
        }
    }

    fn release(&mut self, order: OrderId, why: ReleaseReason) {
        if let Some(reservation) = self.stock.reservations.get(order) {
            self.reserved -= reservation.quantity;
            let (quantity, at) = (reservation.quantity, self.at);
            self.events.push(InventoryEvent::Released { order, quantity, why, at });
        }
    }

    /// A reservation that has expired still counts until it is released.
    fn commit(&mut self, order: OrderId, quantity: Quantity) -> Result<(), InventoryError> {
        self.reserve(order, quantity, self.at)?;
        let reservation = self.stock.reservations.get(order);
        let quantity = reservation.map_or(quantity.units(), |reservation| reservation.quantity);
        self.reserved -= quantity;
        self.on_hand -= quantity;
        let (on_hand, at) = (self.on_hand, self.at);
        self.events.push(InventoryEvent::Committed { order, quantity, on_hand, at });
        Ok(())
    }

    /// If a change needs units of expired reservations, these are released first: the oldest first,
    /// and no more than needed. So two nodes whose clocks differ cannot both use the same units.
    fn release_expired(&mut self, wanted: i64) {
        for (order, _) in self.stock.reservations.expired(self.at) {
            if self.on_hand - self.reserved >= wanted {
                break;
            }
            self.release(order, ReleaseReason::Expired);
        }
    }

    /// Low stock is reported once when the available units fall to the reorder level, and recovery
    /// once when they rise above it.
    fn with_stock_alerts(mut self) -> Vec<InventoryEvent> {
        let (reorder_level, at) = (self.reorder_level, self.at);
        let available = self.on_hand - self.reserved;
        let is_low = available <= i64::from(reorder_level);
        if self.events.is_empty() || is_low == self.stock.low {
            return self.events;
        }
        self.events.push(if is_low {
            InventoryEvent::LowStock { available, reorder_level, at }
        } else {
            InventoryEvent::Recovered { available, reorder_level, at }
        });
        self.events
    }
}

impl AdjustmentKind {
    /// Whether a quantity has the right sign for this kind of adjustment.
    fn allows(self, quantity: i64) -> bool {
        match self {
            AdjustmentKind::Purchase | AdjustmentKind::Return => quantity > 0,
            AdjustmentKind::Damage => quantity < 0,
            AdjustmentKind::Adjustment => quantity != 0,
        }
    }
}

//! The stock of a SKU, folded from its events.

use serde::{Deserialize, Serialize};

use super::{InventoryEvent, Reservation, Reservations};
use crate::{OrderId, Sku, Timestamp};

/// All figures are units. `available = on_hand − reserved ≥ 0` always holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stock {
    pub sku: Sku,
    pub on_hand: i64,
    /// The sum of all reservations, including those that have expired and are not released yet.
    pub reserved: i64,
    pub reservations: Reservations,
    pub reorder_level: u32,
    pub reorder_quantity: u32,
    /// Low stock was reported, and the stock has not recovered since.
    pub low: bool,
}

impl Stock {
    pub(super) fn new(sku: Sku, reorder_level: u32, reorder_quantity: u32) -> Self {
        Stock {
            sku,
            on_hand: 0,
            reserved: 0,
            reservations: Reservations::default(),
            reorder_level,
            reorder_quantity,
            low: false,
        }
    }

    /// The units whose reservations have not expired.
    pub fn reserved(&self, now: Timestamp) -> i64 {
        let expired = self.reservations.expired(now).map(|(_, reservation)| reservation.quantity);
        self.reserved - expired.sum::<i64>()
    }

    /// The units that can be sold.
    pub fn available(&self, now: Timestamp) -> i64 {
        self.on_hand - self.reserved(now)
    }

    pub(super) fn apply(&mut self, event: &InventoryEvent) {
        match *event {
            // This is the first event of the stream, and the only one of its type; it has created
            // this stock.
            InventoryEvent::Registered { .. } => {}
            InventoryEvent::Adjusted { on_hand, .. } => self.on_hand = on_hand,
            InventoryEvent::Reserved { order, quantity, expires_at, .. } => {
                self.apply_reservation(order, Reservation { quantity, expires_at });
            }
            InventoryEvent::ReservationExtended { order, expires_at, .. } => {
                self.reservations.extend(order, expires_at);
            }
            InventoryEvent::Released { order, .. } => self.apply_release(order),
            InventoryEvent::Committed { order, on_hand, .. } => self.apply_sale(order, on_hand),
            InventoryEvent::ReorderLevelSet { reorder_level, reorder_quantity, .. } => {
                self.apply_reorder_level(reorder_level, reorder_quantity);
            }
            InventoryEvent::LowStock { .. } => self.low = true,
            InventoryEvent::Recovered { .. } => self.low = false,
        }
    }

    fn apply_reservation(&mut self, order: OrderId, reservation: Reservation) {
        self.reserved += reservation.quantity;
        self.reservations.insert(order, reservation);
    }

    fn apply_release(&mut self, order: OrderId) {
        if let Some(reservation) = self.reservations.remove(order) {
            self.reserved -= reservation.quantity;
        }
    }

    fn apply_sale(&mut self, order: OrderId, on_hand: i64) {
        self.apply_release(order);
        self.on_hand = on_hand;
    }

    fn apply_reorder_level(&mut self, reorder_level: u32, reorder_quantity: u32) {
        self.reorder_level = reorder_level;
        self.reorder_quantity = reorder_quantity;
    }
}

//! The reservations of a stock, by order and by the time at which they expire.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{OrderId, Timestamp};

/// The reservations of one stock that are neither released nor committed.
///
/// A SKU that sells well has thousands of them, so both look-ups that decisions need have an index.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<OrderId, Reservation>", into = "BTreeMap<OrderId, Reservation>")]
pub struct Reservations {
    by_order: BTreeMap<OrderId, Reservation>,
    by_expiry: BTreeSet<(Timestamp, OrderId)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// Units.
    pub quantity: i64,
    /// From this time on the units are available again, even before an event releases them.
    pub expires_at: Timestamp,
}

impl Reservations {
    pub fn get(&self, order: OrderId) -> Option<&Reservation> {
        self.by_order.get(&order)
    }

    /// The expired reservations, the oldest first.
    pub fn expired(&self, now: Timestamp) -> impl Iterator<Item = (OrderId, &Reservation)> {
        let expired = self.by_expiry.iter().take_while(move |(expires_at, _)| *expires_at <= now);
        expired.filter_map(|(_, order)| Some((*order, self.by_order.get(order)?)))
    }

    pub(super) fn insert(&mut self, order: OrderId, reservation: Reservation) {
        self.remove(order);
        self.by_expiry.insert((reservation.expires_at, order));
        self.by_order.insert(order, reservation);
    }

    pub(super) fn extend(&mut self, order: OrderId, expires_at: Timestamp) {
        if let Some(reservation) = self.by_order.get(&order).copied() {
            self.insert(order, Reservation { expires_at, ..reservation });
        }
    }

    pub(super) fn remove(&mut self, order: OrderId) -> Option<Reservation> {
        let reservation = self.by_order.remove(&order)?;
        self.by_expiry.remove(&(reservation.expires_at, order));
        Some(reservation)
    }
}

impl From<BTreeMap<OrderId, Reservation>> for Reservations {
    fn from(by_order: BTreeMap<OrderId, Reservation>) -> Self {
        let by_expiry =
            by_order.iter().map(|(order, reservation)| (reservation.expires_at, *order)).collect();
        Reservations { by_order, by_expiry }
    }
}

impl From<Reservations> for BTreeMap<OrderId, Reservation> {
    fn from(reservations: Reservations) -> Self {
        reservations.by_order
    }
}

//! The details of an order, folded from its events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    CancelReason, LineQuantity, OrderError, OrderEvent, PaymentOutcome, Placed, PlacedLine,
    Shipment,
};
use crate::payment::PaymentMethod;
use crate::{Money, PaymentId, Personal, Sku, Timestamp};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lifecycle {
    Placed,
    Confirmed,
    Processing,
    Completed,
    Cancelled { reason: CancelReason, at: Timestamp },
    Expired { at: Timestamp },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderDetails {
    /// The order as it was placed, but with the current contact and address.
    pub placed: Placed,
    pub lifecycle: Lifecycle,
    pub lines: Vec<OrderLine>,
    pub payments: BTreeMap<PaymentId, PaymentShare>,
    /// The payment that was started last.
    pub latest_payment: Option<PaymentId>,
    /// The payment that covers the order: the first whose authorised amount reached the total and
    /// that has not ended since. Money of any other payment is surplus and is refunded.
    pub covered_by: Option<PaymentId>,
    pub shipments: Vec<SentShipment>,
    pub notes: Vec<Note>,
    /// If the order is not paid by this time, it expires and its stock is released.
    pub reserved_until: Timestamp,
    pub confirmed_at: Option<Timestamp>,
    pub delivered_at: Option<Timestamp>,
    pub updated_at: Timestamp,
}

/// A line, and how many of its units were shipped, delivered and returned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderLine {
    pub ordered: PlacedLine,
    pub shipped: i64,
    pub delivered: i64,
    /// The units that the customer wants to return, and that the shop has not received yet.
    pub return_requested: i64,
    pub returned: i64,
}

/// What one payment contributes to an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PaymentShare {
    pub method: PaymentMethod,
    pub amount: Money,
    pub outcome: PaymentOutcome,
    /// Minor units.
    pub refunded: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SentShipment {
    pub shipment: Shipment,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Note {
    pub text: Personal,
    pub at: Timestamp,
}

impl OrderDetails {
    pub fn total(&self) -> Money {
        self.placed.totals.total
    }

    /// Whether the order is neither cancelled nor expired.
    pub fn is_open(&self) -> bool {
        !matches!(self.lifecycle, Lifecycle::Cancelled { .. } | Lifecycle::Expired { .. })
    }

    pub fn is_pending(&self) -> bool {
        self.lifecycle == Lifecycle::Placed
    }

    pub fn has_expired(&self) -> bool {
        matches!(self.lifecycle, Lifecycle::Expired { .. })
    }

    pub(super) fn line(&self, sku: &Sku) -> Result<&OrderLine, OrderError> {
        let line = self.lines.iter().find(|line| line.ordered.sku == *sku);
        line.ok_or_else(|| OrderError::LineNotFound(sku.clone()))
    }

    /// Whether this counter has reached the ordered quantity in every line.
    pub(super) fn is_complete(&self, counter: fn(&OrderLine) -> i64) -> bool {
        self.lines.iter().all(|line| counter(line) >= line.ordered.quantity.units())
    }
}

impl PaymentShare {
    fn new(method: PaymentMethod, amount: Money) -> Self {
        PaymentShare { method, amount, outcome: PaymentOutcome::default(), refunded: 0 }
    }

    /// Minor units; 0 once the payment has ended.
    pub(super) fn authorized_and_open(&self) -> i64 {
        if self.outcome.closed { 0 } else { self.outcome.authorized }
    }

    /// Cash on delivery covers an order because the customer has promised to pay.
    fn covers(&self, total: Money) -> bool {
        let is_promised = self.method == PaymentMethod::CashOnDelivery;
        !self.outcome.closed && (is_promised || self.outcome.authorized >= total.amount)
    }
}

impl OrderDetails {
    pub(super) fn new(placed: Placed) -> Self {
        let line = |ordered| OrderLine {
            ordered,
            shipped: 0,
            delivered: 0,
            return_requested: 0,
            returned: 0,
        };
        OrderDetails {
            lifecycle: Lifecycle::Placed,
            lines: placed.lines.iter().cloned().map(line).collect(),
            payments: BTreeMap::new(),
            latest_payment: None,
            covered_by: None,
            shipments: vec![],
            notes: vec![],
            reserved_until: placed.reserved_until,
            confirmed_at: None,
            delivered_at: None,
            updated_at: placed.at,
            placed,
        }
    }

    pub(super) fn apply(&mut self, event: OrderEvent) {
        self.updated_at = event.at();
        match event {
            // This is the first event of the stream, and the only one of its type; it has created
            // these details.
            OrderEvent::Placed(_) => {}
            OrderEvent::Updated { contact, shipping_address, .. } => {
                self.apply_update(contact, shipping_address);
            }
            OrderEvent::PaymentStarted { payment, method, amount, reserved_until, .. } => {
                self.apply_payment(payment, PaymentShare::new(method, amount), reserved_until);
            }
            OrderEvent::PaymentRecorded { payment, outcome, .. } => {
                self.apply_outcome(payment, outcome);
            }
            OrderEvent::RefundRecorded { payment, refunded, .. } => {
                self.apply_refund(payment, refunded);
            }
            OrderEvent::Confirmed { at } => self.apply_confirmation(at),
            OrderEvent::ProcessingStarted { .. } => self.lifecycle = Lifecycle::Processing,
            OrderEvent::Shipped { shipment, at } => self.apply_shipment(shipment, at),
            OrderEvent::Delivered { lines, at } => self.apply_delivery(&lines, at),
            OrderEvent::ReturnRequested { lines, .. } => {
                self.count(&lines, |line| &mut line.return_requested);
            }
            OrderEvent::Returned { lines, .. } => self.apply_return(&lines),
            OrderEvent::Cancelled { reason, at } => {
                self.lifecycle = Lifecycle::Cancelled { reason, at };
            }
            OrderEvent::Expired { at } => self.lifecycle = Lifecycle::Expired { at },
            OrderEvent::NoteAdded { note, at } => self.notes.push(Note { text: note, at }),
            OrderEvent::ReservationExtended { reserved_until, .. } => {
                self.reserved_until = reserved_until;
            }
        }
    }

    fn apply_update(&mut self, contact: Option<Personal>, shipping_address: Option<Personal>) {
        if let Some(contact) = contact {
            self.placed.contact = contact;
        }
        if let Some(shipping_address) = shipping_address {
            self.placed.shipping_address = shipping_address;
        }
    }

    fn apply_payment(&mut self, id: PaymentId, share: PaymentShare, reserved_until: Timestamp) {
        self.payments.insert(id, share);
        self.latest_payment = Some(id);
        self.update_covering_payment(id);
        self.reserved_until = reserved_until;
    }

    fn apply_outcome(&mut self, id: PaymentId, outcome: PaymentOutcome) {
        if let Some(share) = self.payments.get_mut(&id) {
            share.outcome = outcome;
        }
        self.update_covering_payment(id);
    }

    fn apply_refund(&mut self, id: PaymentId, refunded: i64) {
        if let Some(share) = self.payments.get_mut(&id) {
            share.refunded = refunded;
        }
    }

    fn apply_confirmation(&mut self, at: Timestamp) {
        self.lifecycle = Lifecycle::Confirmed;
        self.confirmed_at = Some(at);
    }

    fn apply_shipment(&mut self, shipment: Shipment, at: Timestamp) {
        self.count(&shipment.lines, |line| &mut line.shipped);
        self.shipments.push(SentShipment { shipment, at });
    }

    fn apply_delivery(&mut self, lines: &[LineQuantity], at: Timestamp) {
        self.count(lines, |line| &mut line.delivered);
        if self.is_complete(|line| line.delivered) {
            self.lifecycle = Lifecycle::Completed;
            self.delivered_at = Some(at);
        }
    }

    /// The shop may accept goods whose return was never requested, so the counter of requested
    /// returns stops at 0.
    fn apply_return(&mut self, lines: &[LineQuantity]) {
        self.count(lines, |line| &mut line.returned);
        for LineQuantity { sku, quantity } in lines {
            if let Some(line) = self.line_mut(sku) {
                line.return_requested = (line.return_requested - quantity.units()).max(0);
            }
        }
    }

    /// The first payment that covers the order keeps it covered until that payment ends.
    fn update_covering_payment(&mut self, id: PaymentId) {
        let total = self.total();
        if self.payments.get(&id).is_some_and(|share| share.covers(total)) {
            self.covered_by.get_or_insert(id);
        } else if self.covered_by == Some(id) {
            self.covered_by = None;
        }
    }

    fn count(&mut self, lines: &[LineQuantity], counter: impl Fn(&mut OrderLine) -> &mut i64) {
        for LineQuantity { sku, quantity } in lines {
            if let Some(line) = self.line_mut(sku) {
                *counter(line) += quantity.units();
            }
        }
    }

    fn line_mut(&mut self, sku: &Sku) -> Option<&mut OrderLine> {
        self.lines.iter_mut().find(|line| line.ordered.sku == *sku)
    }
}

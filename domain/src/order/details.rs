//! What is known of an order, folded from its events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Lifecycle, LineQuantity, OrderError, OrderEvent, PaymentOutcome, Placed, PlacedLine, Shipment,
};
use crate::payment::PaymentMethod;
use crate::{Money, PaymentId, Personal, Sku, Timestamp};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderDetails {
    /// As it was placed, but for contact and address, which are kept up to date.
    pub placed: Placed,
    pub lifecycle: Lifecycle,
    pub lines: Vec<OrderLine>,
    pub payments: BTreeMap<PaymentId, PaymentShare>,
    /// The latest attempt to pay.
    pub latest_payment: Option<PaymentId>,
    /// The payment that covers the order: the first that did and has not ended since. What any
    /// other brings is surplus.
    pub covered_by: Option<PaymentId>,
    pub shipments: Vec<SentShipment>,
    pub notes: Vec<Note>,
    /// Unpaid, the stock goes back after this moment.
    pub reserved_until: Timestamp,
    pub confirmed_at: Option<Timestamp>,
    pub delivered_at: Option<Timestamp>,
    pub updated_at: Timestamp,
}

/// A line and how far its goods have come; units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderLine {
    pub ordered: PlacedLine,
    pub shipped: i64,
    pub delivered: i64,
    /// Asked to be taken back, and not yet.
    pub return_requested: i64,
    pub returned: i64,
}

/// One payment's part in an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PaymentShare {
    pub method: PaymentMethod,
    pub amount: Money,
    pub outcome: PaymentOutcome,
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

    /// Neither cancelled nor expired.
    pub fn is_open(&self) -> bool {
        !matches!(self.lifecycle, Lifecycle::Cancelled { .. } | Lifecycle::Expired { .. })
    }

    pub fn is_pending(&self) -> bool {
        self.lifecycle == Lifecycle::Placed
    }

    pub(super) fn line(&self, sku: &Sku) -> Result<&OrderLine, OrderError> {
        let line = self.lines.iter().find(|line| line.ordered.sku == *sku);
        line.ok_or_else(|| OrderError::LineNotFound(sku.clone()))
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
        match event {
            OrderEvent::Placed(_) => {}
            OrderEvent::Updated { contact, shipping_address, at } => {
                self.updated_at = at;
                if let Some(contact) = contact {
                    self.placed.contact = contact;
                }
                if let Some(shipping_address) = shipping_address {
                    self.placed.shipping_address = shipping_address;
                }
            }
            OrderEvent::PaymentStarted { payment, method, amount, reserved_until, at } => {
                let (outcome, refunded) = (PaymentOutcome::default(), 0);
                let share = PaymentShare { method, amount, outcome, refunded };
                self.payments.insert(payment, share);
                self.latest_payment = Some(payment);
                self.count_cover(payment);
                self.reserved_until = reserved_until;
                self.updated_at = at;
            }
            OrderEvent::PaymentRecorded { payment, outcome, at } => {
                if let Some(share) = self.payments.get_mut(&payment) {
                    share.outcome = outcome;
                }
                self.count_cover(payment);
                self.updated_at = at;
            }
            OrderEvent::RefundRecorded { payment, refunded, at } => {
                if let Some(share) = self.payments.get_mut(&payment) {
                    share.refunded = refunded;
                }
                self.updated_at = at;
            }
            OrderEvent::Confirmed { at } => {
                self.lifecycle = Lifecycle::Confirmed;
                self.confirmed_at = Some(at);
                self.updated_at = at;
            }
            OrderEvent::ProcessingStarted { at } => {
                self.lifecycle = Lifecycle::Processing;
                self.updated_at = at;
            }
            OrderEvent::Shipped { shipment, at } => {
                self.count(&shipment.lines, |line| &mut line.shipped);
                self.shipments.push(SentShipment { shipment, at });
                self.updated_at = at;
            }
            OrderEvent::Delivered { lines, at } => {
                self.count(&lines, |line| &mut line.delivered);
                if self.lines.iter().all(|l| l.delivered >= l.ordered.quantity.units()) {
                    self.lifecycle = Lifecycle::Completed;
                    self.delivered_at = Some(at);
                }
                self.updated_at = at;
            }
            OrderEvent::ReturnRequested { lines, at, .. } => {
                self.count(&lines, |line| &mut line.return_requested);
                self.updated_at = at;
            }
            OrderEvent::Returned { lines, at, .. } => {
                self.count(&lines, |line| &mut line.returned);
                self.count_down_requests(&lines);
                self.updated_at = at;
            }
            OrderEvent::Cancelled { reason, at } => {
                self.lifecycle = Lifecycle::Cancelled { reason, at };
                self.updated_at = at;
            }
            OrderEvent::Expired { at } => {
                self.lifecycle = Lifecycle::Expired { at };
                self.updated_at = at;
            }
            OrderEvent::NoteAdded { note, at } => {
                self.notes.push(Note { text: note, at });
                self.updated_at = at;
            }
            OrderEvent::CancelRequested { at, .. } => self.updated_at = at,
            OrderEvent::ReservationExtended { reserved_until, at } => {
                self.reserved_until = reserved_until;
                self.updated_at = at;
            }
        }
    }

    fn count_cover(&mut self, payment: PaymentId) {
        let total = self.total().amount;
        let covers = self.payments.get(&payment).is_some_and(|share| {
            let promised = share.method == PaymentMethod::CashOnDelivery;
            !share.outcome.closed && (promised || share.outcome.authorized >= total)
        });
        if covers {
            self.covered_by.get_or_insert(payment);
        } else if self.covered_by == Some(payment) {
            self.covered_by = None;
        }
    }

    fn count(&mut self, parts: &[LineQuantity], counter: impl Fn(&mut OrderLine) -> &mut i64) {
        for part in parts {
            if let Some(line) = self.lines.iter_mut().find(|l| l.ordered.sku == part.sku) {
                *counter(line) += part.quantity.units();
            }
        }
    }

    /// Goods may be taken back without having been asked about.
    fn count_down_requests(&mut self, parts: &[LineQuantity]) {
        for part in parts {
            if let Some(line) = self.lines.iter_mut().find(|l| l.ordered.sku == part.sku) {
                line.return_requested = (line.return_requested - part.quantity.units()).max(0);
            }
        }
    }
}

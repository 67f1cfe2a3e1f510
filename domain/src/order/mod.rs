//! An order, from placing to delivery. Read `event.rs`, `command.rs`, `status.rs`, then this file.

mod command;
mod event;
mod status;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

pub use self::command::{OrderCommand, OrderError};
pub use self::event::{
    CancelReason, OrderEvent, Part, PaymentOutcome, Placed, PlacedLine, Restocking, Shipment,
    Totals,
};
pub use self::status::{FulfilmentAxis, Lifecycle, OrderStatus, PaymentAxis};
use crate::decide::handle;
use crate::payment::Method;
use crate::{Decide, Money, PaymentId, Personal, Quantity, Sku, Timestamp};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Order {
    #[default]
    Absent,
    Existing(Box<Details>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Details {
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
    pub returned: i64,
}

/// One payment's part in an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PaymentShare {
    pub method: Method,
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

impl Order {
    pub fn details(&self) -> Option<&Details> {
        match self {
            Order::Absent => None,
            Order::Existing(details) => Some(details),
        }
    }

    pub fn existing(&self) -> Result<&Details, OrderError> {
        self.details().ok_or(OrderError::Missing)
    }
}

impl Details {
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

    fn line(&self, sku: &Sku) -> Result<&OrderLine, OrderError> {
        let line = self.lines.iter().find(|line| line.ordered.sku == *sku);
        line.ok_or_else(|| OrderError::LineNotFound(sku.clone()))
    }
}

impl Decide for Order {
    /// All the rules of an order.
    fn decide(&self, command: &OrderCommand, at: Timestamp) -> Result<Vec<OrderEvent>, OrderError> {
        if let OrderCommand::Place(placed) = command {
            return self.place(placed);
        }
        let order = self.existing()?;
        match command {
            OrderCommand::Place(_) => Ok(vec![]),
            OrderCommand::Update { contact, shipping_address } => {
                if !order.is_open() {
                    return Err(OrderError::Closed);
                }
                if !matches!(order.lifecycle, Lifecycle::Placed | Lifecycle::Confirmed) {
                    return Err(OrderError::AlreadyProcessing);
                }
                if contact.is_none() && shipping_address.is_none() {
                    return Ok(vec![]);
                }
                let (contact, shipping_address) = (contact.clone(), shipping_address.clone());
                Ok(vec![OrderEvent::Updated { contact, shipping_address, at }])
            }
            OrderCommand::StartPayment { payment, method, amount, reserved_until } => {
                if !order.is_pending() {
                    return Err(OrderError::NotPending);
                }
                Ok(vec![OrderEvent::PaymentStarted {
                    payment: *payment,
                    method: *method,
                    amount: *amount,
                    reserved_until: *reserved_until,
                    at,
                }])
            }
            OrderCommand::RecordPayment { payment, outcome, refunded } => {
                Ok(order.record_payment(*payment, *outcome, *refunded, at))
            }
            OrderCommand::Confirm => match order.lifecycle {
                Lifecycle::Placed | Lifecycle::Expired { .. } => {
                    Ok(vec![OrderEvent::Confirmed { at }])
                }
                Lifecycle::Cancelled { .. } => Err(OrderError::Closed),
                _ => Ok(vec![]),
            },
            OrderCommand::StartProcessing => match order.lifecycle {
                Lifecycle::Confirmed => {
                    order.must_be_paid()?;
                    Ok(vec![OrderEvent::ProcessingStarted { at }])
                }
                Lifecycle::Placed => Err(OrderError::NotConfirmed),
                Lifecycle::Cancelled { .. } | Lifecycle::Expired { .. } => Err(OrderError::Closed),
                Lifecycle::Processing | Lifecycle::Completed => Ok(vec![]),
            },
            OrderCommand::Ship { shipment } => order.ship(shipment, at),
            OrderCommand::Deliver { lines } => order.deliver(lines, at),
            OrderCommand::Cancel { reason } => order.cancel(reason, at),
            OrderCommand::Expire => match order.lifecycle {
                Lifecycle::Placed => Ok(vec![OrderEvent::Expired { at }]),
                _ => Ok(vec![]),
            },
            OrderCommand::AddNote { note } => {
                Ok(vec![OrderEvent::NoteAdded { note: note.clone(), at }])
            }
        }
    }
}

impl Order {
    fn place(&self, placed: &Placed) -> Result<Vec<OrderEvent>, OrderError> {
        if self.details().is_some() {
            return Ok(vec![]);
        }
        if placed.lines.is_empty() {
            return Err(OrderError::NoLines);
        }
        Ok(vec![OrderEvent::Placed(Box::new(placed.clone()))])
    }
}

impl Details {
    /// Facts are recorded whatever state the order is in; what is known already is not news.
    fn record_payment(
        &self,
        payment: PaymentId,
        outcome: PaymentOutcome,
        refunded: i64,
        at: Timestamp,
    ) -> Vec<OrderEvent> {
        let known = self.payments.get(&payment);
        let mut events = vec![];
        if known.is_none_or(|share| share.outcome != outcome) {
            events.push(OrderEvent::PaymentRecorded { payment, outcome, at });
        }
        if refunded > known.map_or(0, |share| share.refunded) {
            events.push(OrderEvent::RefundRecorded { payment, refunded, at });
        }
        events
    }

    /// Goods leave only while a payment covers them: it may have been let go, or have gone back,
    /// since it confirmed the order.
    fn must_be_paid(&self) -> Result<(), OrderError> {
        let lost = !self.payments.is_empty() && self.covered_by.is_none();
        if lost || self.payment() == PaymentAxis::Refunded {
            return Err(OrderError::NotPaid);
        }
        Ok(())
    }

    fn must_be_processing(&self) -> Result<(), OrderError> {
        match self.lifecycle {
            Lifecycle::Processing | Lifecycle::Completed => Ok(()),
            Lifecycle::Cancelled { .. } | Lifecycle::Expired { .. } => Err(OrderError::Closed),
            Lifecycle::Placed => Err(OrderError::NotConfirmed),
            Lifecycle::Confirmed => Err(OrderError::NotProcessing),
        }
    }

    fn ship(&self, shipment: &Shipment, at: Timestamp) -> Result<Vec<OrderEvent>, OrderError> {
        self.must_be_processing()?;
        self.must_be_paid()?;
        let unshipped = |line: &OrderLine| line.ordered.quantity.units() - line.shipped;
        let lines = self.parts(&shipment.lines, unshipped, |sku, unshipped, wanted| {
            OrderError::ExceedsUnshipped { sku, unshipped, wanted }
        })?;
        if lines.is_empty() {
            return Err(OrderError::NothingToShip);
        }
        let shipment = Shipment { lines, ..shipment.clone() };
        Ok(vec![OrderEvent::Shipped { shipment, at }])
    }

    fn deliver(&self, lines: &[Part], at: Timestamp) -> Result<Vec<OrderEvent>, OrderError> {
        self.must_be_processing()?;
        let undelivered = |line: &OrderLine| line.shipped - line.delivered;
        let lines = self.parts(lines, undelivered, |sku, undelivered, wanted| {
            OrderError::ExceedsShipped { sku, undelivered, wanted }
        })?;
        if lines.is_empty() {
            return Err(OrderError::NothingToDeliver);
        }
        Ok(vec![OrderEvent::Delivered { lines, at }])
    }

    fn cancel(&self, reason: &CancelReason, at: Timestamp) -> Result<Vec<OrderEvent>, OrderError> {
        match (&self.lifecycle, reason) {
            (Lifecycle::Cancelled { .. }, _) => return Ok(vec![]),
            // Money that came too late for its stock ends an expired order as cancelled.
            (Lifecycle::Expired { .. }, CancelReason::OutOfStock) => {}
            (Lifecycle::Expired { .. }, _) => return Err(OrderError::Closed),
            (_, _) if self.lines.iter().any(|line| line.shipped > 0) => {
                return Err(OrderError::AlreadyShipped);
            }
            (Lifecycle::Processing, CancelReason::Customer(_)) => {
                return Err(OrderError::AlreadyProcessing);
            }
            _ => {}
        }
        Ok(vec![OrderEvent::Cancelled { reason: reason.clone(), at }])
    }

    /// The named parts, one per SKU; where none is named, all that is open.
    fn parts(
        &self,
        named: &[Part],
        open: impl Fn(&OrderLine) -> i64,
        exceeds: impl Fn(Sku, i64, i64) -> OrderError,
    ) -> Result<Vec<Part>, OrderError> {
        let mut wanted: BTreeMap<Sku, i64> = BTreeMap::new();
        for part in named {
            *wanted.entry(part.sku.clone()).or_default() += part.quantity.units();
        }
        if named.is_empty() {
            wanted.extend(self.lines.iter().map(|line| (line.ordered.sku.clone(), open(line))));
        }
        let mut parts = vec![];
        for (sku, units) in wanted.into_iter().filter(|(_, units)| *units > 0) {
            let open = open(self.line(&sku)?);
            match Quantity::new(units) {
                Ok(quantity) if units <= open => parts.push(Part { sku, quantity }),
                _ => return Err(exceeds(sku, open, units)),
            }
        }
        Ok(parts)
    }
}

impl Aggregate for Order {
    const TYPE: &'static str = "order";
    type Command = OrderCommand;
    type Event = OrderEvent;
    type Error = OrderError;
    type Services = Timestamp;

    async fn handle(
        &mut self,
        command: OrderCommand,
        now: &Timestamp,
        sink: &EventSink<Self>,
    ) -> Result<(), OrderError> {
        handle(self, &command, *now, sink).await
    }

    fn apply(&mut self, event: OrderEvent) {
        match (&mut *self, event) {
            (Order::Absent, OrderEvent::Placed(placed)) => {
                *self = Order::Existing(Box::new(Details::new(*placed)));
            }
            (Order::Absent, _) => {}
            (Order::Existing(details), event) => details.apply(event),
        }
    }
}

impl Details {
    fn new(placed: Placed) -> Self {
        let line = |ordered| OrderLine { ordered, shipped: 0, delivered: 0, returned: 0 };
        Details {
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

    fn apply(&mut self, event: OrderEvent) {
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
            OrderEvent::Returned { lines, at, .. } => {
                self.count(&lines, |line| &mut line.returned);
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
            OrderEvent::CancelRequested { at, .. } | OrderEvent::ReturnRequested { at, .. } => {
                self.updated_at = at;
            }
        }
    }

    fn count_cover(&mut self, payment: PaymentId) {
        let total = self.total().amount;
        let covers = self.payments.get(&payment).is_some_and(|share| {
            let promised = share.method == Method::CashOnDelivery;
            !share.outcome.closed && (promised || share.outcome.authorized >= total)
        });
        if covers {
            self.covered_by.get_or_insert(payment);
        } else if self.covered_by == Some(payment) {
            self.covered_by = None;
        }
    }

    fn count(&mut self, parts: &[Part], counter: impl Fn(&mut OrderLine) -> &mut i64) {
        for part in parts {
            if let Some(line) = self.lines.iter_mut().find(|l| l.ordered.sku == part.sku) {
                *counter(line) += part.quantity.units();
            }
        }
    }
}

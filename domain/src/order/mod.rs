//! An order, from placing to delivery. Read `event.rs`, `command.rs`, `details.rs`, `status.rs`,
//! then this file and `fulfilment.rs`, which has the rules for shipping, delivering and returning.

mod command;
mod details;
mod event;
mod fulfilment;
mod status;
#[cfg(test)]
mod tests;

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

pub use self::command::{OrderCommand, OrderError};
pub use self::details::{Lifecycle, Note, OrderDetails, OrderLine, PaymentShare, SentShipment};
pub use self::event::{
    CancelReason, LineQuantity, OrderEvent, PaymentOutcome, Placed, PlacedLine, Restocking,
    Shipment, Totals,
};
pub use self::status::{OrderFulfilmentState, OrderPaymentState, OrderStatus};
use crate::decide::handle;
use crate::payment::PaymentMethod;
use crate::{Decide, Money, PaymentId, Personal, Timestamp};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Order {
    #[default]
    Absent,
    Existing(Box<OrderDetails>),
}

/// The events of a decision, or why it is refused.
type Decision = Result<Vec<OrderEvent>, OrderError>;

impl Order {
    pub fn details(&self) -> Option<&OrderDetails> {
        match self {
            Order::Absent => None,
            Order::Existing(details) => Some(details),
        }
    }

    pub fn existing(&self) -> Result<&OrderDetails, OrderError> {
        self.details().ok_or(OrderError::Missing)
    }
}

impl Decide for Order {
    /// All the rules of an order.
    fn decide(&self, command: &OrderCommand, at: Timestamp) -> Decision {
        match self {
            Order::Absent => place(command),
            Order::Existing(details) => details.decide(command, at),
        }
    }
}

/// Only `Place` creates an order.
fn place(command: &OrderCommand) -> Decision {
    let OrderCommand::Place(placed) = command else { return Err(OrderError::Missing) };
    if placed.lines.is_empty() {
        return Err(OrderError::NoLines);
    }
    Ok(vec![OrderEvent::Placed(placed.clone())])
}

impl OrderDetails {
    fn decide(&self, command: &OrderCommand, at: Timestamp) -> Decision {
        match command {
            // The order exists already.
            OrderCommand::Place(_) => Ok(vec![]),
            OrderCommand::Update { contact, shipping_address } => {
                self.update(contact.as_ref(), shipping_address.as_ref(), at)
            }
            OrderCommand::StartPayment { payment, method, amount, reserved_until } => {
                self.start_payment(*payment, *method, *amount, *reserved_until, at)
            }
            OrderCommand::RecordPayment { payment, outcome, refunded } => {
                Ok(self.record_payment(*payment, *outcome, *refunded, at))
            }
            OrderCommand::ExtendReservation { reserved_until } => {
                Ok(self.extend_reservation(*reserved_until, at))
            }
            OrderCommand::Confirm => self.confirm(at),
            OrderCommand::StartProcessing => self.start_processing(at),
            OrderCommand::Ship { shipment } => self.ship(shipment, at),
            OrderCommand::Deliver { lines } => self.deliver(lines, at),
            OrderCommand::RequestReturn { lines, reason } => {
                self.request_return(lines, reason.as_ref(), at)
            }
            OrderCommand::AcceptReturn { lines, restocking } => {
                self.accept_return(lines, *restocking, at)
            }
            OrderCommand::Cancel { reason } => self.cancel(reason, at),
            OrderCommand::Expire => Ok(self.expire(at)),
            OrderCommand::AddNote { note } => {
                Ok(vec![OrderEvent::NoteAdded { note: note.clone(), at }])
            }
        }
    }

    fn update(
        &self,
        contact: Option<&Personal>,
        shipping_address: Option<&Personal>,
        at: Timestamp,
    ) -> Decision {
        if !self.is_open() {
            return Err(OrderError::Closed);
        }
        if !matches!(self.lifecycle, Lifecycle::Placed | Lifecycle::Confirmed) {
            return Err(OrderError::AlreadyProcessing);
        }
        if contact.is_none() && shipping_address.is_none() {
            return Ok(vec![]);
        }
        let (contact, shipping_address) = (contact.cloned(), shipping_address.cloned());
        Ok(vec![OrderEvent::Updated { contact, shipping_address, at }])
    }

    fn start_payment(
        &self,
        payment: PaymentId,
        method: PaymentMethod,
        amount: Money,
        reserved_until: Timestamp,
        at: Timestamp,
    ) -> Decision {
        if !self.is_pending() {
            return Err(OrderError::NotPending);
        }
        Ok(vec![OrderEvent::PaymentStarted { payment, method, amount, reserved_until, at }])
    }

    /// Records a payment in whatever state the order is, unless it is recorded already.
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

    /// A reservation is only extended, never shortened.
    fn extend_reservation(&self, reserved_until: Timestamp, at: Timestamp) -> Vec<OrderEvent> {
        if !self.is_pending() || reserved_until <= self.reserved_until {
            return vec![];
        }
        vec![OrderEvent::ReservationExtended { reserved_until, at }]
    }

    fn confirm(&self, at: Timestamp) -> Decision {
        match self.lifecycle {
            Lifecycle::Placed | Lifecycle::Expired { .. } => Ok(vec![OrderEvent::Confirmed { at }]),
            Lifecycle::Cancelled { .. } => Err(OrderError::Closed),
            Lifecycle::Confirmed | Lifecycle::Processing | Lifecycle::Completed => Ok(vec![]),
        }
    }

    fn start_processing(&self, at: Timestamp) -> Decision {
        match self.lifecycle {
            Lifecycle::Placed => return Err(OrderError::NotConfirmed),
            Lifecycle::Cancelled { .. } | Lifecycle::Expired { .. } => {
                return Err(OrderError::Closed);
            }
            Lifecycle::Processing | Lifecycle::Completed => return Ok(vec![]),
            Lifecycle::Confirmed => self.must_be_paid()?,
        }
        Ok(vec![OrderEvent::ProcessingStarted { at }])
    }

    /// Refuses if the order's payments do not cover it any more, because the one that confirmed it
    /// was voided, has expired or was refunded since. An order without a payment is not refused here.
    fn must_be_paid(&self) -> Result<(), OrderError> {
        let is_uncovered = !self.payments.is_empty() && self.covered_by.is_none();
        if is_uncovered || self.payment_state() == OrderPaymentState::Refunded {
            return Err(OrderError::NotPaid);
        }
        Ok(())
    }

    fn cancel(&self, reason: &CancelReason, at: Timestamp) -> Decision {
        let is_late_payment =
            matches!(reason, CancelReason::OutOfStock | CancelReason::CouponUsedUp);
        match self.lifecycle {
            Lifecycle::Cancelled { .. } => return Ok(vec![]),
            // A payment that succeeds too late cancels even an expired order, if there is no stock
            // for it.
            Lifecycle::Expired { .. } if !is_late_payment => return Err(OrderError::Closed),
            Lifecycle::Expired { .. } => {}
            _ => self.must_be_cancellable(reason)?,
        }
        Ok(vec![OrderEvent::Cancelled { reason: reason.clone(), at }])
    }

    fn must_be_cancellable(&self, reason: &CancelReason) -> Result<(), OrderError> {
        if self.lines.iter().any(|line| line.shipped > 0) {
            return Err(OrderError::AlreadyShipped);
        }
        let is_by_customer = matches!(reason, CancelReason::Customer(_));
        if is_by_customer && self.lifecycle == Lifecycle::Processing {
            return Err(OrderError::AlreadyProcessing);
        }
        Ok(())
    }

    fn expire(&self, at: Timestamp) -> Vec<OrderEvent> {
        if self.is_pending() { vec![OrderEvent::Expired { at }] } else { vec![] }
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
                *self = Order::Existing(Box::new(OrderDetails::new(*placed)));
            }
            // A stream of an order begins with no other event.
            (Order::Absent, _) => {}
            (Order::Existing(details), event) => details.apply(event),
        }
    }
}

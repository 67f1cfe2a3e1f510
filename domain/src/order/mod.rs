//! An order, from placing to delivery. Read `event.rs`, `command.rs`, `details.rs`, `status.rs`,
//! then this file.

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
pub use self::details::{Note, OrderDetails, OrderLine, PaymentShare, SentShipment};
pub use self::event::{
    CancelReason, LineQuantity, OrderEvent, PaymentOutcome, Placed, PlacedLine, Restocking,
    Shipment, Totals,
};
pub use self::status::{Lifecycle, OrderFulfilmentState, OrderPaymentState, OrderStatus};
use crate::decide::handle;
use crate::{Decide, PaymentId, Timestamp};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Order {
    #[default]
    Absent,
    Existing(Box<OrderDetails>),
}

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
            OrderCommand::ExtendReservation { reserved_until } => {
                if !order.is_pending() || *reserved_until <= order.reserved_until {
                    return Ok(vec![]);
                }
                Ok(vec![OrderEvent::ReservationExtended { reserved_until: *reserved_until, at }])
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
            OrderCommand::RequestReturn { lines, reason } => {
                order.request_return(lines, reason.as_ref(), at)
            }
            OrderCommand::AcceptReturn { lines, restocking } => {
                order.accept_return(lines, *restocking, at)
            }
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

impl OrderDetails {
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
        if lost || self.payment_state() == OrderPaymentState::Refunded {
            return Err(OrderError::NotPaid);
        }
        Ok(())
    }

    fn cancel(&self, reason: &CancelReason, at: Timestamp) -> Result<Vec<OrderEvent>, OrderError> {
        match (&self.lifecycle, reason) {
            (Lifecycle::Cancelled { .. }, _) => return Ok(vec![]),
            // Money that came too late ends an expired order as cancelled.
            (Lifecycle::Expired { .. }, CancelReason::OutOfStock | CancelReason::CouponUsedUp) => {}
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
            (Order::Absent, _) => {}
            (Order::Existing(details), event) => details.apply(event),
        }
    }
}

//! What follows from an event, as data: commands to the shop's own streams, calls to the payment
//! provider, and deadlines. All of it is pure; the runners live in `commands` and `projections`.
//!
//! The process manager keeps no state of its own: the commands it sends are decided on the
//! present state of every stream that they touch, so hearing an event late or twice is harmless.

mod deadline;
#[cfg(test)]
mod tests;

pub use self::deadline::{Deadline, DeadlineChange, deadline};
use crate::order::OrderEvent;
use crate::payment::{Method, PaymentEvent};
use crate::{Event, OrderId, PaymentId, StreamId};

/// A command that answers an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaction {
    /// Bring the order in line with this payment.
    Settle(PaymentId),
    /// Give back what the payments of this order have brought.
    UnwindPayments(OrderId),
}

/// A call to the payment provider. Its idempotency key is the payment and the request number,
/// both in the log before the call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    Create(PaymentId),
    Capture(PaymentId, u32),
    Void(PaymentId),
    Refund(PaymentId, u32),
}

impl Reaction {
    /// Stored, as a part of the id of the command that it becomes: never changes.
    pub fn name(self) -> &'static str {
        match self {
            Reaction::Settle(_) => "settle",
            Reaction::UnwindPayments(_) => "unwindPayments",
        }
    }

    pub fn target(self) -> StreamId {
        match self {
            Reaction::Settle(payment) => payment.stream(),
            Reaction::UnwindPayments(order) => order.stream(),
        }
    }
}

impl Effect {
    /// Stored, as a part of the id under which the answer is recorded: never changes.
    pub fn name(self) -> String {
        match self {
            Effect::Create(_) => "create".to_owned(),
            Effect::Capture(_, request) => format!("capture/{request}"),
            Effect::Void(_) => "void".to_owned(),
            Effect::Refund(_, request) => format!("refund/{request}"),
        }
    }

    pub fn payment(self) -> PaymentId {
        match self {
            Effect::Create(payment)
            | Effect::Capture(payment, _)
            | Effect::Void(payment)
            | Effect::Refund(payment, _) => payment,
        }
    }
}

pub fn react(stream: StreamId, event: &Event) -> Vec<Reaction> {
    let payment = PaymentId(stream.id);
    let order = OrderId(stream.id);
    match event {
        // Happy path.
        Event::Payment(PaymentEvent::Authorized { .. } | PaymentEvent::Captured { .. }) => {
            vec![Reaction::Settle(payment)]
        }
        Event::Payment(PaymentEvent::Initiated { method: Method::CashOnDelivery, .. }) => {
            vec![Reaction::Settle(payment)]
        }

        // Compensation.
        Event::Payment(
            PaymentEvent::Failed { .. }
            | PaymentEvent::CaptureFailed { .. }
            | PaymentEvent::Cancelled { .. }
            | PaymentEvent::Voided { .. }
            | PaymentEvent::Expired { .. }
            | PaymentEvent::Refunded { .. }
            | PaymentEvent::DisputeOpened { .. }
            | PaymentEvent::DisputeWon { .. }
            | PaymentEvent::DisputeLost { .. },
        ) => vec![Reaction::Settle(payment)],
        // An expired order waits: money that comes after all may still find its stock.
        Event::Order(OrderEvent::Cancelled { .. }) => vec![Reaction::UnwindPayments(order)],
        _ => vec![],
    }
}

/// What the payment provider is to be asked.
pub fn effect(stream: StreamId, event: &Event) -> Option<Effect> {
    let payment = PaymentId(stream.id);
    match event {
        Event::Payment(PaymentEvent::Initiated { method: Method::CashOnDelivery, .. }) => None,
        Event::Payment(PaymentEvent::Initiated { .. }) => Some(Effect::Create(payment)),
        Event::Payment(PaymentEvent::CaptureRequested { request, .. }) => {
            Some(Effect::Capture(payment, *request))
        }
        Event::Payment(PaymentEvent::VoidRequested { .. }) => Some(Effect::Void(payment)),
        Event::Payment(PaymentEvent::RefundRequested { request, .. }) => {
            Some(Effect::Refund(payment, *request))
        }
        _ => None,
    }
}

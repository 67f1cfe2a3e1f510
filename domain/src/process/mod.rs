//! What follows from an event, as data: commands to the shop's own streams, calls to the payment
//! provider, messages, and deadlines. All of it is pure; the runners live in `commands` and `projections`.
//!
//! The process manager keeps no state of its own: the commands it sends are decided on the
//! present state of every stream that they touch, so hearing an event late or twice is harmless.

mod deadline;
mod notifications;
#[cfg(test)]
mod tests;

pub use self::deadline::{Deadline, DeadlineChange, deadline};
pub use self::notifications::{NotificationRequest, notification_request};
use crate::order::OrderEvent;
use crate::payment::{Call, PaymentEvent, PaymentMethod};
use crate::{Event, OrderId, PaymentId, StreamId};

/// A command that answers an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaction {
    /// Bring the order in line with this payment.
    Settle(PaymentId),
    /// Give back what the payments of this order have brought.
    UnwindPayments(OrderId),
    /// Keep the stock of the order while nobody knows what became of this payment.
    ExtendReservation(PaymentId),
    /// Turn to the provider again later, or to a person.
    PlanFollowUp(PaymentId),
    /// Ask for a person where it is not known what became of a payment of this order.
    FlagUnknown(OrderId),
}

/// Something done outside of the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// A call to the payment provider. Its idempotency key is the payment and the request number,
    /// both in the log before the call is made.
    CallProvider(PaymentId, Call),
}

impl Reaction {
    /// Stored, as a part of the id of the command that it becomes: never changes.
    pub fn name(self) -> &'static str {
        match self {
            Reaction::Settle(_) => "settle",
            Reaction::UnwindPayments(_) => "unwindPayments",
            Reaction::ExtendReservation(_) => "holdStock",
            Reaction::PlanFollowUp(_) => "planFollowUp",
            Reaction::FlagUnknown(_) => "flagUnknown",
        }
    }

    pub fn target(self) -> StreamId {
        match self {
            Reaction::Settle(payment)
            | Reaction::ExtendReservation(payment)
            | Reaction::PlanFollowUp(payment) => payment.stream(),
            Reaction::UnwindPayments(order) | Reaction::FlagUnknown(order) => order.stream(),
        }
    }
}

impl Effect {
    /// Stored, as a part of the id under which the answer is recorded: never changes.
    pub fn name(self) -> String {
        let Effect::CallProvider(_, call) = self;
        match call {
            Call::Create => "create".to_owned(),
            Call::Capture(request) => format!("capture/{request}"),
            Call::Void => "void".to_owned(),
            Call::Refund(request) => format!("refund/{request}"),
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
        Event::Payment(PaymentEvent::Initiated {
            method: PaymentMethod::CashOnDelivery, ..
        }) => {
            vec![Reaction::Settle(payment)]
        }

        // Compensation.
        Event::Payment(
            PaymentEvent::Failed { .. }
            | PaymentEvent::Cancelled { .. }
            | PaymentEvent::Voided { .. }
            | PaymentEvent::Expired { .. }
            | PaymentEvent::Refunded { .. }
            | PaymentEvent::DisputeOpened { .. }
            | PaymentEvent::DisputeWon { .. }
            | PaymentEvent::DisputeLost { .. },
        ) => vec![Reaction::Settle(payment)],
        // The order may have been cancelled meanwhile: then its money is let go instead.
        Event::Payment(PaymentEvent::CaptureFailed { .. }) => {
            vec![Reaction::Settle(payment), Reaction::PlanFollowUp(payment)]
        }
        Event::Payment(PaymentEvent::VoidFailed { .. } | PaymentEvent::RefundFailed { .. }) => {
            vec![Reaction::PlanFollowUp(payment)]
        }
        Event::Payment(PaymentEvent::OutcomeUnknown { .. }) => {
            vec![Reaction::ExtendReservation(payment), Reaction::PlanFollowUp(payment)]
        }
        Event::Order(OrderEvent::Cancelled { .. }) => vec![Reaction::UnwindPayments(order)],
        // An expired order waits: money that comes after all may still find its stock.
        Event::Order(OrderEvent::Expired { .. }) => vec![Reaction::FlagUnknown(order)],
        _ => vec![],
    }
}

/// What is to be done outside of the shop.
pub fn effects(stream: StreamId, event: &Event) -> Vec<Effect> {
    let Event::Payment(event) = event else { return vec![] };
    let ask = |call| vec![Effect::CallProvider(PaymentId(stream.id), call)];
    match event {
        // Happy path.
        PaymentEvent::Initiated { method: PaymentMethod::CashOnDelivery, .. } => vec![],
        PaymentEvent::Initiated { .. } => ask(Call::Create),
        PaymentEvent::CaptureRequested { request, .. } => ask(Call::Capture(*request)),

        // Compensation.
        PaymentEvent::VoidRequested { .. } => ask(Call::Void),
        PaymentEvent::RefundRequested { request, .. } => ask(Call::Refund(*request)),
        PaymentEvent::FollowedUp { again, .. } => again.iter().copied().flat_map(ask).collect(),
        _ => vec![],
    }
}

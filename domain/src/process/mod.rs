//! What follows from an event, as data: commands to the shop's own streams, calls to the payment
//! provider, notifications, and deadlines. These are pure functions; `commands` and `projections`
//! execute their results.
//!
//! The process manager has no state of its own. Its commands are decided on the current state of
//! every stream that they change, so an event that is received late or twice does no harm.

mod deadline;
mod notifications;
#[cfg(test)]
mod tests;

pub use self::deadline::{Deadline, DeadlineChange, deadline};
pub use self::notifications::{NotificationRequest, notification_request};
use crate::order::OrderEvent;
use crate::payment::{Call, PaymentEvent, PaymentMethod};
use crate::{Event, OrderId, PaymentId, StreamId};

/// A command that reacts to an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaction {
    /// Settles the order with this payment.
    Settle(PaymentId),
    /// Voids and refunds all payments of this order.
    UnwindPayments(OrderId),
    /// Keeps the stock of the order reserved while the outcome of this payment is unknown.
    ExtendReservation(PaymentId),
    /// Schedules another call to the provider, or flags the payment for a person.
    PlanFollowUp(PaymentId),
    /// Flags the payments of this order whose outcome is unknown for a person.
    FlagUnknown(OrderId),
}

/// An action outside the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// A call to the payment provider. Its idempotency key is the payment and the request number,
    /// both in the log before the call is made.
    CallProvider(PaymentId, Call),
}

impl Reaction {
    /// A part of the id of the command that it becomes; such ids are stored, so it never changes.
    pub fn name(self) -> &'static str {
        match self {
            Reaction::Settle(_) => "settle",
            Reaction::UnwindPayments(_) => "unwindPayments",
            Reaction::ExtendReservation(_) => "holdStock",
            Reaction::PlanFollowUp(_) => "planFollowUp",
            Reaction::FlagUnknown(_) => "flagUnknown",
        }
    }

    /// The stream that the command is about.
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
    /// A part of the id of the command that records the answer; such ids are stored, so it never
    /// changes.
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

/// The commands that react to an event of this stream.
pub fn react(stream: StreamId, event: &Event) -> Vec<Reaction> {
    match event {
        Event::Payment(event) => react_to_payment(PaymentId(stream.id), event),
        Event::Order(event) => react_to_order(OrderId(stream.id), event),
        _ => vec![],
    }
}

fn react_to_payment(payment: PaymentId, event: &PaymentEvent) -> Vec<Reaction> {
    let settle = Reaction::Settle(payment);
    match event {
        // Happy path.
        PaymentEvent::Initiated { method: PaymentMethod::CashOnDelivery, .. } => vec![settle],
        PaymentEvent::Authorized { .. } | PaymentEvent::Captured { .. } => vec![settle],

        // Compensation.
        PaymentEvent::Failed { .. } | PaymentEvent::Cancelled { .. } => vec![settle],
        PaymentEvent::Voided { .. } | PaymentEvent::Expired { .. } => vec![settle],
        PaymentEvent::Refunded { .. } | PaymentEvent::DisputeOpened { .. } => vec![settle],
        PaymentEvent::DisputeWon { .. } | PaymentEvent::DisputeLost { .. } => vec![settle],
        // If the order was cancelled meanwhile, its payment is voided instead of captured again.
        PaymentEvent::CaptureFailed { .. } => vec![settle, Reaction::PlanFollowUp(payment)],
        PaymentEvent::VoidFailed { .. } => vec![Reaction::PlanFollowUp(payment)],
        PaymentEvent::RefundFailed { .. } => vec![Reaction::PlanFollowUp(payment)],
        PaymentEvent::OutcomeUnknown { .. } => {
            vec![Reaction::ExtendReservation(payment), Reaction::PlanFollowUp(payment)]
        }
        _ => vec![],
    }
}

/// Both reactions are compensations.
fn react_to_order(order: OrderId, event: &OrderEvent) -> Vec<Reaction> {
    match event {
        OrderEvent::Cancelled { .. } => vec![Reaction::UnwindPayments(order)],
        // The payments of an expired order are not unwound: if one succeeds late, the order can
        // still be confirmed as long as there is stock.
        OrderEvent::Expired { .. } => vec![Reaction::FlagUnknown(order)],
        _ => vec![],
    }
}

/// The external calls that an event of this stream requests.
pub fn effects(stream: StreamId, event: &Event) -> Vec<Effect> {
    let Event::Payment(event) = event else { return vec![] };
    let call = |call| vec![Effect::CallProvider(PaymentId(stream.id), call)];
    match event {
        // Happy path.
        PaymentEvent::Initiated { method: PaymentMethod::CashOnDelivery, .. } => vec![],
        PaymentEvent::Initiated { .. } => call(Call::Create),
        PaymentEvent::CaptureRequested { request, .. } => call(Call::Capture(*request)),

        // Compensation.
        PaymentEvent::VoidRequested { .. } => call(Call::Void),
        PaymentEvent::RefundRequested { request, .. } => call(Call::Refund(*request)),
        PaymentEvent::FollowedUp { again, .. } => again.iter().copied().flat_map(call).collect(),
        _ => vec![],
    }
}

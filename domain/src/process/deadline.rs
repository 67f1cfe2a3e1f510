//! What must happen by when. Only events add and remove deadlines, so they can be rebuilt.

use crate::notification::NotificationEvent;
use crate::order::OrderEvent;
use crate::payment::{PaymentEvent, capture_deadline};
use crate::{Event, StreamId, Timestamp};

/// What is done when the time has come. The names are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deadline {
    /// The order expires unless it is paid.
    OrderExpiry,
    /// The provider is turned to again, about what it did not answer or refused.
    PaymentFollowUp,
    /// Held money is captured, or somebody is told, before it is let go.
    AuthorizationExpiry,
    /// The message is sent. This is not a command but mail: it has a worker of its own.
    NotificationAttempt,
}

impl Deadline {
    pub const ALL: [Deadline; 4] = [
        Deadline::OrderExpiry,
        Deadline::PaymentFollowUp,
        Deadline::AuthorizationExpiry,
        Deadline::NotificationAttempt,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Deadline::OrderExpiry => "order_expiry",
            Deadline::PaymentFollowUp => "payment_follow_up",
            Deadline::AuthorizationExpiry => "authorization_expiry",
            Deadline::NotificationAttempt => "notification_attempt",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Deadline::ALL.into_iter().find(|deadline| deadline.as_str() == name)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadlineChange {
    /// One deadline of a kind per stream: the latest word counts.
    Set(Deadline, Timestamp),
    Clear(Deadline),
}

/// What an event of this stream does to its deadlines.
pub fn deadline(_stream: StreamId, event: &Event) -> Option<DeadlineChange> {
    match event {
        Event::Order(event) => of_order(event),
        Event::Payment(event) => of_payment(event),
        Event::Notification(event) => of_notification(event),
        _ => None,
    }
}

fn of_order(event: &OrderEvent) -> Option<DeadlineChange> {
    let deadline = Deadline::OrderExpiry;
    match event {
        OrderEvent::Placed(placed) => Some(DeadlineChange::Set(deadline, placed.reserved_until)),
        OrderEvent::PaymentStarted { reserved_until, .. }
        | OrderEvent::ReservationExtended { reserved_until, .. } => {
            Some(DeadlineChange::Set(deadline, *reserved_until))
        }
        OrderEvent::Confirmed { .. }
        | OrderEvent::Cancelled { .. }
        | OrderEvent::Expired { .. } => Some(DeadlineChange::Clear(deadline)),
        _ => None,
    }
}

fn of_payment(event: &PaymentEvent) -> Option<DeadlineChange> {
    let (follow_up, expiry) = (Deadline::PaymentFollowUp, Deadline::AuthorizationExpiry);
    match event {
        // Happy path: the money is held, and taken.
        PaymentEvent::Authorized { expires_at: Some(expires_at), at, .. } => {
            Some(DeadlineChange::Set(expiry, capture_deadline(*at, *expires_at)))
        }
        PaymentEvent::Captured { .. } => Some(DeadlineChange::Clear(expiry)),
        PaymentEvent::RestHeld { expires_at, at } => {
            Some(DeadlineChange::Set(expiry, capture_deadline(*at, *expires_at)))
        }

        // Compensation.
        PaymentEvent::Cancelled { .. }
        | PaymentEvent::Voided { .. }
        | PaymentEvent::Expired { .. } => Some(DeadlineChange::Clear(expiry)),
        PaymentEvent::AuthorizationExpiring { expires_at, .. } => {
            Some(DeadlineChange::Set(expiry, *expires_at))
        }
        PaymentEvent::FollowUpScheduled { due_at, .. } => {
            Some(DeadlineChange::Set(follow_up, *due_at))
        }
        PaymentEvent::FollowedUp { .. } => Some(DeadlineChange::Clear(follow_up)),
        _ => None,
    }
}

fn of_notification(event: &NotificationEvent) -> Option<DeadlineChange> {
    let set = |at| DeadlineChange::Set(Deadline::NotificationAttempt, at);
    match event {
        NotificationEvent::Requested(requested) => Some(set(requested.at)),
        NotificationEvent::Failed { next_attempt_at: Some(at), .. } => Some(set(*at)),
        NotificationEvent::Failed { next_attempt_at: None, .. }
        | NotificationEvent::Sent { .. }
        | NotificationEvent::Abandoned { .. } => {
            Some(DeadlineChange::Clear(Deadline::NotificationAttempt))
        }
    }
}

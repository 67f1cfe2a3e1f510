//! Deadlines: what must be done by when. Only events set and clear deadlines, so the table of
//! deadlines can be rebuilt from the log.

use serde::{Deserialize, Serialize};

use crate::notification::NotificationEvent;
use crate::order::OrderEvent;
use crate::payment::{PaymentEvent, capture_deadline};
use crate::{Event, StreamId, Timestamp, from_stored_name, stored_name};

/// What is done when a deadline is due. Its name is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deadline {
    /// The order expires unless it is paid.
    OrderExpiry,
    /// The provider is called again about calls that it did not answer or refused.
    PaymentFollowUp,
    /// Authorised money is captured, or the payment flagged for a person, before it expires.
    AuthorizationExpiry,
    /// The message is sent. The mail worker does this, not a command.
    NotificationAttempt,
}

impl Deadline {
    pub const ALL: [Deadline; 4] = [
        Deadline::OrderExpiry,
        Deadline::PaymentFollowUp,
        Deadline::AuthorizationExpiry,
        Deadline::NotificationAttempt,
    ];

    /// The stored name.
    pub fn as_str(self) -> &'static str {
        stored_name(&self)
    }

    pub fn parse(name: &str) -> Option<Self> {
        from_stored_name(name)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadlineChange {
    /// A stream has at most one deadline of each kind; setting it again replaces it.
    Set(Deadline, Timestamp),
    Clear(Deadline),
}

/// How an event of this stream changes its deadlines.
pub fn deadline(_stream: StreamId, event: &Event) -> Option<DeadlineChange> {
    match event {
        Event::Order(event) => order_deadline(event),
        Event::Payment(event) => payment_deadline(event),
        Event::Notification(event) => notification_deadline(event),
        _ => None,
    }
}

fn order_deadline(event: &OrderEvent) -> Option<DeadlineChange> {
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

fn payment_deadline(event: &PaymentEvent) -> Option<DeadlineChange> {
    let (follow_up, expiry) = (Deadline::PaymentFollowUp, Deadline::AuthorizationExpiry);
    match event {
        // Happy path: the money is authorised, then captured.
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

fn notification_deadline(event: &NotificationEvent) -> Option<DeadlineChange> {
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

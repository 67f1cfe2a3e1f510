//! What must happen by when. Only events add and remove deadlines, so they can be rebuilt.

use crate::order::OrderEvent;
use crate::{Event, StreamId, Timestamp};

/// What is done when the time has come. The names are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deadline {
    /// The order expires unless it is paid.
    OrderExpiry,
}

impl Deadline {
    pub fn as_str(self) -> &'static str {
        match self {
            Deadline::OrderExpiry => "order_expiry",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        (name == Deadline::OrderExpiry.as_str()).then_some(Deadline::OrderExpiry)
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
    let Event::Order(event) = event else { return None };
    match event {
        OrderEvent::Placed(placed) => {
            Some(DeadlineChange::Set(Deadline::OrderExpiry, placed.reserved_until))
        }
        OrderEvent::PaymentStarted { reserved_until, .. } => {
            Some(DeadlineChange::Set(Deadline::OrderExpiry, *reserved_until))
        }
        OrderEvent::Confirmed { .. }
        | OrderEvent::Cancelled { .. }
        | OrderEvent::Expired { .. } => Some(DeadlineChange::Clear(Deadline::OrderExpiry)),
        _ => None,
    }
}

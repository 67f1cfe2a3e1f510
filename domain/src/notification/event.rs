//! The events of a notification. These names and fields are the storage format: add, never change.

use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use super::Message;
use crate::{CustomerId, OrderId, Personal, Timestamp, stored_name};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum NotificationEvent {
    #[serde(rename = "notification.requested")]
    Requested(Box<Requested>),
    /// The mail server has accepted it. `attempt` counts from 1.
    #[serde(rename = "notification.sent")]
    Sent { attempt: u32, at: Timestamp },
    /// The next attempt is due at `next_attempt_at`, if there is one. The reason contains no
    /// personal data.
    #[serde(rename = "notification.failed")]
    Failed { attempt: u32, reason: String, next_attempt_at: Option<Timestamp>, at: Timestamp },
    /// It will not be sent. The reason contains no personal data.
    #[serde(rename = "notification.abandoned")]
    Abandoned { reason: String, at: Timestamp },
}

/// A message as it was requested. Its contents do not follow later changes of the order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Requested {
    pub channel: Channel,
    pub recipient: Recipient,
    /// The order that it is about; `None` for a message about stock.
    pub order: Option<OrderId>,
    #[serde(flatten)]
    pub message: Message,
    pub at: Timestamp,
}

/// How the message is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    Email,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipient {
    /// The person who placed the order; `customer` is `None` for a guest.
    Buyer { contact: Personal, customer: Option<CustomerId> },
    /// The shop's staff.
    Staff,
}

impl DomainEvent for NotificationEvent {
    fn event_type(&self) -> String {
        stored_name(self).to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

//! What can happen to a message. These names and fields are the storage format: add, never change.

use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use super::Message;
use crate::{CustomerId, OrderId, Personal, Timestamp};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum NotificationEvent {
    #[serde(rename = "notification.requested")]
    Requested(Box<Requested>),
    /// Taken by whoever delivers it. `attempt` counts from 1.
    #[serde(rename = "notification.sent")]
    Sent { attempt: u32, at: Timestamp },
    /// It is tried again, unless there is no next attempt. The reason names nobody.
    #[serde(rename = "notification.failed")]
    Failed { attempt: u32, reason: String, next_attempt_at: Option<Timestamp>, at: Timestamp },
    /// It will not be sent. The reason names nobody.
    #[serde(rename = "notification.abandoned")]
    Abandoned { reason: String, at: Timestamp },
}

/// A message as it was asked for: what it says does not change with what it is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Requested {
    pub channel: Channel,
    pub recipient: Recipient,
    /// What it is about, unless it is about the stock.
    pub order: Option<OrderId>,
    #[serde(flatten)]
    pub message: Message,
    pub at: Timestamp,
}

/// How it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    Email,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipient {
    /// Whoever placed the order; guests have no customer's id.
    Buyer { contact: Personal, customer: Option<CustomerId> },
    /// Whoever looks after the shop.
    Staff,
}

impl NotificationEvent {
    pub fn name(&self) -> &'static str {
        match self {
            NotificationEvent::Requested(_) => "notification.requested",
            NotificationEvent::Sent { .. } => "notification.sent",
            NotificationEvent::Failed { .. } => "notification.failed",
            NotificationEvent::Abandoned { .. } => "notification.abandoned",
        }
    }
}

impl DomainEvent for NotificationEvent {
    fn event_type(&self) -> String {
        self.name().to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

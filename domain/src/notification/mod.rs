//! A notification: one message to one recipient, until it is sent or given up. Read `event.rs`,
//! `message.rs` (what it says), `command.rs`, then this file.

mod command;
mod event;
mod message;
mod retry;
#[cfg(test)]
mod tests;

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

pub use self::command::{DeliveryOutcome, NotificationCommand, NotificationError};
pub use self::event::{Channel, NotificationEvent, Recipient, Requested};
pub use self::message::{Message, MessageItem, MessageLine, News, Template};
pub use self::retry::RetrySchedule;
use crate::decide::handle;
use crate::{CustomerId, Decide, Timestamp};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Notification {
    #[default]
    Absent,
    Requested(Box<OutgoingMessage>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutgoingMessage {
    pub request: Requested,
    pub progress: Progress,
    /// The first one first.
    pub attempts: Vec<DeliveryAttempt>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// The next attempt is due then.
    Pending {
        due_at: Timestamp,
    },
    Sent {
        at: Timestamp,
    },
    Abandoned {
        reason: String,
        at: Timestamp,
    },
}

/// One attempt to send it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryAttempt {
    pub at: Timestamp,
    /// Why it failed, if it did.
    pub failure: Option<String>,
    pub next_attempt_at: Option<Timestamp>,
}

/// Where a message stands. The names are stored in the read model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotificationStatus {
    Pending,
    Sent,
    Abandoned,
}

impl Notification {
    pub fn outgoing_message(&self) -> Option<&OutgoingMessage> {
        match self {
            Notification::Absent => None,
            Notification::Requested(letter) => Some(letter),
        }
    }
}

impl OutgoingMessage {
    pub fn status(&self) -> NotificationStatus {
        match self.progress {
            Progress::Pending { .. } => NotificationStatus::Pending,
            Progress::Sent { .. } => NotificationStatus::Sent,
            Progress::Abandoned { .. } => NotificationStatus::Abandoned,
        }
    }

    /// The number of the attempt that is to be made by now, counted from 1.
    pub fn attempt_due(&self, now: Timestamp) -> Option<u32> {
        let due = matches!(self.progress, Progress::Pending { due_at } if due_at <= now);
        due.then(|| self.next_attempt())
    }

    /// The customer it was written to; guests and staff have none.
    pub fn customer(&self) -> Option<CustomerId> {
        match self.request.recipient {
            Recipient::Buyer { customer, .. } => customer,
            Recipient::Staff => None,
        }
    }

    /// The number of the attempt that comes next, counted from 1.
    pub fn next_attempt(&self) -> u32 {
        u32::try_from(self.attempts.len()).map_or(u32::MAX, |made| made + 1)
    }

    fn is_pending(&self) -> bool {
        self.status() == NotificationStatus::Pending
    }
}

impl NotificationStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            NotificationStatus::Pending => "pending",
            NotificationStatus::Sent => "sent",
            NotificationStatus::Abandoned => "abandoned",
        }
    }
}

impl Decide for Notification {
    /// All the rules of a message.
    fn decide(
        &self,
        command: &NotificationCommand,
        at: Timestamp,
    ) -> Result<Vec<NotificationEvent>, NotificationError> {
        let letter = match (self.outgoing_message(), command.clone()) {
            (None, NotificationCommand::Request { channel, recipient, order, message }) => {
                let message = *message;
                let requested = Requested { channel, recipient, order, message, at };
                return Ok(vec![NotificationEvent::Requested(Box::new(requested))]);
            }
            (None, _) => return Err(NotificationError::Missing),
            (Some(letter), _) => letter,
        };
        match command {
            NotificationCommand::Request { .. } => Ok(vec![]),
            // It was sent or given up meanwhile, or somebody else made the same attempt.
            NotificationCommand::Record { attempt, .. }
                if !letter.is_pending() || *attempt != letter.next_attempt() =>
            {
                Ok(vec![])
            }
            NotificationCommand::Record { attempt, outcome } => {
                Ok(recorded(*attempt, outcome.clone(), at))
            }
            NotificationCommand::Abandon { .. } if !letter.is_pending() => Ok(vec![]),
            NotificationCommand::Abandon { reason } => {
                Ok(vec![NotificationEvent::Abandoned { reason: reason.clone(), at }])
            }
        }
    }
}

fn recorded(attempt: u32, outcome: DeliveryOutcome, at: Timestamp) -> Vec<NotificationEvent> {
    match outcome {
        DeliveryOutcome::Sent => vec![NotificationEvent::Sent { attempt, at }],
        DeliveryOutcome::Failed { reason, next_attempt_at: None } => vec![
            NotificationEvent::Failed {
                attempt,
                reason: reason.clone(),
                next_attempt_at: None,
                at,
            },
            NotificationEvent::Abandoned { reason, at },
        ],
        DeliveryOutcome::Failed { reason, next_attempt_at } => {
            vec![NotificationEvent::Failed { attempt, reason, next_attempt_at, at }]
        }
    }
}

impl Aggregate for Notification {
    const TYPE: &'static str = "notification";
    type Command = NotificationCommand;
    type Event = NotificationEvent;
    type Error = NotificationError;
    type Services = Timestamp;

    async fn handle(
        &mut self,
        command: NotificationCommand,
        now: &Timestamp,
        sink: &EventSink<Self>,
    ) -> Result<(), NotificationError> {
        handle(self, &command, *now, sink).await
    }

    fn apply(&mut self, event: NotificationEvent) {
        match (&mut *self, event) {
            (Notification::Absent, NotificationEvent::Requested(request)) => {
                let progress = Progress::Pending { due_at: request.at };
                let letter = OutgoingMessage { request: *request, progress, attempts: vec![] };
                *self = Notification::Requested(Box::new(letter));
            }
            (Notification::Absent, _) => {}
            (Notification::Requested(letter), event) => letter.apply(event),
        }
    }
}

impl OutgoingMessage {
    fn apply(&mut self, event: NotificationEvent) {
        match event {
            NotificationEvent::Requested(_) => {}
            NotificationEvent::Sent { at, .. } => {
                self.attempts.push(DeliveryAttempt { at, failure: None, next_attempt_at: None });
                self.progress = Progress::Sent { at };
            }
            NotificationEvent::Failed { reason, next_attempt_at, at, .. } => {
                self.attempts.push(DeliveryAttempt { at, failure: Some(reason), next_attempt_at });
                if let Some(due_at) = next_attempt_at {
                    self.progress = Progress::Pending { due_at };
                }
            }
            NotificationEvent::Abandoned { reason, at } => {
                self.progress = Progress::Abandoned { reason, at };
            }
        }
    }
}

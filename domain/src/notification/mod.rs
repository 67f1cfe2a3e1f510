//! A notification: one message to one recipient, until it is sent or abandoned. Read `event.rs`,
//! `message.rs` (its contents), `command.rs`, then this file.

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
use crate::{CustomerId, Decide, Timestamp, stored_name};

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
    /// The attempts to send it, in order.
    pub attempts: Vec<DeliveryAttempt>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// It is not sent yet; the next attempt is due at `due_at`.
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

/// One attempt to send the message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryAttempt {
    pub at: Timestamp,
    /// Why it failed; `None` if the message was sent.
    pub failure: Option<String>,
    pub next_attempt_at: Option<Timestamp>,
}

/// Whether a message is sent. The names are stored in the read model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotificationStatus {
    Pending,
    Sent,
    Abandoned,
}

/// The events of a decision, or why it is refused.
type Decision = Result<Vec<NotificationEvent>, NotificationError>;

impl Notification {
    pub fn outgoing_message(&self) -> Option<&OutgoingMessage> {
        match self {
            Notification::Absent => None,
            Notification::Requested(outgoing) => Some(outgoing),
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

    /// The number of the attempt that is due now, counted from 1; `None` if none is due.
    pub fn attempt_due(&self, now: Timestamp) -> Option<u32> {
        let due = matches!(self.progress, Progress::Pending { due_at } if due_at <= now);
        due.then(|| self.next_attempt())
    }

    /// The customer it is for; guests and staff have no customer id.
    pub fn customer(&self) -> Option<CustomerId> {
        match self.request.recipient {
            Recipient::Buyer { customer, .. } => customer,
            Recipient::Staff => None,
        }
    }

    /// The number of the next attempt, counted from 1.
    pub fn next_attempt(&self) -> u32 {
        u32::try_from(self.attempts.len()).map_or(u32::MAX, |made| made + 1)
    }

    fn is_pending(&self) -> bool {
        self.status() == NotificationStatus::Pending
    }
}

impl NotificationStatus {
    /// The stored name.
    pub fn as_str(self) -> &'static str {
        stored_name(&self)
    }
}

impl Decide for Notification {
    /// All the rules of a notification.
    fn decide(&self, command: &NotificationCommand, at: Timestamp) -> Decision {
        match self {
            Notification::Absent => request(command, at),
            Notification::Requested(outgoing) => Ok(outgoing.decide(command, at)),
        }
    }
}

/// Only `Request` creates a notification.
fn request(command: &NotificationCommand, at: Timestamp) -> Decision {
    let NotificationCommand::Request { channel, recipient, order, message } = command else {
        return Err(NotificationError::Missing);
    };
    let (channel, recipient, order) = (*channel, recipient.clone(), *order);
    let message = message.as_ref().clone();
    let requested = Requested { channel, recipient, order, message, at };
    Ok(vec![NotificationEvent::Requested(Box::new(requested))])
}

impl OutgoingMessage {
    fn decide(&self, command: &NotificationCommand, at: Timestamp) -> Vec<NotificationEvent> {
        match command {
            // The notification exists already.
            NotificationCommand::Request { .. } => vec![],
            NotificationCommand::Record { attempt, outcome } => {
                self.record(*attempt, outcome.clone(), at)
            }
            NotificationCommand::Abandon { reason } => self.abandon(reason.clone(), at),
        }
    }

    /// Records nothing if the message was sent or abandoned meanwhile, or if another node has
    /// recorded the same attempt.
    fn record(
        &self,
        attempt: u32,
        outcome: DeliveryOutcome,
        at: Timestamp,
    ) -> Vec<NotificationEvent> {
        if !self.is_pending() || attempt != self.next_attempt() {
            return vec![];
        }
        match outcome {
            DeliveryOutcome::Sent => vec![NotificationEvent::Sent { attempt, at }],
            DeliveryOutcome::Failed { reason, next_attempt_at } => {
                failed(attempt, reason, next_attempt_at, at)
            }
        }
    }

    fn abandon(&self, reason: String, at: Timestamp) -> Vec<NotificationEvent> {
        if self.is_pending() { vec![NotificationEvent::Abandoned { reason, at }] } else { vec![] }
    }
}

/// A message whose last attempt failed is abandoned.
fn failed(
    attempt: u32,
    reason: String,
    next_attempt_at: Option<Timestamp>,
    at: Timestamp,
) -> Vec<NotificationEvent> {
    let is_last = next_attempt_at.is_none();
    let abandoned = is_last.then(|| NotificationEvent::Abandoned { reason: reason.clone(), at });
    let mut events = vec![NotificationEvent::Failed { attempt, reason, next_attempt_at, at }];
    events.extend(abandoned);
    events
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
                *self = Notification::Requested(Box::new(OutgoingMessage::new(*request)));
            }
            // A stream of a notification begins with no other event.
            (Notification::Absent, _) => {}
            (Notification::Requested(outgoing), event) => outgoing.apply(event),
        }
    }
}

impl OutgoingMessage {
    fn new(request: Requested) -> Self {
        let progress = Progress::Pending { due_at: request.at };
        OutgoingMessage { request, progress, attempts: vec![] }
    }

    fn apply(&mut self, event: NotificationEvent) {
        match event {
            // This is the first event of the stream, and the only one of its type; it has created
            // this message.
            NotificationEvent::Requested(_) => {}
            NotificationEvent::Sent { at, .. } => self.apply_success(at),
            NotificationEvent::Failed { reason, next_attempt_at, at, .. } => {
                self.apply_failure(reason, next_attempt_at, at);
            }
            NotificationEvent::Abandoned { reason, at } => {
                self.progress = Progress::Abandoned { reason, at };
            }
        }
    }

    fn apply_success(&mut self, at: Timestamp) {
        self.attempts.push(DeliveryAttempt { at, failure: None, next_attempt_at: None });
        self.progress = Progress::Sent { at };
    }

    /// A failure without a next attempt is followed by `notification.abandoned`.
    fn apply_failure(&mut self, reason: String, next_attempt_at: Option<Timestamp>, at: Timestamp) {
        self.attempts.push(DeliveryAttempt { at, failure: Some(reason), next_attempt_at });
        if let Some(due_at) = next_attempt_at {
            self.progress = Progress::Pending { due_at };
        }
    }
}

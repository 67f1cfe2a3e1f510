//! The type `Notification`.

use async_graphql::{Context, Description, Enum, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use domain::notification::{
    Channel, DeliveryAttempt, Notification as State, OutgoingMessage, Progress, Recipient,
};
use domain::{Contact, NotificationId};
use projections::Row;

use crate::graphql::personal::decrypt;

/// A message from the shop to one person.
#[derive(Debug, Description)]
pub struct Notification {
    pub id: NotificationId,
    version: i32,
    updated_at: DateTime<Utc>,
    outgoing: Box<OutgoingMessage>,
}

/// The events that people are told of. All go to the buyer of the order except `LOW_STOCK`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::notification::Template")]
pub enum NotificationTemplate {
    /// The order was placed. It may not be paid yet.
    OrderConfirmation,
    /// Money was captured for the order.
    PaymentConfirmation,
    /// Staff have begun to pack the order.
    OrderProcessing,
    /// A parcel of the order was sent.
    OrderShipped,
    /// Some or all units of the order were delivered.
    OrderDelivered,
    /// The order was cancelled.
    OrderCancelled,
    /// The order was not paid in time.
    OrderExpired,
    /// The provider declined a payment for the order.
    PaymentFailed,
    /// Money was refunded to the buyer.
    Refund,
    /// The shop has taken units of the order back.
    ReturnAccepted,
    /// Few units of a product are left to sell. This one goes to staff.
    LowStock,
}

/// Whether a message was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::notification::NotificationStatus")]
pub enum NotificationStatus {
    /// The message waits for its first or next attempt.
    Pending,
    /// The mail server has accepted the message.
    Sent,
    /// The message will not be sent, because all attempts failed or it cannot be delivered.
    Abandoned,
}

/// The ways by which messages are sent. More may be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum NotificationChannel {
    /// By e-mail to the address of the order's contact, or to the staff's mailbox.
    Email,
}

/// One attempt to send a message.
#[derive(Debug, SimpleObject)]
pub struct NotificationAttempt {
    /// Time of the attempt.
    at: DateTime<Utc>,
    /// Why the attempt failed; null if it succeeded.
    failure: Option<String>,
    /// Time that was then set for the next attempt. Null if the attempt succeeded or was the last.
    next_attempt_at: Option<DateTime<Utc>>,
}

impl Notification {
    pub fn from_row(row: Row<State>) -> Option<Self> {
        let Row { id, version, updated_at, state, .. } = row;
        match state {
            State::Absent => None,
            State::Requested(outgoing) => {
                Some(Notification { id: NotificationId(id), version, updated_at, outgoing })
            }
        }
    }

    pub(super) fn outgoing_message(&self) -> &OutgoingMessage {
        &self.outgoing
    }
}

#[Object(use_type_description)]
impl Notification {
    /// The message's UUID; it follows from what the message is about, so nobody gets the same message
    /// twice.
    pub async fn id(&self) -> ID {
        self.id.0.into()
    }

    /// What the message is about.
    async fn template(&self) -> NotificationTemplate {
        self.outgoing.request.message.template().into()
    }

    /// The way by which the message is sent.
    async fn channel(&self) -> NotificationChannel {
        match self.outgoing.request.channel {
            Channel::Email => NotificationChannel::Email,
        }
    }

    /// Whether the message was sent.
    async fn status(&self) -> NotificationStatus {
        self.outgoing.status().into()
    }

    /// The e-mail address that the message goes to. Null for messages to staff, and once the person's
    /// data was erased.
    async fn recipient(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        match &self.outgoing.request.recipient {
            Recipient::Staff => Ok(None),
            Recipient::Buyer { contact, .. } => {
                let contact = decrypt::<Contact>(ctx, contact).await?;
                Ok(contact.map(|contact| contact.email.as_str().to_owned()))
            }
        }
    }

    /// The customer who gets the message; null for messages to guests and staff.
    async fn customer_id(&self) -> Option<ID> {
        self.outgoing.customer().map(|customer| customer.0.into())
    }

    /// The order that the message is about; null for messages about stock.
    async fn order_id(&self) -> Option<ID> {
        self.outgoing.request.order.map(|order| order.0.into())
    }

    /// All attempts to send the message, the oldest first.
    async fn attempts(&self) -> Vec<NotificationAttempt> {
        self.outgoing.attempts.iter().cloned().map(NotificationAttempt::from).collect()
    }

    /// Time from which the message will be sent, or tried again. Null unless `status` is `PENDING`.
    async fn next_attempt_at(&self) -> Option<DateTime<Utc>> {
        match self.outgoing.progress {
            Progress::Pending { due_at } => Some(due_at),
            _ => None,
        }
    }

    /// Time at which the mail server accepted the message. Null unless `status` is `SENT`.
    async fn sent_at(&self) -> Option<DateTime<Utc>> {
        match self.outgoing.progress {
            Progress::Sent { at } => Some(at),
            _ => None,
        }
    }

    /// Why the message will not be sent. Null unless `status` is `ABANDONED`.
    async fn abandoned_because(&self) -> Option<&str> {
        match &self.outgoing.progress {
            Progress::Abandoned { reason, .. } => Some(reason),
            _ => None,
        }
    }

    /// Time at which the shop decided to send the message.
    async fn created_at(&self) -> DateTime<Utc> {
        self.outgoing.request.at
    }

    /// Time of the last attempt or decision about the message.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.updated_at
    }

    /// Number of events of the message so far. No mutation needs it.
    async fn version(&self) -> i32 {
        self.version
    }
}

impl From<DeliveryAttempt> for NotificationAttempt {
    fn from(DeliveryAttempt { at, failure, next_attempt_at }: DeliveryAttempt) -> Self {
        NotificationAttempt { at, failure, next_attempt_at }
    }
}

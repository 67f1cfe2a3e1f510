//! A notification as a client sees it.

use async_graphql::{Context, Description, Enum, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use domain::notification::{
    Channel, DeliveryAttempt, Notification as State, OutgoingMessage, Progress, Recipient,
};
use domain::{Contact, NotificationId};
use projections::Row;

use crate::graphql::personal::open;

/// One message to one recipient.
#[derive(Debug, Description)]
pub struct Notification {
    pub id: NotificationId,
    version: i32,
    updated_at: DateTime<Utc>,
    outgoing: Box<OutgoingMessage>,
}

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::notification::Template")]
pub enum NotificationTemplate {
    /// An order was placed.
    OrderConfirmation,
    /// Money was taken for an order.
    PaymentConfirmation,
    /// An order is being packed.
    OrderProcessing,
    /// A part of an order is on its way.
    OrderShipped,
    /// A part of an order has arrived.
    OrderDelivered,
    /// An order was called off.
    OrderCancelled,
    /// An order was not paid in time.
    OrderExpired,
    /// An attempt to pay has failed.
    PaymentFailed,
    /// Money went back.
    Refund,
    /// Goods were taken back.
    ReturnAccepted,
    /// Few of something are left to be sold; to staff.
    LowStock,
}

/// Where a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::notification::NotificationStatus")]
pub enum NotificationStatus {
    /// It is to be sent.
    Pending,
    /// Whoever delivers mail has taken it.
    Sent,
    /// It will not be sent.
    Abandoned,
}

/// How a message is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum NotificationChannel {
    /// By e-mail.
    Email,
}

/// One attempt to send a message.
#[derive(Debug, SimpleObject)]
pub struct NotificationAttempt {
    /// When it was made.
    at: DateTime<Utc>,
    /// Why it failed, if it did.
    failure: Option<String>,
    /// When the next one was to follow.
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
    /// The message's id.
    pub async fn id(&self) -> ID {
        self.id.0.into()
    }

    /// What it is about.
    async fn template(&self) -> NotificationTemplate {
        self.outgoing.request.message.template().into()
    }

    /// How it is sent.
    async fn channel(&self) -> NotificationChannel {
        match self.outgoing.request.channel {
            Channel::Email => NotificationChannel::Email,
        }
    }

    /// Where it stands.
    async fn status(&self) -> NotificationStatus {
        self.outgoing.status().into()
    }

    /// The address it goes to; nothing for staff, and once the person is forgotten.
    async fn recipient(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        match &self.outgoing.request.recipient {
            Recipient::Staff => Ok(None),
            Recipient::Buyer { contact, .. } => {
                let contact = open::<Contact>(ctx, contact).await?;
                Ok(contact.map(|contact| contact.email.as_str().to_owned()))
            }
        }
    }

    /// The customer, unless it is to a guest or to staff.
    async fn customer_id(&self) -> Option<ID> {
        self.outgoing.customer().map(|customer| customer.0.into())
    }

    /// The order it is about, unless it is about the stock.
    async fn order_id(&self) -> Option<ID> {
        self.outgoing.request.order.map(|order| order.0.into())
    }

    /// The attempts to send it, the first one first.
    async fn attempts(&self) -> Vec<NotificationAttempt> {
        self.outgoing.attempts.iter().cloned().map(NotificationAttempt::from).collect()
    }

    /// When it is to be sent, or sent again.
    async fn next_attempt_at(&self) -> Option<DateTime<Utc>> {
        match self.outgoing.progress {
            Progress::Pending { due_at } => Some(due_at),
            _ => None,
        }
    }

    /// When it was sent.
    async fn sent_at(&self) -> Option<DateTime<Utc>> {
        match self.outgoing.progress {
            Progress::Sent { at } => Some(at),
            _ => None,
        }
    }

    /// Why it will not be sent.
    async fn abandoned_because(&self) -> Option<&str> {
        match &self.outgoing.progress {
            Progress::Abandoned { reason, .. } => Some(reason),
            _ => None,
        }
    }

    /// When it was asked for.
    async fn created_at(&self) -> DateTime<Utc> {
        self.outgoing.request.at
    }

    /// When anything last happened to it.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.updated_at
    }

    /// Grows with every event.
    async fn version(&self) -> i32 {
        self.version
    }
}

impl From<DeliveryAttempt> for NotificationAttempt {
    fn from(DeliveryAttempt { at, failure, next_attempt_at }: DeliveryAttempt) -> Self {
        NotificationAttempt { at, failure, next_attempt_at }
    }
}

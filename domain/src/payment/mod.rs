//! One payment for an order; an order may have several, one after the other. Read `event.rs`,
//! `command.rs`, `status.rs`, then this file and the files with its rules: `facts.rs`,
//! `requests.rs`, `follow_up.rs`, `hold.rs`. `fold.rs` folds its events.

mod amounts;
mod command;
mod event;
mod facts;
mod fold;
mod follow_up;
mod hold;
mod requests;
mod status;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

pub use self::command::{Fact, PaymentCommand, PaymentError};
pub use self::event::{Call, CaptureMode, PaymentEvent, PaymentMethod};
pub use self::follow_up::{SILENCES_MAX, TRIES_MAX};
pub use self::hold::capture_deadline;
pub use self::status::PaymentStatus;
use crate::decide::handle;
use crate::{Decide, Money, OrderId, Timestamp};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Payment {
    #[default]
    Absent,
    Existing(Box<PaymentDetails>),
}

/// The details of a payment. Facts only raise amounts, so the order in which they arrive does not
/// matter. Amounts are minor units of `amount`'s currency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PaymentDetails {
    pub order: OrderId,
    pub amount: Money,
    pub method: PaymentMethod,
    pub capture: CaptureMode,
    pub source: String,
    /// The provider's id of the payment.
    pub reference: Option<String>,
    pub processing: bool,
    pub action_required: bool,
    pub action_url: Option<String>,
    pub authorized: i64,
    pub authorization_expires_at: Option<Timestamp>,
    /// Whether the shop has already reacted to the coming end of the authorisation.
    pub expiry_noticed: bool,
    /// By the provider's object id.
    pub captures: BTreeMap<String, i64>,
    pub capture_requests: BTreeMap<u32, MoneyRequest>,
    pub void: Void,
    /// The payment was cancelled or voided, so no more money can be captured.
    pub released: bool,
    /// By the provider's object id.
    pub refunds: BTreeMap<String, i64>,
    pub refund_requests: BTreeMap<u32, MoneyRequest>,
    pub failure: Option<String>,
    pub expired: bool,
    /// How many calls in a row the provider did not answer; any report from it resets the count.
    pub silences: u32,
    /// When the provider is called again.
    pub follow_up_at: Option<Timestamp>,
    /// By the provider's object id.
    pub disputes: BTreeMap<String, Dispute>,
    pub needs_attention: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A capture or a refund that the shop has requested from the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoneyRequest {
    pub amount: i64,
    pub asked_at: Timestamp,
    pub pending: bool,
    pub failure: Option<String>,
    /// The request failed, and its amount was requested again under another number.
    pub retried: bool,
}

/// The request to release the money that is not captured.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Void {
    pub asked_at: Option<Timestamp>,
    pub pending: bool,
    /// How many times the void was requested.
    pub tries: u32,
    pub failure: Option<String>,
}

/// A chargeback: the customer's bank wants money back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    /// Minor units; 0 while only the outcome is known and not the opening.
    pub amount: i64,
    pub outcome: DisputeOutcome,
}

/// If several outcomes are reported, the greatest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DisputeOutcome {
    Open,
    Won,
    Lost,
}

/// The events of a decision, or why it is refused.
type Decision = Result<Vec<PaymentEvent>, PaymentError>;

impl Payment {
    pub fn details(&self) -> Option<&PaymentDetails> {
        match self {
            Payment::Absent => None,
            Payment::Existing(details) => Some(details),
        }
    }

    pub fn existing(&self) -> Result<&PaymentDetails, PaymentError> {
        self.details().ok_or(PaymentError::Missing)
    }
}

impl Decide for Payment {
    /// All the rules of a payment.
    fn decide(&self, command: &PaymentCommand, at: Timestamp) -> Decision {
        match self {
            Payment::Absent => initiate(command, at),
            Payment::Existing(details) => details.decide(command, at),
        }
    }
}

/// Only `Initiate` creates a payment.
fn initiate(command: &PaymentCommand, at: Timestamp) -> Decision {
    let PaymentCommand::Initiate { order, amount, method, capture, source } = command else {
        return Err(PaymentError::Missing);
    };
    let (order, amount, method, capture) = (*order, *amount, *method, *capture);
    if amount.amount <= 0 {
        return Err(PaymentError::InvalidAmount { amount, currency: amount.currency });
    }
    let source = source.clone();
    Ok(vec![PaymentEvent::Initiated { order, amount, method, capture, source, at }])
}

impl PaymentDetails {
    fn decide(&self, command: &PaymentCommand, at: Timestamp) -> Decision {
        match command {
            // The payment exists already.
            PaymentCommand::Initiate { .. } => Ok(vec![]),
            PaymentCommand::Record(fact) => Ok(self.record(fact, at)),
            PaymentCommand::RequestCapture { amount } => self.request_capture(*amount, at),
            PaymentCommand::RequestVoid => self.request_void(at),
            PaymentCommand::RequestRefund { amount } => self.request_refund(*amount, at),
            PaymentCommand::Unwind => Ok(self.unwind(at)),
            PaymentCommand::PlanFollowUp { first } => Ok(self.plan_follow_up(*first, at)),
            PaymentCommand::FollowUp => Ok(self.follow_up(at)),
            PaymentCommand::EndHold => Ok(self.end_hold(at)),
            PaymentCommand::FlagUnknown => Ok(self.flag_unknown(at)),
            PaymentCommand::ResolveAttention => Ok(self.resolve_attention(at)),
        }
    }
}

impl Aggregate for Payment {
    const TYPE: &'static str = "payment";
    type Command = PaymentCommand;
    type Event = PaymentEvent;
    type Error = PaymentError;
    type Services = Timestamp;

    async fn handle(
        &mut self,
        command: PaymentCommand,
        now: &Timestamp,
        sink: &EventSink<Self>,
    ) -> Result<(), PaymentError> {
        handle(self, &command, *now, sink).await
    }

    fn apply(&mut self, event: PaymentEvent) {
        match self {
            Payment::Absent => *self = Payment::initiated(event),
            Payment::Existing(details) => details.apply(event),
        }
    }
}

impl Payment {
    /// A stream of a payment begins with no other event than `payment.initiated`.
    fn initiated(event: PaymentEvent) -> Payment {
        let PaymentEvent::Initiated { order, amount, method, capture, source, at } = event else {
            return Payment::Absent;
        };
        let details = PaymentDetails::new(order, amount, method, capture, source, at);
        Payment::Existing(Box::new(details))
    }
}

//! One attempt to pay for an order. Read `event.rs`, `command.rs`, `status.rs`, then this file and
//! those with its rules: `facts.rs`, `requests.rs`, `follow_up.rs`, `hold.rs`.

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

/// What is known of the payment. Facts only ever add to it, and by maximum, so it does not depend
/// on the order in which they arrive. Amounts are minor units of `amount`'s currency.
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
    /// That it is about to run out has been dealt with.
    pub expiry_noticed: bool,
    /// By the provider's object id.
    pub captures: BTreeMap<String, i64>,
    pub capture_requests: BTreeMap<u32, MoneyRequest>,
    pub void: Void,
    /// Cancelled or voided: what is not captured will never be.
    pub released: bool,
    /// By the provider's object id.
    pub refunds: BTreeMap<String, i64>,
    pub refund_requests: BTreeMap<u32, MoneyRequest>,
    pub failure: Option<String>,
    pub expired: bool,
    /// How often in a row the provider did not answer; any word of it ends the doubt.
    pub silences: u32,
    /// When the provider is turned to again.
    pub follow_up_at: Option<Timestamp>,
    /// By the provider's object id.
    pub disputes: BTreeMap<String, Dispute>,
    pub needs_attention: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// An amount that the provider was asked to move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoneyRequest {
    pub amount: i64,
    pub asked_at: Timestamp,
    pub pending: bool,
    pub failure: Option<String>,
    /// It failed, and its amount was asked for anew, under another number.
    pub retried: bool,
}

/// The request to let go of what is not captured.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Void {
    pub asked_at: Option<Timestamp>,
    pub pending: bool,
    /// How often it was asked for.
    pub tries: u32,
    pub failure: Option<String>,
}

/// The customer's bank wants money back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    /// Nothing, while its end is known and its beginning is not.
    pub amount: i64,
    pub outcome: DisputeOutcome,
}

/// The later one outweighs the earlier one, whichever is heard first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DisputeOutcome {
    Open,
    Won,
    Lost,
}

impl Payment {
    pub fn details(&self) -> Option<&PaymentDetails> {
        match self {
            Payment::Absent => None,
            Payment::Existing(attempt) => Some(attempt),
        }
    }

    pub fn existing(&self) -> Result<&PaymentDetails, PaymentError> {
        self.details().ok_or(PaymentError::Missing)
    }
}

impl Decide for Payment {
    /// All the rules of a payment.
    fn decide(
        &self,
        command: &PaymentCommand,
        at: Timestamp,
    ) -> Result<Vec<PaymentEvent>, PaymentError> {
        let attempt = match (self, command) {
            (
                Payment::Absent,
                PaymentCommand::Initiate { order, amount, method, capture, source },
            ) => {
                if amount.amount <= 0 {
                    return Err(PaymentError::InvalidAmount);
                }
                return Ok(vec![PaymentEvent::Initiated {
                    order: *order,
                    amount: *amount,
                    method: *method,
                    capture: *capture,
                    source: source.clone(),
                    at,
                }]);
            }
            (Payment::Absent, _) => return Err(PaymentError::Missing),
            (Payment::Existing(attempt), _) => attempt,
        };
        match command {
            PaymentCommand::Initiate { .. } => Ok(vec![]),
            PaymentCommand::Record(fact) => Ok(attempt.record(fact, at)),
            PaymentCommand::RequestCapture { amount } => attempt.request_capture(*amount, at),
            PaymentCommand::RequestVoid => attempt.request_void(at),
            PaymentCommand::RequestRefund { amount } => attempt.request_refund(*amount, at),
            PaymentCommand::Unwind => Ok(attempt.unwind(at)),
            PaymentCommand::PlanFollowUp { first } => Ok(attempt.plan_follow_up(*first, at)),
            PaymentCommand::FollowUp => Ok(attempt.follow_up(at)),
            PaymentCommand::EndHold => Ok(attempt.end_hold(at)),
            PaymentCommand::FlagUnknown => Ok(attempt.flag_unknown(at)),
            PaymentCommand::ResolveAttention => Ok(match attempt.needs_attention {
                Some(_) => vec![PaymentEvent::AttentionResolved { at }],
                None => vec![],
            }),
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
        match (&mut *self, event) {
            (
                Payment::Absent,
                PaymentEvent::Initiated { order, amount, method, capture, source, at },
            ) => {
                let attempt = PaymentDetails::new(order, amount, method, capture, source, at);
                *self = Payment::Existing(Box::new(attempt));
            }
            (Payment::Absent, _) => {}
            (Payment::Existing(attempt), event) => attempt.apply(event),
        }
    }
}

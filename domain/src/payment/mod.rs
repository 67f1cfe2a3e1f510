//! One attempt to pay for an order. Read `event.rs`, `command.rs`, `status.rs`, then this file.

mod command;
mod event;
mod status;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

pub use self::command::{Fact, PaymentCommand, PaymentError};
pub use self::event::{CaptureMode, Method, PaymentEvent};
pub use self::status::PaymentStatus;
use crate::decide::handle;
use crate::{Decide, Money, OrderId, Timestamp};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Payment {
    #[default]
    Absent,
    Existing(Box<Attempt>),
}

/// What is known of the payment. Facts only ever add to it, and by maximum, so it does not depend
/// on the order in which they arrive. Amounts are minor units of `amount`'s currency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    pub order: OrderId,
    pub amount: Money,
    pub method: Method,
    pub capture: CaptureMode,
    pub source: String,
    /// The provider's id of the payment.
    pub reference: Option<String>,
    pub processing: bool,
    pub action_required: bool,
    pub action_url: Option<String>,
    pub authorized: i64,
    pub authorization_expires_at: Option<Timestamp>,
    /// By the provider's object id.
    pub captures: BTreeMap<String, i64>,
    pub capture_requests: BTreeMap<u32, Request>,
    pub void_requested: bool,
    /// Cancelled or voided: what is not captured will never be.
    pub released: bool,
    /// By the provider's object id.
    pub refunds: BTreeMap<String, i64>,
    pub refund_requests: BTreeMap<u32, Request>,
    pub failure: Option<String>,
    pub expired: bool,
    pub unknown: bool,
    /// By the provider's object id: is it open?
    pub disputes: BTreeMap<String, bool>,
    pub needs_attention: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Something asked of the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    pub amount: i64,
    pub pending: bool,
    /// What became of it may be heard before it is known that it was asked.
    pub failure: Option<String>,
}

impl Payment {
    pub fn attempt(&self) -> Option<&Attempt> {
        match self {
            Payment::Absent => None,
            Payment::Existing(attempt) => Some(attempt),
        }
    }

    pub fn existing(&self) -> Result<&Attempt, PaymentError> {
        self.attempt().ok_or(PaymentError::Missing)
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
            PaymentCommand::Unwind => attempt.unwind(at),
        }
    }
}

impl Attempt {
    /// A fact is an event when it is news, and nothing when it is known.
    fn record(&self, fact: &Fact, at: Timestamp) -> Vec<PaymentEvent> {
        if *fact == Fact::Unknown && self.reference.is_some() {
            // No answer came, but a webhook has said what the answer would have.
            return vec![];
        }
        let event = match self.mismatch(fact) {
            Some(reason) => PaymentEvent::NeedsAttention { reason, at },
            None => event_of(fact, self, at),
        };
        let mut after = self.clone();
        after.apply(event.clone());
        after.updated_at = self.updated_at;
        if after == *self { vec![] } else { vec![event] }
    }

    /// Money that does not fit the order is never taken for payment.
    fn mismatch(&self, fact: &Fact) -> Option<String> {
        let (what, amount, exact) = match fact {
            Fact::Authorized { amount, .. } => ("authorised", amount, true),
            Fact::Captured { amount, .. } => ("captured", amount, false),
            Fact::Refunded { amount, .. } => ("refunded", amount, false),
            _ => return None,
        };
        let fits = amount.currency == self.amount.currency
            && amount.amount >= 0
            && amount.amount <= self.amount.amount
            && (!exact || amount.amount == self.amount.amount);
        (!fits).then(|| format!("{amount} was {what}, the order is about {}", self.amount))
    }

    fn request_capture(
        &self,
        amount: Option<Money>,
        at: Timestamp,
    ) -> Result<Vec<PaymentEvent>, PaymentError> {
        if self.method == Method::CashOnDelivery {
            return self.collect_cash(amount, at);
        }
        let capturable = self.capturable();
        if capturable == 0 {
            return Err(PaymentError::NotCapturable);
        }
        let amount = self.part_of(capturable, amount, PaymentError::ExceedsAuthorized)?;
        let request = next_request(&self.capture_requests);
        Ok(vec![PaymentEvent::CaptureRequested { request, amount, at }])
    }

    /// Cash needs no provider: staff say that it was handed over.
    fn collect_cash(
        &self,
        amount: Option<Money>,
        at: Timestamp,
    ) -> Result<Vec<PaymentEvent>, PaymentError> {
        if self.released || self.captured() > 0 {
            return Err(PaymentError::NotCapturable);
        }
        let amount = self.part_of(self.amount.amount, amount, PaymentError::ExceedsAuthorized)?;
        Ok(vec![PaymentEvent::Captured { object: "cash".into(), amount, request: None, at }])
    }

    fn request_void(&self, at: Timestamp) -> Result<Vec<PaymentEvent>, PaymentError> {
        if self.void_requested || self.released {
            return Ok(vec![]);
        }
        let taken = self.captured().saturating_add(self.capture_pending());
        if self.expired || taken >= self.amount.amount {
            return Err(PaymentError::NotVoidable);
        }
        if self.method == Method::CashOnDelivery {
            return Ok(vec![PaymentEvent::Cancelled { at }]);
        }
        Ok(vec![PaymentEvent::VoidRequested { at }])
    }

    fn request_refund(
        &self,
        amount: Option<Money>,
        at: Timestamp,
    ) -> Result<Vec<PaymentEvent>, PaymentError> {
        let refundable = self.refundable();
        if refundable == 0 {
            return Err(PaymentError::NotRefundable);
        }
        let amount = self.part_of(refundable, amount, PaymentError::ExceedsCaptured)?;
        if self.method == Method::CashOnDelivery {
            let object = format!("cash-{}", self.refunds.len() + 1);
            return Ok(vec![PaymentEvent::Refunded { object, amount, request: None, at }]);
        }
        let request = next_request(&self.refund_requests);
        Ok(vec![PaymentEvent::RefundRequested { request, amount, at }])
    }

    fn unwind(&self, at: Timestamp) -> Result<Vec<PaymentEvent>, PaymentError> {
        let mut events = vec![];
        if self.failure.is_none() || self.authorized > 0 {
            events.extend(self.request_void(at).unwrap_or_default());
        }
        events.extend(self.request_refund(None, at).unwrap_or_default());
        Ok(events)
    }

    fn part_of(
        &self,
        most: i64,
        amount: Option<Money>,
        exceeds: fn(Money) -> PaymentError,
    ) -> Result<Money, PaymentError> {
        let amount = amount.unwrap_or(self.money(most));
        if amount.currency != self.amount.currency || amount.amount <= 0 {
            return Err(PaymentError::InvalidAmount);
        }
        if amount.amount > most {
            return Err(exceeds(self.money(most)));
        }
        Ok(amount)
    }
}

fn next_request(requests: &BTreeMap<u32, Request>) -> u32 {
    requests.last_key_value().map_or(1, |(request, _)| request + 1)
}

fn event_of(fact: &Fact, attempt: &Attempt, at: Timestamp) -> PaymentEvent {
    match fact.clone() {
        Fact::Processing { reference } => PaymentEvent::Processing { reference, at },
        Fact::ActionRequired { reference, url } => {
            PaymentEvent::ActionRequired { reference, url, at }
        }
        Fact::Authorized { reference, amount, expires_at } => {
            PaymentEvent::Authorized { reference, amount, expires_at, at }
        }
        Fact::Captured { object, amount, request } => {
            PaymentEvent::Captured { object, amount, request, at }
        }
        Fact::CaptureFailed { request, reason } => {
            PaymentEvent::CaptureFailed { request, reason, at }
        }
        Fact::Cancelled if attempt.authorized > 0 => {
            let amount = attempt.money(attempt.authorized - attempt.captured());
            PaymentEvent::Voided { amount, at }
        }
        Fact::Cancelled => PaymentEvent::Cancelled { at },
        Fact::VoidFailed { reason } => PaymentEvent::VoidFailed { reason, at },
        Fact::Refunded { object, amount, request } => {
            PaymentEvent::Refunded { object, amount, request, at }
        }
        Fact::RefundFailed { request, reason } => {
            PaymentEvent::RefundFailed { request, reason, at }
        }
        Fact::Failed { reason } => PaymentEvent::Failed { reason, at },
        Fact::Expired => PaymentEvent::Expired { at },
        Fact::Unknown => PaymentEvent::OutcomeUnknown { at },
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
                let attempt = Attempt::new(order, amount, method, capture, source, at);
                *self = Payment::Existing(Box::new(attempt));
            }
            (Payment::Absent, _) => {}
            (Payment::Existing(attempt), event) => attempt.apply(event),
        }
    }
}

impl Attempt {
    fn new(
        order: OrderId,
        amount: Money,
        method: Method,
        capture: CaptureMode,
        source: String,
        at: Timestamp,
    ) -> Self {
        Attempt {
            order,
            amount,
            method,
            capture,
            source,
            reference: None,
            processing: false,
            action_required: false,
            action_url: None,
            authorized: 0,
            authorization_expires_at: None,
            captures: BTreeMap::new(),
            capture_requests: BTreeMap::new(),
            void_requested: false,
            released: false,
            refunds: BTreeMap::new(),
            refund_requests: BTreeMap::new(),
            failure: None,
            expired: false,
            unknown: false,
            disputes: BTreeMap::new(),
            needs_attention: None,
            created_at: at,
            updated_at: at,
        }
    }

    fn apply(&mut self, event: PaymentEvent) {
        match event {
            PaymentEvent::Initiated { .. } => {}
            PaymentEvent::ActionRequired { reference, url, at } => {
                self.heard(at, Some(reference));
                self.action_required = true;
                self.action_url = self.action_url.take().max(url);
            }
            PaymentEvent::Processing { reference, at } => {
                self.heard(at, Some(reference));
                self.processing = true;
            }
            PaymentEvent::Authorized { reference, amount, expires_at, at } => {
                self.heard(at, Some(reference));
                self.authorized = self.authorized.max(amount.amount);
                self.authorization_expires_at = self.authorization_expires_at.max(expires_at);
            }
            PaymentEvent::CaptureRequested { request, amount, at } => {
                self.updated_at = at;
                self.capture_requests.insert(request, Request::new(amount.amount));
            }
            PaymentEvent::Captured { object, amount, request, at } => {
                self.heard(at, None);
                raise(&mut self.captures, object, amount.amount);
                // A capture implies its authorisation, which may be heard of later.
                self.authorized = self.authorized.max(self.captured());
                succeed(&mut self.capture_requests, request);
            }
            PaymentEvent::CaptureFailed { request, reason, at } => {
                self.heard(at, None);
                fail(&mut self.capture_requests, request, reason);
            }
            PaymentEvent::Cancelled { at } | PaymentEvent::Voided { at, .. } => {
                self.heard(at, None);
                self.released = true;
            }
            PaymentEvent::VoidRequested { at } => {
                self.updated_at = at;
                self.void_requested = true;
            }
            PaymentEvent::VoidFailed { at, .. } => {
                self.heard(at, None);
                self.void_requested = false;
            }
            PaymentEvent::RefundRequested { request, amount, at } => {
                self.updated_at = at;
                self.refund_requests.insert(request, Request::new(amount.amount));
            }
            PaymentEvent::Refunded { object, amount, request, at } => {
                self.heard(at, None);
                raise(&mut self.refunds, object, amount.amount);
                succeed(&mut self.refund_requests, request);
            }
            PaymentEvent::RefundFailed { request, reason, at } => {
                self.heard(at, None);
                fail(&mut self.refund_requests, request, reason);
            }
            PaymentEvent::Failed { reason, at } => {
                self.heard(at, None);
                self.failure = self.failure.take().max(Some(reason));
            }
            PaymentEvent::Expired { at } => {
                self.heard(at, None);
                self.expired = true;
            }
            PaymentEvent::OutcomeUnknown { at } => {
                self.updated_at = at;
                self.unknown = true;
            }
            PaymentEvent::DisputeOpened { object, at, .. } => {
                self.heard(at, None);
                self.disputes.entry(object).or_insert(true);
            }
            PaymentEvent::DisputeWon { object, at } | PaymentEvent::DisputeLost { object, at } => {
                self.heard(at, None);
                self.disputes.insert(object, false);
            }
            PaymentEvent::NeedsAttention { reason, at } => {
                self.updated_at = at;
                add_reason(&mut self.needs_attention, &reason);
            }
        }
    }

    /// Whatever the provider says ends the doubt about whether it heard us.
    fn heard(&mut self, at: Timestamp, reference: Option<String>) {
        self.updated_at = at;
        self.unknown = false;
        self.reference = self.reference.take().max(reference);
    }
}

impl Request {
    fn new(amount: i64) -> Self {
        Request { amount, pending: true, failure: None }
    }
}

fn raise(amounts: &mut BTreeMap<String, i64>, object: String, amount: i64) {
    let known = amounts.entry(object).or_default();
    *known = amount.max(*known);
}

fn succeed(requests: &mut BTreeMap<u32, Request>, request: Option<u32>) {
    if let Some(request) = request.and_then(|request| requests.get_mut(&request)) {
        request.pending = false;
        request.failure = None;
    }
}

/// Money that has moved is the truth: no failure, heard before or after it, outweighs it.
fn fail(requests: &mut BTreeMap<u32, Request>, request: u32, reason: String) {
    let request = requests.get_mut(&request);
    if let Some(request) = request.filter(|r| r.pending || r.failure.is_some()) {
        request.pending = false;
        request.failure = request.failure.take().max(Some(reason));
    }
}

/// Every reason once, in an order that does not depend on which was heard first.
fn add_reason(reasons: &mut Option<String>, reason: &str) {
    let mut all: BTreeSet<&str> = reasons.iter().flat_map(|known| known.split("; ")).collect();
    all.insert(reason);
    *reasons = Some(all.into_iter().collect::<Vec<_>>().join("; "));
}

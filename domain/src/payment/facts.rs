//! What the provider says: heard twice it counts once, and it is never refused.

use super::{Fact, PaymentDetails, PaymentEvent, PaymentStatus};
use crate::Timestamp;

impl PaymentDetails {
    /// A fact is an event when it is news, and nothing when it is known.
    pub(super) fn record(&self, fact: &Fact, at: Timestamp) -> Vec<PaymentEvent> {
        if *fact == Fact::Unknown && self.open_calls().is_empty() {
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
        if after == *self {
            return vec![];
        }
        let is_capture = matches!(event, PaymentEvent::Captured { .. });
        let rest_held_until = after.authorization_expires_at.filter(|_| is_capture);
        let mut events = vec![event];
        events.extend(rest_held_until.map(|expires_at| PaymentEvent::RestHeld { expires_at, at }));
        if !after.disputes.is_empty() && after.refunded() > 0 {
            events.extend(after.flag("it is disputed, and money was refunded as well", at));
        }
        events
    }

    /// Asks for a person, unless that was said already.
    pub(super) fn flag(&self, reason: &str, at: Timestamp) -> Option<PaymentEvent> {
        let flagged = PaymentEvent::NeedsAttention { reason: reason.to_owned(), at };
        let mut after = self.clone();
        after.apply(flagged.clone());
        (after.needs_attention != self.needs_attention).then_some(flagged)
    }

    /// The order ends; what the provider did with the money is still to be found out.
    pub(super) fn flag_unknown(&self, at: Timestamp) -> Vec<PaymentEvent> {
        match self.status() {
            PaymentStatus::Unknown => {
                let reason = "the order ended while the outcome of its payment is unknown";
                self.flag(reason, at).into_iter().collect()
            }
            _ => vec![],
        }
    }

    /// Money that does not fit the order is never taken for payment.
    fn mismatch(&self, fact: &Fact) -> Option<String> {
        let (what, amount, exact) = match fact {
            Fact::Authorized { amount, .. } => ("authorised", amount, true),
            Fact::Captured { amount, .. } => ("captured", amount, false),
            Fact::Refunded { amount, .. } => ("refunded", amount, false),
            Fact::DisputeOpened { amount, .. } => ("disputed", amount, false),
            _ => return None,
        };
        let fits = amount.currency == self.amount.currency
            && amount.amount >= 0
            && amount.amount <= self.amount.amount
            && (!exact || amount.amount == self.amount.amount);
        (!fits).then(|| format!("{amount} was {what}, the order is about {}", self.amount))
    }
}

fn event_of(fact: &Fact, attempt: &PaymentDetails, at: Timestamp) -> PaymentEvent {
    match fact.clone() {
        Fact::Processing { reference } => PaymentEvent::Processing { reference, at },
        Fact::ActionRequired { reference, url } => {
            PaymentEvent::ActionRequired { reference, url, at }
        }
        Fact::Authorized { reference, amount, expires_at } => {
            // What is taken or let go already does not run out.
            let expires_at = expires_at.filter(|_| attempt.may_hold());
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
        Fact::DisputeOpened { object, amount } => {
            PaymentEvent::DisputeOpened { object, amount, at }
        }
        Fact::DisputeWon { object } => PaymentEvent::DisputeWon { object, at },
        Fact::DisputeLost { object } => PaymentEvent::DisputeLost { object, at },
        Fact::Unknown => PaymentEvent::OutcomeUnknown { at },
    }
}

//! Facts that the provider reports: a fact that is received twice counts once, and no fact is
//! refused.

use super::{Fact, PaymentDetails, PaymentEvent, PaymentStatus};
use crate::{Money, Timestamp};

impl PaymentDetails {
    /// Records a fact as an event if it changes anything; a known fact gives no event.
    pub(super) fn record(&self, fact: &Fact, at: Timestamp) -> Vec<PaymentEvent> {
        if *fact == Fact::Unknown && self.open_calls().is_empty() {
            // The provider did not answer, but meanwhile a webhook has reported the outcome.
            return vec![];
        }
        let event = match self.mismatch(fact) {
            Some(reason) => PaymentEvent::NeedsAttention { reason, at },
            None => self.fact_to_event(fact.clone(), at),
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

    /// Flags the payment for a person, unless it is flagged for this reason already.
    pub(super) fn flag(&self, reason: &str, at: Timestamp) -> Option<PaymentEvent> {
        let flagged = PaymentEvent::NeedsAttention { reason: reason.to_owned(), at };
        let mut after = self.clone();
        after.apply(flagged.clone());
        (after.needs_attention != self.needs_attention).then_some(flagged)
    }

    /// Flags the payment because its order has ended, so a person must find out what the provider
    /// did with the money.
    pub(super) fn flag_unknown(&self, at: Timestamp) -> Vec<PaymentEvent> {
        if self.status() != PaymentStatus::Unknown {
            return vec![];
        }
        let reason = "the order ended while the outcome of its payment is unknown";
        self.flag(reason, at).into_iter().collect()
    }

    pub(super) fn resolve_attention(&self, at: Timestamp) -> Vec<PaymentEvent> {
        let is_flagged = self.needs_attention.is_some();
        is_flagged.then_some(PaymentEvent::AttentionResolved { at }).into_iter().collect()
    }

    /// Why the amount of a fact does not fit the order. Such money does not count as paid.
    fn mismatch(&self, fact: &Fact) -> Option<String> {
        let (what, amount) = match fact {
            Fact::Authorized { amount, .. } => ("authorised", *amount),
            Fact::Captured { amount, .. } => ("captured", *amount),
            Fact::Refunded { amount, .. } => ("refunded", *amount),
            Fact::DisputeOpened { amount, .. } => ("disputed", *amount),
            _ => return None,
        };
        let fits = match fact {
            Fact::Authorized { .. } => amount == self.amount,
            _ => self.can_be_part(amount),
        };
        (!fits).then(|| format!("{amount} was {what}, but the order is for {}", self.amount))
    }

    fn can_be_part(&self, amount: Money) -> bool {
        amount.currency == self.amount.currency && (0..=self.amount.amount).contains(&amount.amount)
    }

    fn fact_to_event(&self, fact: Fact, at: Timestamp) -> PaymentEvent {
        match fact {
            Fact::Processing { reference } => PaymentEvent::Processing { reference, at },
            Fact::ActionRequired { reference, url } => {
                PaymentEvent::ActionRequired { reference, url, at }
            }
            Fact::Authorized { reference, amount, expires_at } => {
                self.authorized_event(reference, amount, expires_at, at)
            }
            Fact::Captured { object, amount, request } => {
                PaymentEvent::Captured { object, amount, request, at }
            }
            Fact::CaptureFailed { request, reason } => {
                PaymentEvent::CaptureFailed { request, reason, at }
            }
            Fact::Cancelled => self.released_event(at),
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

    /// An authorisation that is captured or released already cannot expire.
    fn authorized_event(
        &self,
        reference: String,
        amount: Money,
        expires_at: Option<Timestamp>,
        at: Timestamp,
    ) -> PaymentEvent {
        let expires_at = expires_at.filter(|_| self.has_held_money());
        PaymentEvent::Authorized { reference, amount, expires_at, at }
    }

    fn released_event(&self, at: Timestamp) -> PaymentEvent {
        if self.authorized == 0 {
            return PaymentEvent::Cancelled { at };
        }
        let amount = self.money(self.authorized - self.captured());
        PaymentEvent::Voided { amount, at }
    }
}

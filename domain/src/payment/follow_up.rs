//! Retries of calls to the provider. A call without an answer is repeated under the same
//! idempotency key; a refused request is made anew under another. Each retry waits longer than the
//! one before, and after the last one the payment is flagged for a person.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::amounts::{next_request, pending_amount, sum};
use super::{Call, MoneyRequest, PaymentDetails, PaymentEvent, PaymentMethod};
use crate::Timestamp;

/// How many times the same amount is requested before the payment is flagged for a person.
pub const TRIES_MAX: u32 = 5;

/// How many calls in a row may stay unanswered before the payment is flagged for a person. With a
/// first wait of one second, this is a little more than a day.
pub const SILENCES_MAX: u32 = 36;

/// The longest wait before a retry.
const WAIT_MAX: TimeDelta = TimeDelta::hours(1);

/// A refused request waits as long as a call that stayed unanswered this many times.
const REFUSED_DOUBLINGS: u32 = 5;

impl PaymentDetails {
    /// The calls that the provider has not answered.
    pub fn open_calls(&self) -> Vec<Call> {
        let pending = |requests: &BTreeMap<u32, MoneyRequest>| -> Vec<u32> {
            requests.iter().filter(|(_, request)| request.pending).map(|(n, _)| *n).collect()
        };
        let mut calls = vec![];
        if self.awaits_first_answer() {
            calls.push(Call::Create);
        }
        calls.extend(pending(&self.capture_requests).into_iter().map(Call::Capture));
        if self.void.pending && !self.released && !self.expired {
            calls.push(Call::Void);
        }
        calls.extend(pending(&self.refund_requests).into_iter().map(Call::Refund));
        calls
    }

    /// When a call was first made, which is the age of its idempotency key.
    pub fn asked_at(&self, call: Call) -> Timestamp {
        let asked_at = match call {
            Call::Create => None,
            Call::Capture(n) => self.capture_requests.get(&n).map(|request| request.asked_at),
            Call::Void => self.void.asked_at,
            Call::Refund(n) => self.refund_requests.get(&n).map(|request| request.asked_at),
        };
        asked_at.unwrap_or(self.created_at)
    }

    fn awaits_first_answer(&self) -> bool {
        let is_answered = self.reference.is_some() || self.failure.is_some() || self.authorized > 0;
        let is_cash = self.method == PaymentMethod::CashOnDelivery;
        !is_cash && !is_answered && !self.released && !self.expired
    }

    pub(super) fn plan_follow_up(&self, first: TimeDelta, at: Timestamp) -> Vec<PaymentEvent> {
        let mut events: Vec<_> =
            self.abandoned().iter().filter_map(|reason| self.flag(reason, at)).collect();
        if let Some(doublings) = self.doublings()
            && self.follow_up_at.is_none()
        {
            let wait = first.checked_mul(1 << doublings.min(20)).unwrap_or(WAIT_MAX);
            let due_at = at + wait.min(WAIT_MAX);
            events.push(PaymentEvent::FollowUpScheduled { due_at, at });
        }
        events
    }

    /// How many times the first wait is doubled before the next retry; `None` if there is nothing
    /// to retry.
    fn doublings(&self) -> Option<u32> {
        let is_unanswered =
            !self.open_calls().is_empty() && (1..=SILENCES_MAX).contains(&self.silences);
        let unanswered = is_unanswered.then(|| self.silences - 1);
        let refusals = [
            (retry_amount(&self.capture_requests) > 0).then(|| failures(&self.capture_requests)),
            self.awaits_void_retry().then_some(self.void.tries),
            (retry_amount(&self.refund_requests) > 0).then(|| failures(&self.refund_requests)),
        ];
        let fewest_refusals = refusals.into_iter().flatten().min();
        let refused = fewest_refusals.map(|n| REFUSED_DOUBLINGS + n.saturating_sub(1));
        unanswered.into_iter().chain(refused).min()
    }

    /// The reasons for what is not retried any more, as sentences.
    fn abandoned(&self) -> Vec<String> {
        let mut reasons = vec![];
        if self.silences > SILENCES_MAX && !self.open_calls().is_empty() {
            reasons.push("the provider does not answer".to_owned());
        }
        let void = self
            .void
            .failure
            .as_ref()
            .filter(|_| self.has_refused_void() && !self.awaits_void_retry());
        for (what, why) in [
            ("captured", last_refusal(&self.capture_requests)),
            ("voided", void),
            ("refunded", last_refusal(&self.refund_requests)),
        ] {
            reasons.extend(why.map(|why| format!("the money cannot be {what}: {why}")));
        }
        reasons
    }

    /// Retries everything that is due.
    pub(super) fn follow_up(&self, at: Timestamp) -> Vec<PaymentEvent> {
        if self.follow_up_at.is_none_or(|due_at| due_at > at) {
            return vec![];
        }
        let mut events = vec![PaymentEvent::FollowedUp { again: self.open_calls(), at }];
        let capture = retry_amount(&self.capture_requests).min(self.capture_left());
        if capture > 0 && !self.void.pending && !self.is_hold_over(at) {
            let (request, amount) = (next_request(&self.capture_requests), self.money(capture));
            events.push(PaymentEvent::CaptureRequested { request, amount, at });
        }
        if self.awaits_void_retry() {
            events.push(PaymentEvent::VoidRequested { at });
        }
        let refund = retry_amount(&self.refund_requests).min(self.refund_left());
        if refund > 0 {
            let (request, amount) = (next_request(&self.refund_requests), self.money(refund));
            events.push(PaymentEvent::RefundRequested { request, amount, at });
        }
        events
    }

    /// Whether a void was refused and will be requested again.
    pub(crate) fn awaits_void_retry(&self) -> bool {
        self.has_refused_void() && self.void.tries < TRIES_MAX
    }

    /// Whether the last void was refused and there is still money to void.
    fn has_refused_void(&self) -> bool {
        self.has_held_money() && self.void.tries > 0 && self.void.failure.is_some()
    }

    /// The amount that can be captured, including amounts that wait for a retry.
    fn capture_left(&self) -> i64 {
        self.capturable().saturating_add(retry_amount(&self.capture_requests))
    }

    /// The amount that can be refunded, including amounts that wait for a retry.
    fn refund_left(&self) -> i64 {
        let kept = self.captured().saturating_sub(self.refunded());
        kept.saturating_sub(self.disputed()).saturating_sub(pending_amount(&self.refund_requests))
    }
}

/// The refused amount that will be requested again, in minor units.
pub(super) fn retry_amount(requests: &BTreeMap<u32, MoneyRequest>) -> i64 {
    if failures(requests) >= TRIES_MAX {
        return 0;
    }
    let refused = requests.values().filter(|request| request.failure.is_some() && !request.retried);
    sum(refused.map(|request| &request.amount))
}

fn failures(requests: &BTreeMap<u32, MoneyRequest>) -> u32 {
    requests.values().map(|request| u32::from(request.failure.is_some())).sum()
}

/// Why the provider refused the last request, if that request is not retried any more.
fn last_refusal(requests: &BTreeMap<u32, MoneyRequest>) -> Option<&String> {
    let (_, last) = requests.last_key_value()?;
    last.failure.as_ref().filter(|_| !last.retried && failures(requests) >= TRIES_MAX)
}

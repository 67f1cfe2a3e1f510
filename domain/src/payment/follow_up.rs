//! Turning to the provider again: what went unanswered is asked again under the same key, what was
//! refused is asked anew under another, each later than the time before, and not for ever.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::requests::next_request;
use super::status::{in_flight, sum};
use super::{Call, MoneyRequest, PaymentDetails, PaymentEvent, PaymentMethod};
use crate::Timestamp;

/// How often the same is asked for before a person is.
pub const TRIES_MAX: u32 = 5;

/// How many silences in a row are borne: with a first wait of a second, a little more than a day.
pub const SILENCES_MAX: u32 = 36;

/// The longest wait.
const WAIT_MAX: TimeDelta = TimeDelta::hours(1);

/// A provider that refuses needs more time than one that is silent: the first wait, doubled so often.
const REFUSED_DOUBLINGS: u32 = 5;

impl PaymentDetails {
    /// What the provider was asked, and has not answered.
    pub fn open_calls(&self) -> Vec<Call> {
        let pending = |requests: &BTreeMap<u32, MoneyRequest>| -> Vec<u32> {
            requests.iter().filter(|(_, request)| request.pending).map(|(n, _)| *n).collect()
        };
        let mut calls = vec![];
        if self.awaits_a_first_word() {
            calls.push(Call::Create);
        }
        calls.extend(pending(&self.capture_requests).into_iter().map(Call::Capture));
        if self.void.pending && !self.released && !self.expired {
            calls.push(Call::Void);
        }
        calls.extend(pending(&self.refund_requests).into_iter().map(Call::Refund));
        calls
    }

    /// When a call was first made; its key is as old.
    pub fn asked_at(&self, call: Call) -> Timestamp {
        let asked_at = match call {
            Call::Create => None,
            Call::Capture(n) => self.capture_requests.get(&n).map(|request| request.asked_at),
            Call::Void => self.void.asked_at,
            Call::Refund(n) => self.refund_requests.get(&n).map(|request| request.asked_at),
        };
        asked_at.unwrap_or(self.created_at)
    }

    fn awaits_a_first_word(&self) -> bool {
        let heard = self.reference.is_some() || self.failure.is_some() || self.authorized > 0;
        self.method != PaymentMethod::CashOnDelivery && !heard && !self.released && !self.expired
    }

    pub(super) fn plan_follow_up(&self, first: TimeDelta, at: Timestamp) -> Vec<PaymentEvent> {
        let mut events: Vec<_> =
            self.given_up().iter().filter_map(|reason| self.flag(reason, at)).collect();
        if let Some(doublings) = self.doublings()
            && self.follow_up_at.is_none()
        {
            let wait = first.checked_mul(1 << doublings.min(20)).unwrap_or(WAIT_MAX);
            let due_at = at + wait.min(WAIT_MAX);
            events.push(PaymentEvent::FollowUpScheduled { due_at, at });
        }
        events
    }

    /// How often the first wait is to be doubled; nothing, when nothing is left to try.
    fn doublings(&self) -> Option<u32> {
        let silent = !self.open_calls().is_empty() && (1..=SILENCES_MAX).contains(&self.silences);
        let silent = silent.then(|| self.silences - 1);
        let refused = [
            (waiting(&self.capture_requests) > 0).then(|| failures(&self.capture_requests)),
            self.void_waits().then_some(self.void.tries),
            (waiting(&self.refund_requests) > 0).then(|| failures(&self.refund_requests)),
        ];
        let refused = refused.into_iter().flatten().min();
        let refused = refused.map(|n| REFUSED_DOUBLINGS + n.saturating_sub(1));
        silent.into_iter().chain(refused).min()
    }

    /// What is not tried any more, in sentences.
    fn given_up(&self) -> Vec<String> {
        let mut reasons = vec![];
        if self.silences > SILENCES_MAX && !self.open_calls().is_empty() {
            reasons.push("the provider does not answer".to_owned());
        }
        let void = self.void.failure.as_ref().filter(|_| self.void_refused() && !self.void_waits());
        for (what, why) in [
            ("captured", last_refusal(&self.capture_requests)),
            ("let go", void),
            ("refunded", last_refusal(&self.refund_requests)),
        ] {
            reasons.extend(why.map(|why| format!("the money cannot be {what}: {why}")));
        }
        reasons
    }

    /// The time has come.
    pub(super) fn follow_up(&self, at: Timestamp) -> Vec<PaymentEvent> {
        if self.follow_up_at.is_none_or(|due_at| due_at > at) {
            return vec![];
        }
        let mut events = vec![PaymentEvent::FollowedUp { again: self.open_calls(), at }];
        let capture = waiting(&self.capture_requests).min(self.capture_left());
        if capture > 0 && !self.void.pending && !self.is_hold_over(at) {
            let (request, amount) = (next_request(&self.capture_requests), self.money(capture));
            events.push(PaymentEvent::CaptureRequested { request, amount, at });
        }
        if self.void_waits() {
            events.push(PaymentEvent::VoidRequested { at });
        }
        let refund = waiting(&self.refund_requests).min(self.refund_left());
        if refund > 0 {
            let (request, amount) = (next_request(&self.refund_requests), self.money(refund));
            events.push(PaymentEvent::RefundRequested { request, amount, at });
        }
        events
    }

    /// A void was refused, and is to be asked for anew.
    pub(crate) fn void_waits(&self) -> bool {
        self.void_refused() && self.void.tries < TRIES_MAX
    }

    /// Somebody asked for it in vain, and something is left to let go.
    fn void_refused(&self) -> bool {
        self.may_hold() && self.void.tries > 0 && self.void.failure.is_some()
    }

    /// What could be captured, were nothing waiting.
    fn capture_left(&self) -> i64 {
        self.capturable().saturating_add(waiting(&self.capture_requests))
    }

    /// What could be refunded, were nothing waiting.
    fn refund_left(&self) -> i64 {
        let taken = self.captured().saturating_sub(self.refunded());
        taken.saturating_sub(self.disputed()).saturating_sub(in_flight(&self.refund_requests))
    }
}

/// What was refused and is to be asked for anew; minor units.
pub(super) fn waiting(requests: &BTreeMap<u32, MoneyRequest>) -> i64 {
    if failures(requests) >= TRIES_MAX {
        return 0;
    }
    let refused = requests.values().filter(|request| request.failure.is_some() && !request.retried);
    sum(refused.map(|request| &request.amount))
}

fn failures(requests: &BTreeMap<u32, MoneyRequest>) -> u32 {
    requests.values().map(|request| u32::from(request.failure.is_some())).sum()
}

/// Why nothing is asked for any more.
fn last_refusal(requests: &BTreeMap<u32, MoneyRequest>) -> Option<&String> {
    let (_, last) = requests.last_key_value()?;
    last.failure.as_ref().filter(|_| !last.retried && failures(requests) >= TRIES_MAX)
}

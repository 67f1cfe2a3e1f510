//! What is known of a payment, folded from its events: facts add to it, and by maximum.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    CaptureMode, Dispute, DisputeOutcome, MoneyRequest, PaymentDetails, PaymentEvent,
    PaymentMethod, Void,
};
use crate::{Money, OrderId, Timestamp};

impl PaymentDetails {
    pub(super) fn new(
        order: OrderId,
        amount: Money,
        method: PaymentMethod,
        capture: CaptureMode,
        source: String,
        at: Timestamp,
    ) -> Self {
        PaymentDetails {
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
            expiry_noticed: false,
            captures: BTreeMap::new(),
            capture_requests: BTreeMap::new(),
            void: Void::default(),
            released: false,
            refunds: BTreeMap::new(),
            refund_requests: BTreeMap::new(),
            failure: None,
            expired: false,
            silences: 0,
            follow_up_at: None,
            disputes: BTreeMap::new(),
            needs_attention: None,
            created_at: at,
            updated_at: at,
        }
    }

    pub(super) fn apply(&mut self, event: PaymentEvent) {
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
                // A hold that is made longer runs out another time.
                self.expiry_noticed &= expires_at <= self.authorization_expires_at;
                self.authorization_expires_at = self.authorization_expires_at.max(expires_at);
                self.forget_the_end_of_nothing();
            }
            PaymentEvent::CaptureRequested { request, amount, at } => {
                self.updated_at = at;
                self.capture_requests.insert(request, MoneyRequest::new(amount.amount, at));
            }
            PaymentEvent::Captured { object, amount, request, at } => {
                self.heard(at, None);
                raise(&mut self.captures, object, amount.amount);
                // A capture implies its authorisation, which may be heard of later.
                self.authorized = self.authorized.max(self.captured());
                succeed(&mut self.capture_requests, request);
                self.forget_the_end_of_nothing();
            }
            PaymentEvent::CaptureFailed { request, reason, at } => {
                self.heard(at, None);
                fail(&mut self.capture_requests, request, reason);
            }
            PaymentEvent::Cancelled { at } | PaymentEvent::Voided { at, .. } => {
                self.heard(at, None);
                self.released = true;
                self.forget_the_end_of_nothing();
            }
            PaymentEvent::VoidRequested { at } => {
                self.updated_at = at;
                let tries = self.void.tries + 1;
                self.void = Void { asked_at: Some(at), pending: true, tries, failure: None };
            }
            PaymentEvent::VoidFailed { reason, at } => {
                self.heard(at, None);
                self.void.pending = false;
                self.void.failure = self.void.failure.take().max(Some(reason));
            }
            PaymentEvent::RefundRequested { request, amount, at } => {
                self.updated_at = at;
                self.refund_requests.insert(request, MoneyRequest::new(amount.amount, at));
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
                self.forget_the_end_of_nothing();
            }
            PaymentEvent::OutcomeUnknown { at } => {
                self.updated_at = at;
                self.silences = self.silences.saturating_add(1);
            }
            PaymentEvent::DisputeOpened { object, amount, at } => {
                self.heard(at, None);
                self.dispute(object, amount.amount, DisputeOutcome::Open);
            }
            PaymentEvent::DisputeWon { object, at } => {
                self.heard(at, None);
                self.dispute(object, 0, DisputeOutcome::Won);
            }
            PaymentEvent::DisputeLost { object, at } => {
                self.heard(at, None);
                self.dispute(object, 0, DisputeOutcome::Lost);
            }
            PaymentEvent::NeedsAttention { reason, at } => {
                self.updated_at = at;
                add_reason(&mut self.needs_attention, &reason);
            }
            PaymentEvent::AttentionResolved { at } => {
                self.updated_at = at;
                self.needs_attention = None;
            }
            PaymentEvent::FollowUpScheduled { due_at, at } => {
                self.updated_at = at;
                self.follow_up_at = Some(due_at);
            }
            PaymentEvent::FollowedUp { at, .. } => {
                self.updated_at = at;
                self.follow_up_at = None;
                retry(&mut self.capture_requests);
                retry(&mut self.refund_requests);
            }
            PaymentEvent::RestHeld { at, .. } => self.updated_at = at,
            PaymentEvent::AuthorizationExpiring { at, .. } => {
                self.updated_at = at;
                self.expiry_noticed = true;
            }
        }
    }

    /// Whatever the provider says ends the doubt about whether it heard us.
    fn heard(&mut self, at: Timestamp, reference: Option<String>) {
        self.updated_at = at;
        self.silences = 0;
        self.reference = self.reference.take().max(reference);
    }

    /// Once nothing is held any more, no authorisation is left to run out.
    fn forget_the_end_of_nothing(&mut self) {
        if !self.may_hold() {
            self.authorization_expires_at = None;
        }
    }

    fn dispute(&mut self, object: String, amount: i64, outcome: DisputeOutcome) {
        let dispute = self.disputes.entry(object).or_insert(Dispute { amount, outcome });
        dispute.amount = dispute.amount.max(amount);
        dispute.outcome = dispute.outcome.max(outcome);
    }
}

impl MoneyRequest {
    fn new(amount: i64, asked_at: Timestamp) -> Self {
        MoneyRequest { amount, asked_at, pending: true, failure: None, retried: false }
    }
}

fn raise(amounts: &mut BTreeMap<String, i64>, object: String, amount: i64) {
    let known = amounts.entry(object).or_default();
    *known = amount.max(*known);
}

fn succeed(requests: &mut BTreeMap<u32, MoneyRequest>, request: Option<u32>) {
    if let Some(request) = request.and_then(|request| requests.get_mut(&request)) {
        request.pending = false;
        request.failure = None;
    }
}

/// Money that has moved is the truth: no failure, heard before or after it, outweighs it.
fn fail(requests: &mut BTreeMap<u32, MoneyRequest>, request: u32, reason: String) {
    let request = requests.get_mut(&request);
    if let Some(request) = request.filter(|r| r.pending || r.failure.is_some()) {
        request.pending = false;
        request.failure = request.failure.take().max(Some(reason));
    }
}

/// What has failed is asked for anew, or nothing of it is left to ask for.
fn retry(requests: &mut BTreeMap<u32, MoneyRequest>) {
    for request in requests.values_mut().filter(|request| request.failure.is_some()) {
        request.retried = true;
    }
}

/// Every reason once, in an order that does not depend on which was heard first.
fn add_reason(reasons: &mut Option<String>, reason: &str) {
    let mut all: BTreeSet<&str> = reasons.iter().flat_map(|known| known.split("; ")).collect();
    all.insert(reason);
    *reasons = Some(all.into_iter().collect::<Vec<_>>().join("; "));
}

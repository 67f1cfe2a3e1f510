//! The details of a payment, folded from its events: each fact keeps the maximum of the amounts.

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
        self.updated_at = event.at();
        if event.is_from_provider() {
            self.silences = 0;
        }
        match event {
            // This is the first event of the stream, and the only one of its type; it has created
            // these details.
            PaymentEvent::Initiated { .. } => {}
            PaymentEvent::ActionRequired { reference, url, .. } => {
                self.apply_required_action(reference, url);
            }
            PaymentEvent::Processing { reference, .. } => self.apply_processing(reference),
            PaymentEvent::Authorized { reference, amount, expires_at, .. } => {
                self.apply_authorization(reference, amount.amount, expires_at);
            }
            PaymentEvent::CaptureRequested { request, amount, at } => {
                self.capture_requests.insert(request, MoneyRequest::new(amount.amount, at));
            }
            PaymentEvent::Captured { object, amount, request, .. } => {
                self.apply_capture(object, amount.amount, request);
            }
            PaymentEvent::CaptureFailed { request, reason, .. } => {
                fail(&mut self.capture_requests, request, reason);
            }
            PaymentEvent::Cancelled { .. } | PaymentEvent::Voided { .. } => self.apply_release(),
            PaymentEvent::VoidRequested { at } => self.void.request(at),
            PaymentEvent::VoidFailed { reason, .. } => self.void.fail(reason),
            PaymentEvent::RefundRequested { request, amount, at } => {
                self.refund_requests.insert(request, MoneyRequest::new(amount.amount, at));
            }
            PaymentEvent::Refunded { object, amount, request, .. } => {
                self.apply_refund(object, amount.amount, request);
            }
            PaymentEvent::RefundFailed { request, reason, .. } => {
                fail(&mut self.refund_requests, request, reason);
            }
            PaymentEvent::Failed { reason, .. } => keep_greatest(&mut self.failure, reason),
            PaymentEvent::Expired { .. } => self.apply_expiry(),
            PaymentEvent::OutcomeUnknown { .. } => {
                self.silences = self.silences.saturating_add(1);
            }
            PaymentEvent::DisputeOpened { object, amount, .. } => {
                self.apply_dispute(object, amount.amount, DisputeOutcome::Open);
            }
            PaymentEvent::DisputeWon { object, .. } => {
                self.apply_dispute(object, 0, DisputeOutcome::Won);
            }
            PaymentEvent::DisputeLost { object, .. } => {
                self.apply_dispute(object, 0, DisputeOutcome::Lost);
            }
            PaymentEvent::NeedsAttention { reason, .. } => {
                add_reason(&mut self.needs_attention, &reason);
            }
            PaymentEvent::AttentionResolved { .. } => self.needs_attention = None,
            PaymentEvent::FollowUpScheduled { due_at, .. } => self.follow_up_at = Some(due_at),
            PaymentEvent::FollowedUp { .. } => self.apply_follow_up(),
            // This event only sets a deadline; the authorisation's end is known already.
            PaymentEvent::RestHeld { .. } => {}
            PaymentEvent::AuthorizationExpiring { .. } => self.expiry_noticed = true,
        }
    }

    fn apply_required_action(&mut self, reference: String, url: Option<String>) {
        keep_greatest(&mut self.reference, reference);
        self.action_required = true;
        self.action_url = self.action_url.take().max(url);
    }

    fn apply_processing(&mut self, reference: String) {
        keep_greatest(&mut self.reference, reference);
        self.processing = true;
    }

    fn apply_authorization(
        &mut self,
        reference: String,
        amount: i64,
        expires_at: Option<Timestamp>,
    ) {
        keep_greatest(&mut self.reference, reference);
        self.authorized = self.authorized.max(amount);
        // If an authorisation is extended, its new end needs a new warning.
        self.expiry_noticed &= expires_at <= self.authorization_expires_at;
        self.authorization_expires_at = self.authorization_expires_at.max(expires_at);
        self.forget_expiry_of_nothing();
    }

    fn apply_capture(&mut self, object: String, amount: i64, request: Option<u32>) {
        raise(&mut self.captures, object, amount);
        // A capture proves an authorisation, which may be reported later.
        self.authorized = self.authorized.max(self.captured());
        succeed(&mut self.capture_requests, request);
        self.forget_expiry_of_nothing();
    }

    fn apply_refund(&mut self, object: String, amount: i64, request: Option<u32>) {
        raise(&mut self.refunds, object, amount);
        succeed(&mut self.refund_requests, request);
    }

    fn apply_release(&mut self) {
        self.released = true;
        self.forget_expiry_of_nothing();
    }

    fn apply_expiry(&mut self) {
        self.expired = true;
        self.forget_expiry_of_nothing();
    }

    fn apply_dispute(&mut self, object: String, amount: i64, outcome: DisputeOutcome) {
        let dispute = self.disputes.entry(object).or_insert(Dispute { amount, outcome });
        dispute.amount = dispute.amount.max(amount);
        dispute.outcome = dispute.outcome.max(outcome);
    }

    fn apply_follow_up(&mut self) {
        self.follow_up_at = None;
        mark_retried(&mut self.capture_requests);
        mark_retried(&mut self.refund_requests);
    }

    /// If no money is held any more, no authorisation can expire.
    fn forget_expiry_of_nothing(&mut self) {
        if !self.has_held_money() {
            self.authorization_expires_at = None;
        }
    }
}

impl MoneyRequest {
    fn new(amount: i64, asked_at: Timestamp) -> Self {
        MoneyRequest { amount, asked_at, pending: true, failure: None, retried: false }
    }
}

impl Void {
    fn request(&mut self, at: Timestamp) {
        let tries = self.tries + 1;
        *self = Void { asked_at: Some(at), pending: true, tries, failure: None };
    }

    fn fail(&mut self, reason: String) {
        self.pending = false;
        keep_greatest(&mut self.failure, reason);
    }
}

/// Of several reports the greatest is kept, so their order does not matter.
fn keep_greatest(known: &mut Option<String>, reported: String) {
    *known = known.take().max(Some(reported));
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

/// A success outweighs a failure, whichever is reported first, because the money has moved.
fn fail(requests: &mut BTreeMap<u32, MoneyRequest>, request: u32, reason: String) {
    let request = requests.get_mut(&request);
    if let Some(request) = request.filter(|r| r.pending || r.failure.is_some()) {
        request.pending = false;
        keep_greatest(&mut request.failure, reason);
    }
}

/// Marks the failed requests as retried: either their amounts were requested again, or there is
/// nothing left to request.
fn mark_retried(requests: &mut BTreeMap<u32, MoneyRequest>) {
    for request in requests.values_mut().filter(|request| request.failure.is_some()) {
        request.retried = true;
    }
}

/// Adds a reason, unless it is there already. Reasons are sorted, so the result does not depend on
/// the order in which they were added.
fn add_reason(reasons: &mut Option<String>, reason: &str) {
    let mut all: BTreeSet<&str> = reasons.iter().flat_map(|known| known.split("; ")).collect();
    all.insert(reason);
    *reasons = Some(all.into_iter().collect::<Vec<_>>().join("; "));
}

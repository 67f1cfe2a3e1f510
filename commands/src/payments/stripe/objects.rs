//! The fields of Stripe's objects that the shop reads, and the facts that they stand for.
//!
//! Other fields of theirs are ignored.

use std::collections::BTreeMap;

use chrono::DateTime;
use domain::payment::{Fact, PaymentDetails};
use domain::{Currency, Money, PaymentId};
use serde::Deserialize;

use crate::payments::ProviderError;

/// The keys of Stripe's metadata that hold the shop's ids.
const PAYMENT: &str = "payment_id";
const ORDER: &str = "order_id";
const REQUEST: &str = "request";

/// The fields to be expanded in every answer that holds one intent, or a list of them.
pub(super) const CHARGE: &str = "latest_charge";
pub(super) const EACH_CHARGE: &str = "data.latest_charge";

/// A PaymentIntent with its latest charge expanded. It holds the client's secret, so it has no
/// `Debug`.
#[derive(Deserialize)]
pub(super) struct PaymentIntent {
    pub(super) id: String,
    pub(super) status: String,
    pub(super) amount: i64,
    pub(super) amount_received: i64,
    pub(super) currency: String,
    /// Unix seconds.
    pub(super) created: i64,
    pub(super) client_secret: Option<String>,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) cancellation_reason: Option<String>,
    pub(super) next_action: Option<NextAction>,
    pub(super) last_payment_error: Option<LastError>,
    pub(super) latest_charge: Option<Charge>,
}

#[derive(Deserialize)]
pub(super) struct NextAction {
    redirect_to_url: Option<Redirect>,
}

#[derive(Deserialize)]
struct Redirect {
    url: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct LastError {
    code: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Charge {
    id: String,
    payment_method_details: Option<MethodDetails>,
}

#[derive(Deserialize)]
struct MethodDetails {
    card: Option<CardDetails>,
}

#[derive(Deserialize)]
struct CardDetails {
    /// Unix seconds.
    capture_before: Option<i64>,
}

#[derive(Deserialize)]
pub(super) struct Refund {
    id: String,
    amount: i64,
    currency: String,
    status: Option<String>,
    failure_reason: Option<String>,
    metadata: BTreeMap<String, String>,
}

/// One page of a list.
#[derive(Deserialize)]
pub(super) struct List<T> {
    pub(super) data: Vec<T>,
    pub(super) has_more: bool,
}

/// The metadata that links an intent to the shop's payment.
pub(super) fn intent_metadata(
    payment: PaymentId,
    details: &PaymentDetails,
) -> [(&'static str, String); 2] {
    let (payment, order) = (payment.to_string(), details.order.to_string());
    [(PAYMENT, payment), (ORDER, order)]
}

/// The metadata that links a capture or a refund to the shop's request.
pub(super) fn request_metadata(payment: PaymentId, request: u32) -> [(&'static str, String); 2] {
    let (payment, request) = (payment.to_string(), request.to_string());
    [(PAYMENT, payment), (REQUEST, request)]
}

impl PaymentIntent {
    /// The shop's id of the payment; `None` if the intent was not made by this shop.
    pub(super) fn payment(&self) -> Option<PaymentId> {
        self.metadata.get(PAYMENT)?.parse().ok().map(PaymentId)
    }

    /// The number of the shop's request that captured the intent.
    pub(super) fn captured_by(&self) -> Option<u32> {
        let request = self.metadata.get(REQUEST)?.parse().ok();
        request.filter(|_| self.status == "succeeded")
    }

    /// The facts that the intent stands for, without its refunds.
    pub(super) fn facts(&self) -> Result<Vec<Fact>, ProviderError> {
        let reference = self.id.clone();
        Ok(match self.status.as_str() {
            "requires_payment_method" if self.last_payment_error.is_some() => {
                vec![Fact::Failed { reason: self.failure() }]
            }
            "requires_action" => vec![Fact::ActionRequired { reference, url: self.action_url() }],
            "requires_capture" => vec![self.authorized()?],
            "succeeded" => self.captured()?,
            "canceled" => vec![self.voided()],
            _ => vec![Fact::Processing { reference }],
        })
    }

    /// The facts that the intent and its refunds stand for.
    pub(super) fn all_facts(&self, refunds: &[Refund]) -> Result<Vec<Fact>, ProviderError> {
        let mut facts = self.facts()?;
        facts.extend(self.refunded(refunds)?);
        Ok(facts)
    }

    /// An intent has one capture; Stripe releases the rest of the authorisation.
    fn captured(&self) -> Result<Vec<Fact>, ProviderError> {
        let request = self.captured_by();
        let object = self.latest_charge.as_ref().map_or(&self.id, |charge| &charge.id).clone();
        let amount = money(self.amount_received, &self.currency)?;
        let mut facts = vec![self.authorized()?, Fact::Captured { object, amount, request }];
        if self.released() > 0 {
            facts.push(Fact::Cancelled);
        }
        Ok(facts)
    }

    fn authorized(&self) -> Result<Fact, ProviderError> {
        let details = self.latest_charge.as_ref().and_then(|c| c.payment_method_details.as_ref());
        let card = details.and_then(|details| details.card.as_ref());
        let expires_at = card.and_then(|card| DateTime::from_timestamp(card.capture_before?, 0));
        let amount = money(self.amount, &self.currency)?;
        Ok(Fact::Authorized { reference: self.id.clone(), amount, expires_at })
    }

    fn voided(&self) -> Fact {
        match self.cancellation_reason.as_deref() {
            Some("automatic" | "expired") => Fact::Expired,
            _ => Fact::Cancelled,
        }
    }

    fn failure(&self) -> String {
        let code = self.last_payment_error.as_ref().and_then(|error| error.code.clone());
        code.unwrap_or_else(|| "declined".to_owned())
    }

    fn action_url(&self) -> Option<String> {
        self.next_action.as_ref()?.redirect_to_url.as_ref()?.url.clone()
    }

    /// What was authorised and not captured, in minor units. The capture releases it.
    fn released(&self) -> i64 {
        self.amount - self.amount_received
    }

    /// Stripe may also list the amount that a capture released as a refund, although it was never
    /// captured. That refund is left out.
    fn refunded(&self, refunds: &[Refund]) -> Result<Vec<Fact>, ProviderError> {
        let is_release = |refund: &Refund| {
            refund.request().is_none() && self.released() > 0 && refund.amount == self.released()
        };
        let release = refunds.iter().position(is_release);
        let real = refunds.iter().enumerate().filter(|(n, _)| Some(*n) != release);
        real.filter_map(|(_, refund)| refund.fact().transpose()).collect()
    }
}

impl Refund {
    /// The number of the shop's request; `None` if the refund was made elsewhere, such as in
    /// Stripe's dashboard.
    pub(super) fn request(&self) -> Option<u32> {
        self.metadata.get(REQUEST)?.parse().ok()
    }

    /// Not final yet: it can still succeed or fail.
    pub(super) fn is_pending(&self) -> bool {
        matches!(self.status.as_deref(), Some("pending" | "requires_action"))
    }

    /// The fact that the refund stands for. `None` while it is pending, and for a failed one that
    /// this shop did not request.
    pub(super) fn fact(&self) -> Result<Option<Fact>, ProviderError> {
        let request = self.request();
        Ok(match self.status.as_deref() {
            Some("failed" | "canceled") => request.map(|request| {
                let reason = self.failure_reason.clone();
                Fact::RefundFailed {
                    request,
                    reason: reason.unwrap_or_else(|| "failed".to_owned()),
                }
            }),
            _ if self.is_pending() => None,
            _ => {
                let amount = money(self.amount, &self.currency)?;
                Some(Fact::Refunded { object: self.id.clone(), amount, request })
            }
        })
    }
}

/// An amount in minor units with its currency, which Stripe writes in lower case.
pub(super) fn money(amount: i64, currency: &str) -> Result<Money, ProviderError> {
    let parsed: Result<Currency, _> = currency.to_uppercase().parse();
    let unknown =
        |_| ProviderError::NoAnswer(format!("the answer holds an unknown currency: {currency:?}"));
    Ok(Money::new(amount, parsed.map_err(unknown)?))
}

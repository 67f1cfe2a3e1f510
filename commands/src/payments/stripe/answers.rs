//! Stripe's objects, as far as we look at them, and the facts that they stand for.
//!
//! The generated types want every field of the present API version; these want what is used.

use std::collections::{BTreeMap, HashMap};

use chrono::DateTime;
use domain::payment::{Fact, PaymentDetails};
use domain::{Currency, Money, PaymentId};
use miniserde::Deserialize;

use crate::payments::ProviderError;

/// Where our ids travel in Stripe's metadata.
const PAYMENT: &str = "payment_id";
const ORDER: &str = "order_id";
const REQUEST: &str = "request";

/// To be expanded wherever an intent is answered.
pub(super) const CHARGE: &str = "latest_charge";
pub(super) const EACH_CHARGE: &str = "data.latest_charge";

/// A PaymentIntent with its latest charge expanded. It holds the client's secret, so it prints
/// nothing.
#[derive(Deserialize)]
pub(super) struct Intent {
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

#[derive(Deserialize)]
pub(super) struct Page<T> {
    pub(super) data: Vec<T>,
    pub(super) has_more: bool,
}

/// What an intent is told of our payment.
pub(super) fn intent_metadata(
    payment: PaymentId,
    attempt: &PaymentDetails,
) -> HashMap<String, String> {
    let (payment, order) = (payment.to_string(), attempt.order.to_string());
    HashMap::from([(PAYMENT.to_owned(), payment), (ORDER.to_owned(), order)])
}

/// What a capture or a refund is told of our request.
pub(super) fn request_metadata(payment: PaymentId, request: u32) -> HashMap<String, String> {
    let (payment, request) = (payment.to_string(), request.to_string());
    HashMap::from([(PAYMENT.to_owned(), payment), (REQUEST.to_owned(), request)])
}

impl Intent {
    /// Ours, if the intent is.
    pub(super) fn payment(&self) -> Option<PaymentId> {
        self.metadata.get(PAYMENT)?.parse().ok().map(PaymentId)
    }

    /// The number of our request that captured it.
    pub(super) fn captured_by(&self) -> Option<u32> {
        let request = self.metadata.get(REQUEST)?.parse().ok();
        request.filter(|_| self.status == "succeeded")
    }

    /// Everything that the intent says about itself.
    pub(super) fn facts(&self) -> Result<Vec<Fact>, ProviderError> {
        let reference = self.id.clone();
        Ok(match self.status.as_str() {
            "requires_payment_method" if self.last_payment_error.is_some() => {
                vec![Fact::Failed { reason: self.failure() }]
            }
            "requires_action" => vec![Fact::ActionRequired { reference, url: self.action_url() }],
            "requires_capture" => vec![self.authorized()?],
            "succeeded" => self.taken()?,
            "canceled" => vec![self.let_go()],
            _ => vec![Fact::Processing { reference }],
        })
    }

    /// Likewise, with what its refunds say.
    pub(super) fn all_facts(&self, refunds: &[Refund]) -> Result<Vec<Fact>, ProviderError> {
        let mut facts = self.facts()?;
        facts.extend(self.refunded(refunds)?);
        Ok(facts)
    }

    /// Stripe lets go of what a capture leaves: there is one capture an intent.
    fn taken(&self) -> Result<Vec<Fact>, ProviderError> {
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

    fn let_go(&self) -> Fact {
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

    /// What was authorised and, after the capture, is not held any more; minor units.
    fn released(&self) -> i64 {
        self.amount - self.amount_received
    }

    /// Stripe may book what a capture has let go as a refund too, which gave nothing back that was ever
    /// taken.
    fn refunded(&self, refunds: &[Refund]) -> Result<Vec<Fact>, ProviderError> {
        let is_release = |refund: &Refund| {
            refund.request().is_none() && self.released() > 0 && refund.amount == self.released()
        };
        let release = refunds.iter().position(is_release);
        let given_back = refunds.iter().enumerate().filter(|(n, _)| Some(*n) != release);
        given_back.filter_map(|(_, refund)| refund.fact().transpose()).collect()
    }
}

impl Refund {
    /// The number of our request, if it was ours.
    pub(super) fn request(&self) -> Option<u32> {
        self.metadata.get(REQUEST)?.parse().ok()
    }

    /// It may yet come to something, or to nothing.
    pub(super) fn is_pending(&self) -> bool {
        matches!(self.status.as_deref(), Some("pending" | "requires_action"))
    }

    /// Nothing, while it is pending, or when somebody else's came to nothing.
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

/// Stripe writes currencies in lower case.
pub(super) fn money(amount: i64, currency: &str) -> Result<Money, ProviderError> {
    let parsed: Result<Currency, _> = currency.to_uppercase().parse();
    let unknown = |_| ProviderError::NoAnswer(format!("it speaks of a currency {currency:?}"));
    Ok(Money::new(amount, parsed.map_err(unknown)?))
}

//! Reads Stripe's records. None of these calls changes anything at Stripe.

use chrono::TimeDelta;
use domain::PaymentId;
use domain::payment::{Fact, PaymentDetails};

use super::Stripe;
use super::objects::{CHARGE, EACH_CHARGE, List, PaymentIntent, Refund};
use super::request::{StripeRequest, path_of};
use crate::payments::ProviderError;

/// The most objects that Stripe lists at once.
const PAGE_SIZE: i64 = 100;

/// An intent that is not on the latest pages is not searched for any further.
const PAGES_MAX: usize = 100;

/// How far Stripe's clock may be behind this node's.
const CLOCKS_DIFFER_BY: TimeDelta = TimeDelta::minutes(5);

impl Stripe {
    /// Everything that Stripe knows of the payment; empty if it never received it.
    ///
    /// # Errors
    /// Also [`ProviderError::NoAnswer`] while a refund is pending: its outcome is not known yet.
    pub async fn look_up(
        &self,
        payment: PaymentId,
        details: &PaymentDetails,
    ) -> Result<Vec<Fact>, ProviderError> {
        let Some(intent) = self.find(payment, details).await? else { return Ok(vec![]) };
        let refunds = self.refunds_of(&intent).await?;
        if refunds.iter().any(Refund::is_pending) {
            return Err(ProviderError::NoAnswer("a refund is still pending".to_owned()));
        }
        intent.all_facts(&refunds)
    }

    /// Stripe's id of the payment. If the answer with the id was lost, the payment is searched for.
    pub(super) async fn reference(
        &self,
        payment: PaymentId,
        details: &PaymentDetails,
    ) -> Result<String, ProviderError> {
        if let Some(reference) = &details.reference {
            return Ok(reference.clone());
        }
        let found = self.find(payment, details).await?.map(|intent| intent.id);
        found.ok_or_else(|| ProviderError::Refused("Stripe has no such payment".to_owned()))
    }

    pub(super) async fn retrieve(&self, reference: &str) -> Result<PaymentIntent, ProviderError> {
        let request = StripeRequest::get(path_of("payment_intents", reference)).expand(CHARGE);
        self.api.send(&request, None).await
    }

    /// Finds the intent by Stripe's id, or, if that is not known, among the latest intents by the
    /// shop's id. Stripe's search API would be simpler, but it may be a minute behind, and a
    /// payment that it does not show yet might be made twice.
    pub(super) async fn find(
        &self,
        payment: PaymentId,
        details: &PaymentDetails,
    ) -> Result<Option<PaymentIntent>, ProviderError> {
        if let Some(reference) = &details.reference {
            return self.retrieve(reference).await.map(Some);
        }
        let begun = (details.created_at - CLOCKS_DIFFER_BY).timestamp();
        let mut after: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let mut request =
                StripeRequest::get("payment_intents").field("limit", PAGE_SIZE).expand(EACH_CHARGE);
            if let Some(after) = after {
                request = request.field("starting_after", after);
            }
            let page: List<PaymentIntent> = self.api.send(&request, None).await?;
            // Stripe lists the latest first.
            let last = page.data.last().map(|intent| (intent.id.clone(), intent.created));
            let is_wanted = |intent: &PaymentIntent| intent.payment() == Some(payment);
            if let Some(intent) = page.data.into_iter().find(is_wanted) {
                return Ok(Some(intent));
            }
            match last {
                Some((id, created)) if page.has_more && created >= begun => after = Some(id),
                _ => return Ok(None),
            }
        }
        Err(ProviderError::NoAnswer(format!(
            "the payment is not on the latest {PAGES_MAX} pages of Stripe's list"
        )))
    }

    /// The refunds of an intent. One without a capture has none, so Stripe is not asked.
    pub(super) async fn refunds_of(
        &self,
        intent: &PaymentIntent,
    ) -> Result<Vec<Refund>, ProviderError> {
        if intent.amount_received > 0 { self.refunds(&intent.id).await } else { Ok(vec![]) }
    }

    pub(super) async fn refunds(&self, reference: &str) -> Result<Vec<Refund>, ProviderError> {
        let request = StripeRequest::get("refunds")
            .field("payment_intent", reference)
            .field("limit", PAGE_SIZE);
        self.api.send::<List<Refund>>(&request, None).await.map(|page| page.data)
    }
}

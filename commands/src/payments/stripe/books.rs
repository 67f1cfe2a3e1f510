//! Looking things up in Stripe's books, without asking for anything to be done.

use chrono::TimeDelta;
use domain::PaymentId;
use domain::payment::{Fact, PaymentDetails};
use stripe_core::payment_intent::{ListPaymentIntent, RetrievePaymentIntent};
use stripe_core::refund::ListRefund;

use super::Stripe;
use super::answers::{CHARGE, EACH_CHARGE, Intent, Page, Refund};
use crate::payments::ProviderError;

/// The most that Stripe lists at once.
const PAGE: i64 = 100;

/// An intent that is not among so many is not looked for any longer.
const PAGES_AT_MOST: usize = 100;

/// How far Stripe's clock may be behind ours.
const CLOCKS_DIFFER_BY: TimeDelta = TimeDelta::minutes(5);

impl Stripe {
    /// All that Stripe knows of the payment; nothing, if it never heard of it.
    ///
    /// # Errors
    /// Also while a refund is pending: whoever looks it up wants to know how it ended.
    pub async fn look_up(
        &self,
        payment: PaymentId,
        attempt: &PaymentDetails,
    ) -> Result<Vec<Fact>, ProviderError> {
        let Some(intent) = self.find(payment, attempt).await? else { return Ok(vec![]) };
        let refunds = self.refunds_of(&intent).await?;
        if refunds.iter().any(Refund::is_pending) {
            return Err(ProviderError::NoAnswer("a refund is still pending".to_owned()));
        }
        intent.all_facts(&refunds)
    }

    /// Stripe's id of the payment, even if the answer that held it was lost.
    pub(super) async fn reference(
        &self,
        payment: PaymentId,
        attempt: &PaymentDetails,
    ) -> Result<String, ProviderError> {
        if let Some(reference) = &attempt.reference {
            return Ok(reference.clone());
        }
        let found = self.find(payment, attempt).await?.map(|intent| intent.id);
        found.ok_or_else(|| ProviderError::Refused("Stripe knows nothing of it".to_owned()))
    }

    pub(super) async fn retrieve(&self, reference: &str) -> Result<Intent, ProviderError> {
        let request = RetrievePaymentIntent::new(reference).expand([CHARGE.to_owned()]);
        self.api.send(&request, None).await
    }

    /// By the id that we know, or else among the latest ones by ours. Stripe's search would be simpler,
    /// but it may be a minute behind, and what it does not show might be paid twice.
    pub(super) async fn find(
        &self,
        payment: PaymentId,
        attempt: &PaymentDetails,
    ) -> Result<Option<Intent>, ProviderError> {
        if let Some(reference) = &attempt.reference {
            return self.retrieve(reference).await.map(Some);
        }
        let begun = (attempt.created_at - CLOCKS_DIFFER_BY).timestamp();
        let mut after: Option<String> = None;
        for _ in 0..PAGES_AT_MOST {
            let mut request = ListPaymentIntent::new().limit(PAGE).expand([EACH_CHARGE.to_owned()]);
            if let Some(after) = after {
                request = request.starting_after(after);
            }
            let page: Page<Intent> = self.api.send(&request, None).await?;
            // The latest come first.
            let last = page.data.last().map(|intent| (intent.id.clone(), intent.created));
            if let Some(ours) = page.data.into_iter().find(|i| i.payment() == Some(payment)) {
                return Ok(Some(ours));
            }
            match last {
                Some((id, created)) if page.has_more && created >= begun => after = Some(id),
                _ => return Ok(None),
            }
        }
        Err(ProviderError::NoAnswer(format!("not among the latest {PAGES_AT_MOST} pages")))
    }

    /// What was never taken cannot be given back, and is not asked for.
    pub(super) async fn refunds_of(&self, intent: &Intent) -> Result<Vec<Refund>, ProviderError> {
        if intent.amount_received > 0 { self.refunds(&intent.id).await } else { Ok(vec![]) }
    }

    pub(super) async fn refunds(&self, reference: &str) -> Result<Vec<Refund>, ProviderError> {
        let request = ListRefund::new().payment_intent(reference).limit(PAGE);
        self.api.send::<Page<Refund>>(&request, None).await.map(|page| page.data)
    }
}

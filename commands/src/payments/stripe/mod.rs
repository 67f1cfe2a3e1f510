//! Stripe: one PaymentIntent a payment.
//!
//! Money is authorised first and captured by a request of its own, also when the order is to be
//! captured automatically: that is decided here, once the stock is committed. What Stripe refuses may
//! have been done before, by a call whose answer was lost; so its books are looked at before a
//! refusal is believed.

mod answers;
mod api;
mod books;
mod create;
#[cfg(test)]
mod tests;
mod webhook;

use chrono::Utc;
use domain::PaymentId;
use domain::payment::{Call, Fact, MoneyRequest, PaymentDetails};
use stripe::StripeError;
use stripe_core::payment_intent::{CancelPaymentIntent, CapturePaymentIntent};
use stripe_core::refund::CreateRefund;

use self::answers::{CHARGE, Intent, Refund, request_metadata};
use self::api::Api;
use self::webhook::Event;
use super::{BadSignature, ProviderError, ReadError, Signer, Told};

/// Where Stripe lives, unless it is a stand-in.
pub const STRIPE_API: &str = "https://api.stripe.com";

#[derive(Debug, Clone)]
pub struct Stripe {
    api: Api,
    signer: Signer,
}

/// The settings cannot be used; it does not say what they are.
#[derive(Debug, thiserror::Error)]
#[error("Stripe's key is no header's value, or its address is no URL")]
pub struct BadSettings;

impl From<StripeError> for BadSettings {
    fn from(_: StripeError) -> Self {
        BadSettings
    }
}

impl Stripe {
    /// `signer` knows the secret of the webhook endpoint.
    ///
    /// # Errors
    /// Where the key or the base cannot be used in a request.
    pub fn new(secret_key: &str, api_base: &str, signer: Signer) -> Result<Stripe, BadSettings> {
        Ok(Stripe { api: Api::new(secret_key, api_base)?, signer })
    }

    pub(super) async fn ask(
        &self,
        payment: PaymentId,
        attempt: &PaymentDetails,
        call: Call,
    ) -> Result<Vec<Fact>, ProviderError> {
        match call {
            Call::Create => self.create(payment, attempt).await,
            Call::Capture(request) => self.capture(payment, attempt, request).await,
            Call::Void => self.void(payment, attempt).await,
            Call::Refund(request) => self.refund(payment, attempt, request).await,
        }
    }

    async fn create(
        &self,
        payment: PaymentId,
        attempt: &PaymentDetails,
    ) -> Result<Vec<Fact>, ProviderError> {
        let request = create::request(payment, attempt)?;
        let key = format!("{payment}/create");
        match self.api.send::<Intent>(&request, Some(&key)).await {
            Ok(intent) => intent.facts(),
            Err(ProviderError::Refused(reason)) => {
                let known = self.find(payment, attempt).await?;
                known.ok_or(ProviderError::Refused(reason))?.facts()
            }
            Err(error) => Err(error),
        }
    }

    async fn capture(
        &self,
        payment: PaymentId,
        attempt: &PaymentDetails,
        request: u32,
    ) -> Result<Vec<Fact>, ProviderError> {
        let amount = amount_of(attempt.capture_requests.get(&request))?;
        let reference = self.reference(payment, attempt).await?;
        let capture = CapturePaymentIntent::new(&*reference)
            .amount_to_capture(amount)
            .metadata(request_metadata(payment, request))
            .expand([CHARGE.to_owned()]);
        let key = format!("{payment}/capture/{request}");
        match self.api.send::<Intent>(&capture, Some(&key)).await {
            Ok(intent) => intent.facts(),
            Err(ProviderError::Refused(reason)) => {
                let intent = self.retrieve(&reference).await?;
                match intent.captured_by() == Some(request) {
                    true => intent.facts(),
                    false => Err(ProviderError::Refused(reason)),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Without a key: what is cancelled cannot be cancelled again, and what could not be may be later.
    async fn void(
        &self,
        payment: PaymentId,
        attempt: &PaymentDetails,
    ) -> Result<Vec<Fact>, ProviderError> {
        let reference = self.reference(payment, attempt).await?;
        let cancel = CancelPaymentIntent::new(&*reference).expand([CHARGE.to_owned()]);
        match self.api.send::<Intent>(&cancel, None).await {
            Ok(intent) => intent.facts(),
            Err(ProviderError::Refused(reason)) => {
                let facts = self.retrieve(&reference).await?.facts()?;
                let let_go = |fact: &Fact| matches!(fact, Fact::Cancelled | Fact::Expired);
                match facts.iter().any(let_go) {
                    true => Ok(facts),
                    false => Err(ProviderError::Refused(reason)),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// A refund that is pending brings no fact yet; Stripe's webhook will.
    async fn refund(
        &self,
        payment: PaymentId,
        attempt: &PaymentDetails,
        request: u32,
    ) -> Result<Vec<Fact>, ProviderError> {
        let amount = amount_of(attempt.refund_requests.get(&request))?;
        let reference = self.reference(payment, attempt).await?;
        let refund = CreateRefund::new()
            .payment_intent(&*reference)
            .amount(amount)
            .metadata(request_metadata(payment, request));
        let key = format!("{payment}/refund/{request}");
        let refund = match self.api.send::<Refund>(&refund, Some(&key)).await {
            Err(ProviderError::Refused(reason)) => {
                let mut refunds = self.refunds(&reference).await?.into_iter();
                let known = refunds.find(|refund| refund.request() == Some(request));
                known.ok_or(ProviderError::Refused(reason))?
            }
            answer => answer?,
        };
        Ok(refund.fact()?.into_iter().collect())
    }

    /// What the customer's browser needs to go on; it is never stored.
    pub(super) async fn client_secret(&self, reference: &str) -> Result<String, ProviderError> {
        let secret = self.retrieve(reference).await?.client_secret;
        secret.ok_or_else(|| ProviderError::NoAnswer("the intent came without a secret".to_owned()))
    }

    pub(super) async fn check(&self) -> Result<(), String> {
        self.api.check().await
    }

    pub(super) fn rests(&self) -> bool {
        self.api.rests()
    }

    pub(super) fn verify(&self, signature: &str, body: &[u8]) -> Result<String, BadSignature> {
        self.signer.verify(signature, body, Utc::now())?;
        Event::parse(body).map(|event| event.id).map_err(|_| BadSignature)
    }

    /// The event says where to look; what it is about is fetched.
    pub(super) async fn read(&self, body: &[u8]) -> Result<Vec<Told>, ReadError> {
        let event = Event::parse(body)?;
        let Some(reference) = event.intent() else { return Ok(vec![]) };
        let intent = self.retrieve(reference).await?;
        let Some(payment) = intent.payment() else { return Ok(vec![]) };
        let mut facts = intent.all_facts(&self.refunds_of(&intent).await?)?;
        facts.extend(event.dispute()?);
        Ok(facts.into_iter().map(|fact| Told { payment, fact }).collect())
    }
}

/// Of a request of ours, in minor units.
fn amount_of(request: Option<&MoneyRequest>) -> Result<i64, ProviderError> {
    let unknown = || ProviderError::Refused("there is no such request".to_owned());
    request.map(|request| request.amount).ok_or_else(unknown)
}

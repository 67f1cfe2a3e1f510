//! Stripe: one PaymentIntent per payment.
//!
//! Money is authorised first and captured by a separate request, even if the order is captured
//! automatically: the shop captures once the stock is committed. A request that Stripe refuses may
//! have been carried out before, by a call whose answer was lost. So Stripe's records are read
//! before a refusal is reported.

mod api;
mod create;
mod objects;
mod records;
mod request;
#[cfg(test)]
mod tests;
mod webhook;

use chrono::Utc;
use domain::PaymentId;
use domain::payment::{Call, Fact, MoneyRequest, PaymentDetails};

use self::api::Api;
use self::objects::{CHARGE, PaymentIntent, Refund, request_metadata};
use self::request::{StripeRequest, path_of};
use self::webhook::StripeEvent;
use super::{BadSignature, ProviderError, ReadError, Signer, WebhookFact};

/// The base URL of Stripe's API; tests use another one.
pub const STRIPE_API: &str = "https://api.stripe.com";

/// The client of Stripe's API and the verifier of its webhooks. The clones share one circuit
/// breaker.
#[derive(Debug, Clone)]
pub struct Stripe {
    api: Api,
    signer: Signer,
}

/// The settings cannot be used. The message does not contain them, since one is a secret.
#[derive(Debug, thiserror::Error)]
#[error(
    "Stripe's secret key cannot be sent as an HTTP header, or the address of its API is not a URL"
)]
pub struct BadStripeSettings;

impl Stripe {
    /// `signer` holds the secret of the webhook endpoint.
    ///
    /// # Errors
    /// Where the key or the base cannot be used in a request.
    pub fn new(
        secret_key: &str,
        api_base: &str,
        signer: Signer,
    ) -> Result<Stripe, BadStripeSettings> {
        Ok(Stripe { api: Api::new(secret_key, api_base)?, signer })
    }

    pub(super) async fn ask(
        &self,
        payment: PaymentId,
        details: &PaymentDetails,
        call: Call,
    ) -> Result<Vec<Fact>, ProviderError> {
        match call {
            Call::Create => self.create(payment, details).await,
            Call::Capture(request) => self.capture(payment, details, request).await,
            Call::Void => self.void(payment, details).await,
            Call::Refund(request) => self.refund(payment, details, request).await,
        }
    }

    async fn create(
        &self,
        payment: PaymentId,
        details: &PaymentDetails,
    ) -> Result<Vec<Fact>, ProviderError> {
        let request = create::request(payment, details)?;
        let key = format!("{payment}/create");
        match self.api.send::<PaymentIntent>(&request, Some(&key)).await {
            Ok(intent) => intent.facts(),
            Err(ProviderError::Refused(reason)) => {
                let known = self.find(payment, details).await?;
                known.ok_or(ProviderError::Refused(reason))?.facts()
            }
            Err(error) => Err(error),
        }
    }

    async fn capture(
        &self,
        payment: PaymentId,
        details: &PaymentDetails,
        request: u32,
    ) -> Result<Vec<Fact>, ProviderError> {
        let amount = amount_of(details.capture_requests.get(&request))?;
        let reference = self.reference(payment, details).await?;
        let capture = StripeRequest::post(path_of("payment_intents", &reference) + "/capture")
            .field("amount_to_capture", amount)
            .metadata(request_metadata(payment, request))
            .expand(CHARGE);
        let key = format!("{payment}/capture/{request}");
        match self.api.send::<PaymentIntent>(&capture, Some(&key)).await {
            Ok(intent) => intent.facts(),
            Err(ProviderError::Refused(reason)) => {
                let intent = self.retrieve(&reference).await?;
                if intent.captured_by() != Some(request) {
                    return Err(ProviderError::Refused(reason));
                }
                intent.facts()
            }
            Err(error) => Err(error),
        }
    }

    /// Sent without a key: voiding twice does nothing twice, and a void that is refused now may
    /// succeed later.
    async fn void(
        &self,
        payment: PaymentId,
        details: &PaymentDetails,
    ) -> Result<Vec<Fact>, ProviderError> {
        let reference = self.reference(payment, details).await?;
        let path = path_of("payment_intents", &reference) + "/cancel";
        let cancel = StripeRequest::post(path).expand(CHARGE);
        match self.api.send::<PaymentIntent>(&cancel, None).await {
            Ok(intent) => intent.facts(),
            Err(ProviderError::Refused(reason)) => {
                let facts = self.retrieve(&reference).await?.facts()?;
                let is_void = |fact: &Fact| matches!(fact, Fact::Cancelled | Fact::Expired);
                if !facts.iter().any(is_void) {
                    return Err(ProviderError::Refused(reason));
                }
                Ok(facts)
            }
            Err(error) => Err(error),
        }
    }

    /// A pending refund has no fact yet; a webhook reports it later.
    async fn refund(
        &self,
        payment: PaymentId,
        details: &PaymentDetails,
        request: u32,
    ) -> Result<Vec<Fact>, ProviderError> {
        let amount = amount_of(details.refund_requests.get(&request))?;
        let reference = self.reference(payment, details).await?;
        let refund = StripeRequest::post("refunds")
            .field("payment_intent", &reference)
            .field("amount", amount)
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

    /// The secret with which the customer's browser continues the payment; it is never stored.
    pub(super) async fn client_secret(&self, reference: &str) -> Result<String, ProviderError> {
        let secret = self.retrieve(reference).await?.client_secret;
        secret.ok_or_else(|| ProviderError::NoAnswer("the answer held no client secret".to_owned()))
    }

    pub(super) async fn check(&self) -> Result<(), String> {
        self.api.check().await
    }

    pub(super) fn is_circuit_open(&self) -> bool {
        self.api.is_circuit_open()
    }

    pub(super) fn verify(&self, signature: &str, body: &[u8]) -> Result<String, BadSignature> {
        self.signer.verify(signature, body, Utc::now())?;
        StripeEvent::parse(body).map(|event| event.id).map_err(|_| BadSignature)
    }

    /// Reads from the event only which intent it is about, and fetches that intent.
    pub(super) async fn read(&self, body: &[u8]) -> Result<Vec<WebhookFact>, ReadError> {
        let event = StripeEvent::parse(body)?;
        let Some(reference) = event.intent() else { return Ok(vec![]) };
        let intent = self.retrieve(reference).await?;
        let Some(payment) = intent.payment() else { return Ok(vec![]) };
        let mut facts = intent.all_facts(&self.refunds_of(&intent).await?)?;
        facts.extend(event.dispute()?);
        Ok(facts.into_iter().map(|fact| WebhookFact { payment, fact }).collect())
    }
}

/// The amount of one of the shop's requests, in minor units.
fn amount_of(request: Option<&MoneyRequest>) -> Result<i64, ProviderError> {
    let unknown = || ProviderError::Refused("the payment has no such request".to_owned());
    request.map(|request| request.amount).ok_or_else(unknown)
}

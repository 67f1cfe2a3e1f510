//! Calls to the payment provider, and its webhooks.
//!
//! Every call carries an idempotency key that was in the log before the call was made. An answer is
//! a list of facts. No answer means that the outcome is unknown, never that the call failed.

mod signature;
mod simulator;
mod stripe;

use std::time::Instant;

use domain::PaymentId;
use domain::payment::{Call, Fact, PaymentDetails};
use event_store::time_limits;
use tracing::Instrument;

pub use self::signature::{BadSignature, Signer};
pub use self::simulator::Simulator;
pub use self::stripe::{BadStripeSettings, STRIPE_API, Stripe};
use crate::metrics;
use crate::trace::SPANS;

/// The shop's payment provider.
#[derive(Debug, Clone)]
pub struct Provider(Backend);

#[derive(Debug, Clone)]
enum Backend {
    Simulated(Simulator),
    Stripe(Box<Stripe>),
}

/// Why a call to the provider has no facts.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// It is unknown whether the provider did what it was asked for. Repeat the call with the same
    /// key.
    #[error("the payment provider did not answer: {0}")]
    NoAnswer(String),
    /// The provider did not do it, and would refuse the same request again.
    #[error("{0}")]
    Refused(String),
}

/// What a webhook says about one payment.
#[derive(Debug, PartialEq)]
pub struct WebhookFact {
    pub payment: PaymentId,
    pub fact: Fact,
}

/// The signature is good, but the body is not an event of the provider.
#[derive(Debug, thiserror::Error)]
#[error("the webhook's body is not an event of the payment provider: {0}")]
pub struct MalformedWebhook(pub String);

/// Why a stored webhook has no facts.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It can never be read.
    #[error(transparent)]
    Malformed(#[from] MalformedWebhook),
    /// The objects that it refers to could not be fetched now.
    #[error(transparent)]
    Provider(#[from] ProviderError),
}

impl Provider {
    pub fn simulated(simulator: Simulator) -> Provider {
        Provider(Backend::Simulated(simulator))
    }

    pub fn stripe(stripe: Stripe) -> Provider {
        Provider(Backend::Stripe(Box::new(stripe)))
    }

    /// The provider's name in the inbox, and in the path to which its webhooks are sent.
    pub fn name(&self) -> &'static str {
        match &self.0 {
            Backend::Simulated(_) => "simulator",
            Backend::Stripe(_) => "stripe",
        }
    }

    /// The HTTP header with the signature of its webhooks.
    pub fn signature_header(&self) -> &'static str {
        match &self.0 {
            Backend::Simulated(_) => "simulator-signature",
            Backend::Stripe(_) => "stripe-signature",
        }
    }

    /// Whether the provider answers. The simulator is part of this program, so it always does.
    ///
    /// # Errors
    /// The reason, for the health page.
    pub async fn check(&self) -> Result<(), String> {
        match &self.0 {
            Backend::Simulated(_) => Ok(()),
            Backend::Stripe(stripe) => stripe.check().await,
        }
    }

    /// Whether the circuit is open: the provider did not answer, and is not called for a while.
    pub fn is_circuit_open(&self) -> bool {
        match &self.0 {
            Backend::Simulated(_) => false,
            Backend::Stripe(stripe) => stripe.is_circuit_open(),
        }
    }

    /// Makes a call that the payment has requested.
    ///
    /// # Errors
    /// See [`ProviderError`].
    pub async fn ask(
        &self,
        payment: PaymentId,
        details: &PaymentDetails,
        call: Call,
    ) -> Result<Vec<Fact>, ProviderError> {
        let answer = async {
            match &self.0 {
                Backend::Simulated(simulator) => {
                    bounded(simulator.ask(payment, details, call)).await
                }
                Backend::Stripe(stripe) => stripe.ask(payment, details, call).await,
            }
        };
        measured(name_of(call), answer).await
    }

    /// Everything that the provider knows of the payment. This changes nothing at the provider.
    ///
    /// # Errors
    /// See [`ProviderError`].
    pub async fn look_up(
        &self,
        payment: PaymentId,
        details: &PaymentDetails,
    ) -> Result<Vec<Fact>, ProviderError> {
        let answer = async {
            match &self.0 {
                Backend::Simulated(simulator) => bounded(simulator.look_up(payment, details)).await,
                Backend::Stripe(stripe) => stripe.look_up(payment, details).await,
            }
        };
        measured("look_up", answer).await
    }

    /// The secret with which the customer's browser continues the payment. It is fetched each time
    /// and never stored.
    ///
    /// # Errors
    /// See [`ProviderError`].
    pub async fn client_secret(&self, reference: &str) -> Result<String, ProviderError> {
        match &self.0 {
            Backend::Simulated(simulator) => Ok(simulator.client_secret(reference)),
            Backend::Stripe(stripe) => {
                measured("client_secret", stripe.client_secret(reference)).await
            }
        }
    }

    /// The event id of a webhook.
    ///
    /// # Errors
    /// The signature is missing, wrong or too old.
    pub fn verify(&self, signature: &str, body: &[u8]) -> Result<String, BadSignature> {
        match &self.0 {
            Backend::Simulated(simulator) => simulator.verify(signature, body),
            Backend::Stripe(stripe) => stripe.verify(signature, body),
        }
    }

    /// The facts of a verified webhook; none if it is not about a payment of this shop.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn read(&self, body: &[u8]) -> Result<Vec<WebhookFact>, ReadError> {
        match &self.0 {
            Backend::Simulated(simulator) => Ok(simulator.read(body)?.into_iter().collect()),
            Backend::Stripe(stripe) => stripe.read(body).await,
        }
    }
}

/// The call's name in metrics and traces.
fn name_of(call: Call) -> &'static str {
    match call {
        Call::Create => "create",
        Call::Capture(_) => "capture",
        Call::Void => "void",
        Call::Refund(_) => "refund",
    }
}

/// Counts and times a call.
async fn measured<T>(
    call: &'static str,
    answer: impl Future<Output = Result<T, ProviderError>>,
) -> Result<T, ProviderError> {
    let begun = Instant::now();
    let span = tracing::debug_span!(target: SPANS, "payment_call", call, otel.kind = "client");
    let result = answer.instrument(span).await;
    let outcome = match &result {
        Ok(_) => "answered",
        Err(ProviderError::Refused(_)) => "refused",
        Err(ProviderError::NoAnswer(_)) => "unanswered",
    };
    metrics::call_ended(call, outcome, begun.elapsed());
    result
}

/// Ends a call to the simulator that takes too long.
async fn bounded<T>(
    call: impl Future<Output = Result<T, ProviderError>>,
) -> Result<T, ProviderError> {
    let limit = time_limits::SIMULATOR_CALL;
    let late = || ProviderError::NoAnswer(format!("no answer in {} s", limit.as_secs()));
    tokio::time::timeout(limit, call).await.unwrap_or_else(|_| Err(late()))
}

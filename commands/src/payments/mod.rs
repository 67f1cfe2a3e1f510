//! The way to the payment provider.
//!
//! Every call carries an idempotency key that was in the log before the call was made. An answer is
//! a list of facts; no answer means unknown, never failed.

mod signature;
mod simulator;
mod stripe;

use std::time::{Duration, Instant};

use domain::PaymentId;
use domain::payment::{Call, Fact, PaymentDetails};
use tracing::Instrument;

pub use self::signature::{BadSignature, Signer};
pub use self::simulator::Simulator;
pub use self::stripe::{BadSettings, STRIPE_API, Stripe};
use crate::metrics;
use crate::trace::SPANS;

/// How long to wait for the simulator's answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// The shop's payment provider.
#[derive(Debug, Clone)]
pub struct Provider(Backend);

#[derive(Debug, Clone)]
enum Backend {
    Simulated(Simulator),
    Stripe(Box<Stripe>),
}

#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// What was asked may have been done or not.
    #[error("the payment provider did not answer: {0}")]
    NoAnswer(String),
    /// It was not done, and asking again is in vain.
    #[error("{0}")]
    Refused(String),
}

/// What a provider told us by webhook.
#[derive(Debug, PartialEq)]
pub struct Told {
    pub payment: PaymentId,
    pub fact: Fact,
}

/// A body that is signed and yet makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("this is no event of the payment provider: {0}")]
pub struct Gibberish(pub String);

/// Why a webhook cannot be read yet, or ever.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Gibberish(#[from] Gibberish),
    /// What it is about could not be fetched.
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

    /// As it stands in the inbox and in the path of its webhooks.
    pub fn name(&self) -> &'static str {
        match &self.0 {
            Backend::Simulated(_) => "simulator",
            Backend::Stripe(_) => "stripe",
        }
    }

    /// The header that holds its webhooks' signatures.
    pub fn signature_header(&self) -> &'static str {
        match &self.0 {
            Backend::Simulated(_) => "simulator-signature",
            Backend::Stripe(_) => "stripe-signature",
        }
    }

    /// Whether it answers; the simulator is a part of ourselves.
    pub async fn check(&self) -> Result<(), String> {
        match &self.0 {
            Backend::Simulated(_) => Ok(()),
            Backend::Stripe(stripe) => stripe.check().await,
        }
    }

    /// Whether it is left alone for a while, as it has not answered.
    pub fn rests(&self) -> bool {
        match &self.0 {
            Backend::Simulated(_) => false,
            Backend::Stripe(stripe) => stripe.rests(),
        }
    }

    /// Makes a call that the payment has asked for.
    pub async fn ask(
        &self,
        payment: PaymentId,
        attempt: &PaymentDetails,
        call: Call,
    ) -> Result<Vec<Fact>, ProviderError> {
        let answer = async {
            match &self.0 {
                Backend::Simulated(simulator) => {
                    bounded(simulator.ask(payment, attempt, call)).await
                }
                Backend::Stripe(stripe) => stripe.ask(payment, attempt, call).await,
            }
        };
        watched(name_of(call), answer).await
    }

    /// All that the provider knows of the payment, without asking it for anything.
    pub async fn look_up(
        &self,
        payment: PaymentId,
        attempt: &PaymentDetails,
    ) -> Result<Vec<Fact>, ProviderError> {
        let answer = async {
            match &self.0 {
                Backend::Simulated(simulator) => bounded(simulator.look_up(payment, attempt)).await,
                Backend::Stripe(stripe) => stripe.look_up(payment, attempt).await,
            }
        };
        watched("look_up", answer).await
    }

    /// What the customer's browser needs to go on; fetched each time, never stored.
    pub async fn client_secret(&self, reference: &str) -> Result<String, ProviderError> {
        match &self.0 {
            Backend::Simulated(simulator) => Ok(simulator.client_secret(reference)),
            Backend::Stripe(stripe) => {
                watched("client_secret", stripe.client_secret(reference)).await
            }
        }
    }

    /// The event id of a webhook whose signature is good.
    pub fn verify(&self, signature: &str, body: &[u8]) -> Result<String, BadSignature> {
        match &self.0 {
            Backend::Simulated(simulator) => simulator.verify(signature, body),
            Backend::Stripe(stripe) => stripe.verify(signature, body),
        }
    }

    /// What a verified webhook says; nothing, when it is about something else.
    pub async fn read(&self, body: &[u8]) -> Result<Vec<Told>, ReadError> {
        match &self.0 {
            Backend::Simulated(simulator) => Ok(simulator.read(body)?.into_iter().collect()),
            Backend::Stripe(stripe) => stripe.read(body).await,
        }
    }
}

/// As metrics and traces have it.
fn name_of(call: Call) -> &'static str {
    match call {
        Call::Create => "create",
        Call::Capture(_) => "capture",
        Call::Void => "void",
        Call::Refund(_) => "refund",
    }
}

/// A call, counted and timed.
async fn watched<T>(
    call: &'static str,
    answer: impl Future<Output = Result<T, ProviderError>>,
) -> Result<T, ProviderError> {
    let begun = Instant::now();
    let span = tracing::debug_span!(target: SPANS, "payment_call", call, otel.kind = "client");
    let result = answer.instrument(span).await;
    metrics::call_ended(call, &result, begun.elapsed());
    result
}

async fn bounded<T>(
    call: impl Future<Output = Result<T, ProviderError>>,
) -> Result<T, ProviderError> {
    let late = || ProviderError::NoAnswer(format!("no answer in {} s", PATIENCE.as_secs()));
    tokio::time::timeout(PATIENCE, call).await.unwrap_or_else(|_| Err(late()))
}

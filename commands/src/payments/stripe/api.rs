//! Sends requests to Stripe's API, and sorts its errors into refusals and missing answers.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use event_store::{Backoff, time_limits};
use miniserde::Deserialize;
use stripe::{
    ApiErrors, Client, ClientBuilder, IdempotencyKey, RequestStrategy, StripeError, StripeRequest,
};
use stripe_core::payment_intent::ListPaymentIntent;
use tokio::sync::Mutex;

use super::objects::{EACH_CHARGE, List, PaymentIntent};
use crate::breaker::Breaker;
use crate::payments::ProviderError;

/// After this many calls in a row without an answer the circuit opens, for this long.
const FAILURES_MAX: u32 = 5;
const OPEN_FOR: Backoff = Backoff::new(Duration::from_secs(5), Duration::from_secs(20));

/// The health page is public, so its requests must not each cause one to Stripe.
const CHECK_EVERY: Duration = Duration::from_secs(10);

/// When Stripe was last checked, and the result.
type LastCheck = Option<(Instant, Result<(), String>)>;

#[derive(Clone)]
pub(super) struct Api {
    client: Client,
    breaker: Arc<Breaker>,
    last_check: Arc<Mutex<LastCheck>>,
}

impl Api {
    /// # Errors
    /// The key cannot be sent as a header, or the base is not a URL.
    pub(super) fn new(secret_key: &str, base: &str) -> Result<Api, StripeError> {
        let base = format!("{}/", base.trim_end_matches('/'));
        let client =
            ClientBuilder::new(secret_key).url(base).timeout(time_limits::PROVIDER_CALL).build()?;
        let breaker = Breaker::new("Stripe", FAILURES_MAX, OPEN_FOR);
        Ok(Api { client, breaker: Arc::new(breaker), last_check: Arc::default() })
    }

    /// Sends a request. With an idempotency `key` Stripe carries it out once, however often it is sent.
    pub(super) async fn send<T: Deserialize>(
        &self,
        request: &impl StripeRequest,
        key: Option<&str>,
    ) -> Result<T, ProviderError> {
        let no_answer = |error: &dyn fmt::Display| ProviderError::NoAnswer(error.to_string());
        let strategy = match key.map(IdempotencyKey::new).transpose() {
            Ok(key) => key.map_or(RequestStrategy::Once, RequestStrategy::Idempotent),
            Err(error) => return Err(no_answer(&error)),
        };
        self.breaker.admit(Instant::now()).map_err(|open| no_answer(&open))?;
        self.send_past_breaker(request, strategy).await
    }

    /// Sends a request whether or not the circuit is open, and reports the result to the breaker.
    async fn send_past_breaker<T: Deserialize>(
        &self,
        request: &impl StripeRequest,
        strategy: RequestStrategy,
    ) -> Result<T, ProviderError> {
        let request = request.build().customize::<T>().request_strategy(strategy);
        let answer = request.send(&self.client).await.map_err(provider_error);
        let answered = !matches!(answer, Err(ProviderError::NoAnswer(_)));
        self.breaker.report(answered, Instant::now());
        answer
    }

    /// Whether calls are refused because Stripe did not answer the last ones.
    pub(super) fn is_circuit_open(&self) -> bool {
        self.breaker.is_open()
    }

    /// Whether Stripe answers, as of at most 10 seconds ago. It asks even if the circuit is open, and
    /// never as the breaker's trial call: the health page may stop waiting before there is an answer.
    pub(super) async fn check(&self) -> Result<(), String> {
        let mut last_check = self.last_check.lock().await;
        if let Some((at, result)) = &*last_check
            && at.elapsed() < CHECK_EVERY
        {
            return result.clone();
        }
        let request = ListPaymentIntent::new().limit(1).expand([EACH_CHARGE.to_owned()]);
        let answer: Result<List<PaymentIntent>, _> =
            self.send_past_breaker(&request, RequestStrategy::Once).await;
        let result = answer.map(|_| ()).map_err(|error| error.to_string());
        *last_check = Some((Instant::now(), result.clone()));
        result
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("breaker", &self.breaker).finish_non_exhaustive()
    }
}

/// Stripe's status code says whether it refused the request or whether the outcome is unknown. A wrong
/// key or an exceeded rate limit is the shop's fault, not the customer's: the request is sent again.
fn provider_error(error: StripeError) -> ProviderError {
    match error {
        StripeError::Stripe(error, 400 | 402 | 404) => ProviderError::Refused(reason(&error)),
        // The error's own text would contain the whole intent, with the client's secret.
        StripeError::Stripe(error, status) => {
            ProviderError::NoAnswer(format!("status {status}, {}", error.type_))
        }
        error => ProviderError::NoAnswer(error.to_string()),
    }
}

/// Stripe's code of the refusal. Customers see it, so it must not be the bank's own reason.
fn reason(error: &ApiErrors) -> String {
    let code = error.code.as_ref().map(ToString::to_string);
    code.or_else(|| error.message.clone()).unwrap_or_else(|| error.type_.to_string())
}

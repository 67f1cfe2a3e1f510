//! Calls of Stripe's API, and what their failures mean.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use miniserde::Deserialize;
use stripe::{
    ApiErrors, Client, ClientBuilder, IdempotencyKey, RequestStrategy, StripeError, StripeRequest,
};
use stripe_core::payment_intent::ListPaymentIntent;
use tokio::sync::Mutex;

use super::answers::{EACH_CHARGE, Intent, Page};
use crate::breaker::Breaker;
use crate::payments::ProviderError;

/// How long to wait for an answer: behind Stripe stands a bank, which may take seconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// After so many calls without an answer Stripe is left alone, for so long at first and at most.
const FAILURES_AT_MOST: u32 = 5;
const FIRST_REST: Duration = Duration::from_secs(5);
const LONGEST_REST: Duration = Duration::from_secs(20);

/// Anybody may ask for our health, so Stripe is not asked for its own each time.
const CHECK_EVERY: Duration = Duration::from_secs(10);

/// When Stripe was asked for its health, and how it was.
type Checked = Option<(Instant, Result<(), String>)>;

#[derive(Clone)]
pub(super) struct Api {
    client: Client,
    breaker: Arc<Breaker>,
    checked: Arc<Mutex<Checked>>,
}

impl Api {
    /// # Errors
    /// A key that is no header's value, or a base that is no URL.
    pub(super) fn new(secret_key: &str, base: &str) -> Result<Api, StripeError> {
        let base = format!("{}/", base.trim_end_matches('/'));
        let client = ClientBuilder::new(secret_key).url(base).timeout(PATIENCE).build()?;
        let breaker = Breaker::new("Stripe", FAILURES_AT_MOST, FIRST_REST, LONGEST_REST);
        Ok(Api { client, breaker: Arc::new(breaker), checked: Arc::default() })
    }

    /// Asks for something. Where asking twice would do it twice, `key` makes Stripe do it once.
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
        self.ask(request, strategy).await
    }

    async fn ask<T: Deserialize>(
        &self,
        request: &impl StripeRequest,
        strategy: RequestStrategy,
    ) -> Result<T, ProviderError> {
        let request = request.build().customize::<T>().request_strategy(strategy);
        let answer = request.send(&self.client).await.map_err(problem);
        let answered = !matches!(answer, Err(ProviderError::NoAnswer(_)));
        self.breaker.report(answered, Instant::now());
        answer
    }

    /// Whether the circuit is open.
    pub(super) fn rests(&self) -> bool {
        self.breaker.is_open()
    }

    /// Whether Stripe answers us, as of some seconds ago. It asks whether or not the circuit is open:
    /// whoever waits no longer than a second must not be the one who tries it.
    pub(super) async fn check(&self) -> Result<(), String> {
        let mut checked = self.checked.lock().await;
        if let Some((at, word)) = &*checked
            && at.elapsed() < CHECK_EVERY
        {
            return word.clone();
        }
        let request = ListPaymentIntent::new().limit(1).expand([EACH_CHARGE.to_owned()]);
        let answer: Result<Page<Intent>, _> = self.ask(&request, RequestStrategy::Once).await;
        let word = answer.map(|_| ()).map_err(|error| error.to_string());
        *checked = Some((Instant::now(), word.clone()));
        word
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("breaker", &self.breaker).finish_non_exhaustive()
    }
}

/// Stripe says by the status whether it did not do it, or whether nobody knows. A wrong key or a
/// limit that was reached are our affair, not the customer's: it is asked again.
fn problem(error: StripeError) -> ProviderError {
    match error {
        StripeError::Stripe(error, 400 | 402 | 404) => ProviderError::Refused(reason(&error)),
        // Its own text would hold all of the intent, with the client's secret.
        StripeError::Stripe(error, status) => {
            ProviderError::NoAnswer(format!("status {status}, {}", error.type_))
        }
        error => ProviderError::NoAnswer(error.to_string()),
    }
}

/// In Stripe's words: customers see it, so the bank's own reason stays out.
fn reason(error: &ApiErrors) -> String {
    let code = error.code.as_ref().map(ToString::to_string);
    code.or_else(|| error.message.clone()).unwrap_or_else(|| error.type_.to_string())
}

//! Sends requests to Stripe's API, and sorts its errors into refusals and missing answers.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use event_store::{Backoff, time_limits};
use hyper::Uri;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use super::BadStripeSettings;
use super::objects::{EACH_CHARGE, List, PaymentIntent};
use super::request::StripeRequest;
use crate::breaker::Breaker;
use crate::http_client::HttpClient;
use crate::payments::ProviderError;

/// The version of Stripe's API that this program requests.
const API_VERSION: &str = "2026-09-30.endive";

/// If Stripe closes an idle connection just when the next request is sent on it, that request
/// fails.
const IDLE_CONNECTIONS_MAX: usize = 0;

/// After this many calls in a row without an answer the circuit opens, for this long.
const FAILURES_MAX: u32 = 5;
const OPEN_FOR: Backoff = Backoff::new(Duration::from_secs(5), Duration::from_secs(20));

/// The health page is public, so its requests must not each cause one to Stripe.
const CHECK_EVERY: Duration = Duration::from_secs(10);

/// When Stripe was last checked, and the result.
type LastCheck = Option<(Instant, Result<(), String>)>;

#[derive(Clone)]
pub(super) struct Api {
    client: HttpClient,
    /// The base URL, which ends with `/v1/`.
    base: String,
    authorization: HeaderValue,
    breaker: Arc<Breaker>,
    last_check: Arc<Mutex<LastCheck>>,
}

impl Api {
    /// # Errors
    /// The key cannot be sent as a header, or the base is not a URL.
    pub(super) fn new(secret_key: &str, base: &str) -> Result<Api, BadStripeSettings> {
        let base = format!("{}/v1/", base.trim_end_matches('/'));
        let uri: Uri = base.parse().map_err(|_| BadStripeSettings)?;
        if uri.scheme().is_none() {
            return Err(BadStripeSettings);
        }
        let authorization = HeaderValue::try_from(format!("Bearer {secret_key}"));
        let mut authorization = authorization.map_err(|_| BadStripeSettings)?;
        authorization.set_sensitive(true);
        let client = HttpClient::new(IDLE_CONNECTIONS_MAX);
        let breaker = Breaker::new("Stripe", FAILURES_MAX, OPEN_FOR);
        let (breaker, last_check) = (Arc::new(breaker), Arc::default());
        Ok(Api { client, base, authorization, breaker, last_check })
    }

    /// Sends a request. With an idempotency `key` Stripe executes it once, however
    /// often it is sent.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        request: &StripeRequest,
        key: Option<&str>,
    ) -> Result<T, ProviderError> {
        self.breaker.admit(Instant::now()).map_err(no_answer)?;
        self.send_past_breaker(request, key).await
    }

    /// Sends a request whether or not the circuit is open, and reports the result to the breaker.
    async fn send_past_breaker<T: DeserializeOwned>(
        &self,
        request: &StripeRequest,
        key: Option<&str>,
    ) -> Result<T, ProviderError> {
        let answer = self.exchange(request, key).await;
        let answered = !matches!(answer, Err(ProviderError::NoAnswer(_)));
        self.breaker.report(answered, Instant::now());
        answer
    }

    async fn exchange<T: DeserializeOwned>(
        &self,
        request: &StripeRequest,
        key: Option<&str>,
    ) -> Result<T, ProviderError> {
        let request = self.http_request(request, key).map_err(no_answer)?;
        let answer =
            self.client.send(request, time_limits::PROVIDER_CALL).await.map_err(no_answer)?;
        let status = answer.status();
        if status.is_success() {
            serde_json::from_slice(answer.body()).map_err(no_answer)
        } else {
            Err(provider_error(status.as_u16(), answer.body()))
        }
    }

    fn http_request(
        &self,
        request: &StripeRequest,
        key: Option<&str>,
    ) -> Result<hyper::Request<Bytes>, hyper::http::Error> {
        let (url, fields) = (format!("{}{}", self.base, request.path), request.encoded_fields());
        let (url, body) = if request.method == hyper::Method::GET {
            (format!("{url}?{fields}"), String::new())
        } else {
            (url, fields)
        };
        let mut http = hyper::Request::builder()
            .method(&request.method)
            .uri(url)
            .header(AUTHORIZATION, &self.authorization)
            .header(USER_AGENT, concat!("Cartulary/", env!("CARGO_PKG_VERSION")))
            .header("stripe-version", API_VERSION)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(key) = key {
            http = http.header("idempotency-key", key);
        }
        http.body(Bytes::from(body))
    }

    /// Whether calls are refused because Stripe did not answer the last ones.
    pub(super) fn is_circuit_open(&self) -> bool {
        self.breaker.is_open()
    }

    /// Whether Stripe answers, as of at most 10 seconds ago. It calls Stripe even if the
    /// circuit is open, and never as the breaker's trial call, because the health page may stop
    /// waiting before there is an answer.
    pub(super) async fn check(&self) -> Result<(), String> {
        let mut last_check = self.last_check.lock().await;
        if let Some((at, result)) = &*last_check
            && at.elapsed() < CHECK_EVERY
        {
            return result.clone();
        }
        let request = StripeRequest::get("payment_intents").field("limit", 1).expand(EACH_CHARGE);
        let answer: Result<List<PaymentIntent>, _> = self.send_past_breaker(&request, None).await;
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

/// The body of an answer that is not a success.
#[derive(Deserialize)]
struct ErrorBody {
    error: ErrorDetails,
}

#[derive(Deserialize)]
struct ErrorDetails {
    #[serde(rename = "type")]
    kind: String,
    code: Option<String>,
    message: Option<String>,
}

/// Stripe's status code says whether it refused the request or whether the outcome is unknown. A
/// wrong key or an exceeded rate limit is the shop's fault, not the customer's: the request is sent
/// again.
fn provider_error(status: u16, body: &[u8]) -> ProviderError {
    let Ok(ErrorBody { error }) = serde_json::from_slice(body) else {
        return ProviderError::NoAnswer(format!("status {status}, without an error of Stripe's"));
    };
    let ErrorDetails { kind, code, message } = error;
    match status {
        // Customers see the reason, so it must not be the bank's own.
        400 | 402 | 404 => ProviderError::Refused(code.or(message).unwrap_or(kind)),
        // The message could contain the whole intent, with the client's secret.
        _ => ProviderError::NoAnswer(format!("status {status}, {kind}")),
    }
}

fn no_answer(error: impl fmt::Display) -> ProviderError {
    ProviderError::NoAnswer(error.to_string())
}

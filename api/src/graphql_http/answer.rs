//! Builds answers: the JSON of GraphQL with its media type and status. The details of internal errors are left out.

use async_graphql::{ErrorExtensions, Response as GraphqlResponse, ServerError, Value};
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use opentelemetry::trace::TraceId;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::Refusal;
use super::media::Media;
use crate::metrics::requests::RESOLVER_FAILURES;

/// Makes an error with an `extensions.code`, for resolvers. An error without a code is treated as an internal one.
pub fn error_with_code(code: &str, message: impl Into<String>) -> async_graphql::Error {
    async_graphql::Error::new(message).extend_with(|_, extensions| extensions.set("code", code))
}

/// The answer to an internal error. The details of the error are in the log only.
pub fn internal() -> Response {
    error(StatusCode::INTERNAL_SERVER_ERROR, INTERNAL, INTERNAL_MESSAGE)
}

/// An error of a path that does not serve GraphQL, in the form of GraphQL's errors.
pub fn error(status: StatusCode, code: &str, message: &str) -> Response {
    let error = with_code(ServerError::new(message, None), code);
    render(status, &GraphqlResponse::from_errors(vec![error]), Media::Json)
}

const INTERNAL: &str = "INTERNAL";
const INTERNAL_MESSAGE: &str = "an internal error occurred; it has been logged";

pub(super) fn refuse(refusal: &Refusal, media: Media) -> Response {
    let mut error = match refusal {
        Refusal::Parse(error) => (**error).clone(),
        refusal => ServerError::new(refusal.to_string(), None),
    };
    error = with_code(error, refusal.code());
    if let Refusal::Unauthenticated(unauthenticated) = refusal {
        error.extensions.get_or_insert_default().set("reason", unauthenticated.reason());
    }
    let mut response =
        render(refusal.status(media), &GraphqlResponse::from_errors(vec![error]), media);
    let headers = response.headers_mut();
    headers.extend(header_of(refusal));
    response
}

/// The header by which a client or a browser knows how to continue after the refusal.
fn header_of(refusal: &Refusal) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = match refusal {
        Refusal::Method => (header::ALLOW, HeaderValue::from_static("GET, POST")),
        Refusal::MutationOverGet => (header::ALLOW, HeaderValue::from_static("POST")),
        Refusal::Busy => (header::RETRY_AFTER, HeaderValue::from_static("1")),
        Refusal::RateLimited(too_many) => (header::RETRY_AFTER, too_many.retry_after_s().into()),
        Refusal::Unauthenticated(_) => {
            (header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
        }
        _ => return None,
    };
    Some((name, value))
}

/// The answer to a request that was executed.
pub(super) fn answer(
    mut response: GraphqlResponse,
    media: Media,
    trace: Option<TraceId>,
) -> Response {
    let is_bad_request = media == Media::Response && is_request_error(&response);
    let status = if is_bad_request { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let errors = std::mem::take(&mut response.errors).into_iter();
    response.errors = errors.map(|error| shown_to_client(error, trace)).collect();
    let http_headers = std::mem::take(&mut response.http_headers);
    let mut answer = render(status, &response, media);
    answer.headers_mut().extend(http_headers);
    answer
}

/// Whether the request was refused before it was executed. Such an answer has no `data`, not even null.
pub(super) fn is_request_error(response: &GraphqlResponse) -> bool {
    response.data == Value::Null
        && !response.errors.is_empty()
        && response.errors.iter().all(|error| error.path.is_empty())
}

/// Prepares an error for the client: adds a code, and removes the details of an internal error.
fn shown_to_client(error: ServerError, trace: Option<TraceId>) -> ServerError {
    let has_code =
        error.extensions.as_ref().is_some_and(|extensions| extensions.get("code").is_some());
    if has_code {
        error
    } else if error.source.is_none() && is_bad_input(&error.message) {
        with_code(error, "BAD_USER_INPUT")
    } else if error.source.is_none() && error.path.is_empty() {
        with_code(error, "GRAPHQL_VALIDATION_FAILED")
    } else {
        let trace = trace.map(tracing::field::display);
        tracing::error!(message = error.message, path = ?error.path, trace, "a resolver failed");
        RESOLVER_FAILURES.inc();
        let message = INTERNAL_MESSAGE.to_owned();
        with_code(ServerError { message, source: None, ..error }, INTERNAL)
    }
}

/// Whether this is async-graphql's message about an argument of the wrong type. async-graphql sets no code for it.
fn is_bad_input(message: &str) -> bool {
    ["Failed to parse \"", "Expected input type \"", "Invalid value for argument "]
        .iter()
        .any(|prefix| message.starts_with(prefix))
}

fn with_code(mut error: ServerError, code: &str) -> ServerError {
    error.extensions.get_or_insert_default().set("code", code);
    error
}

/// The initial capacity of the buffer, in bytes. Most answers fit in it, so that it need not grow.
const USUAL_BYTES: usize = 1_024;

fn render(status: StatusCode, response: &GraphqlResponse, media: Media) -> Response {
    // An answer is for one caller at one moment, so no proxy may cache it.
    let headers =
        [(header::CONTENT_TYPE, media.content_type()), (header::CACHE_CONTROL, "no-store")];
    let mut body = Vec::with_capacity(USUAL_BYTES);
    match serde_json::to_writer(&mut body, &SpecifiedResponse(response)) {
        Ok(()) => (status, headers, Body::from(body)).into_response(),
        Err(error) => {
            tracing::error!(%error, "an answer cannot be written as JSON");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Serializes a response with the entries that the specification requires, in its order.
struct SpecifiedResponse<'a>(&'a GraphqlResponse);

impl Serialize for SpecifiedResponse<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let SpecifiedResponse(response) = self;
        let mut map = serializer.serialize_map(None)?;
        if !response.errors.is_empty() {
            map.serialize_entry("errors", &response.errors)?;
        }
        if !is_request_error(response) {
            map.serialize_entry("data", &response.data)?;
        }
        if !response.extensions.is_empty() {
            map.serialize_entry("extensions", &response.extensions)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(error: ServerError) -> (String, String) {
        let error = shown_to_client(error, None);
        let code = error.extensions.as_ref().and_then(|extensions| extensions.get("code").cloned());
        (code.map(|code| code.to_string()).unwrap_or_default(), error.message)
    }

    fn at_a_field(error: async_graphql::Error) -> ServerError {
        let path = vec![async_graphql::PathSegment::Field("a".to_owned())];
        error.into_server_error(async_graphql::Pos::default()).with_path(path)
    }

    #[test]
    fn an_internal_error_is_shown_without_its_details() {
        let internal = async_graphql::Error::from(std::io::Error::other("password is hunter2"));
        let (code, message) = shown(at_a_field(internal));
        assert_eq!(code, "\"INTERNAL\"");
        assert!(!message.contains("hunter2"));
        let (code, message) = shown(at_a_field(async_graphql::Error::new("hunter2")));
        assert_eq!(code, "\"INTERNAL\"");
        assert!(!message.contains("hunter2"));
    }

    #[test]
    fn an_error_with_a_code_is_shown_as_it_is() {
        let shown = shown(at_a_field(error_with_code("STALE", "the read model lags")));
        assert_eq!(shown, ("\"STALE\"".to_owned(), "the read model lags".to_owned()));
    }

    #[test]
    fn an_argument_of_another_type_is_the_clients_error() {
        let error = async_graphql::Error::new("Failed to parse \"Int\": no");
        assert_eq!(shown(at_a_field(error)).0, "\"BAD_USER_INPUT\"");
    }
}

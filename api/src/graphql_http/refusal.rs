//! Why a request is not executed, or not answered in time.

use std::time::Duration;

use async_graphql::ServerError;
use axum::http::StatusCode;

use super::lexer::LexError;
use super::media::Media;
use crate::access::Denied;
use crate::auth::Unauthenticated;
use crate::duration;
use crate::rate_limit::TooManyRequests;

/// Why a request ends before there is data.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("send GraphQL requests by POST; queries may also be sent by GET")]
    Method,
    #[error("Content-Type must be application/json, encoded in UTF-8")]
    MediaType,
    #[error("Accept must allow application/graphql-response+json or application/json")]
    NotAcceptable,
    #[error(transparent)]
    Unauthenticated(#[from] Unauthenticated),
    #[error("the body is longer than {0} bytes")]
    BodyTooLarge(usize),
    #[error("the body did not arrive within {}", duration::format(*.0))]
    BodyTimeout(Duration),
    #[error("the connection was closed before the whole body had arrived")]
    BodyBroken,
    #[error("the body is not JSON: {0}")]
    Json(String),
    #[error("the parameters are not those of a GraphQL request: {0}")]
    Params(String),
    #[error("batches are not supported; send one operation per request")]
    Batch,
    #[error("the server is busy; send the request again")]
    Busy,
    #[error(transparent)]
    RateLimited(#[from] TooManyRequests),
    /// The protocol prescribes this text, and clients look for it.
    #[error("PersistedQueryNotFound")]
    PersistedQueryNotFound,
    #[error(
        "extensions.persistedQuery.sha256Hash must be the query's SHA-256 in hexadecimal digits"
    )]
    PersistedQueryMismatch,
    #[error("extensions.persistedQuery.version must be 1")]
    PersistedQueryVersion,
    #[error("the query is longer than {0} characters")]
    QueryTooLong(usize),
    #[error(transparent)]
    Lex(#[from] LexError),
    #[error("{}", .0.message)]
    Parse(Box<ServerError>),
    #[error("the query has more than {0} fields and fragments after fragments are expanded")]
    TooManyNodes(usize),
    #[error("the query is more than {0} levels deep")]
    TooDeep(usize),
    #[error("the query has more than {0} aliases")]
    TooManyAliases(usize),
    #[error("the operation has more than {0} mutations")]
    TooManyMutations(usize),
    #[error("the fragment {0} contains itself")]
    FragmentCycle(String),
    #[error("the document has no operation {0:?}")]
    OperationUnknown(String),
    #[error("the document has several operations; set operationName to the one to run")]
    OperationNotNamed,
    #[error("send mutations by POST, not by GET")]
    MutationOverGet,
    #[error("subscriptions are not supported over HTTP")]
    SubscriptionOverHttp,
    #[error("introspection is disabled on this server")]
    IntrospectionOff,
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("the operation took longer than {}; a mutation may still be executed: repeat it with the same idempotencyKey",
        duration::format(*.0))]
    Timeout(Duration),
}

impl Refusal {
    /// The value of `extensions.code` in the answer. Clients rely on it.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::Method | Refusal::MutationOverGet => "METHOD_NOT_ALLOWED",
            Refusal::MediaType => "UNSUPPORTED_MEDIA_TYPE",
            Refusal::NotAcceptable => "NOT_ACCEPTABLE",
            Refusal::Unauthenticated(_) | Refusal::Denied(Denied::SignInFirst(_)) => {
                "UNAUTHENTICATED"
            }
            Refusal::Denied(Denied::Forbidden(_)) => "FORBIDDEN",
            Refusal::BodyTooLarge(_) => "BODY_TOO_LARGE",
            Refusal::BodyTimeout(_) => "BODY_TIMEOUT",
            Refusal::BodyBroken | Refusal::Params(_) => "BAD_REQUEST",
            Refusal::Json(_) => "INVALID_JSON",
            Refusal::Batch => "BATCHING_NOT_SUPPORTED",
            Refusal::Busy => "BUSY",
            Refusal::RateLimited(_) => "RATE_LIMITED",
            Refusal::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Refusal::PersistedQueryMismatch => "PERSISTED_QUERY_HASH_MISMATCH",
            Refusal::PersistedQueryVersion => "PERSISTED_QUERY_NOT_SUPPORTED",
            Refusal::QueryTooLong(_) => "QUERY_TOO_LONG",
            Refusal::Lex(LexError::TooManyTokens { .. }) => "QUERY_TOO_MANY_TOKENS",
            Refusal::Lex(LexError::TooNested { .. }) => "QUERY_TOO_NESTED",
            Refusal::Lex(LexError::OpenString { .. }) | Refusal::Parse(_) => "GRAPHQL_PARSE_FAILED",
            Refusal::TooManyNodes(_) => "QUERY_TOO_COMPLEX",
            Refusal::TooDeep(_) => "QUERY_TOO_DEEP",
            Refusal::TooManyAliases(_) => "QUERY_TOO_MANY_ALIASES",
            Refusal::TooManyMutations(_) => "QUERY_TOO_MANY_MUTATIONS",
            Refusal::FragmentCycle(_) => "FRAGMENT_CYCLE",
            Refusal::OperationUnknown(_) | Refusal::OperationNotNamed => "OPERATION_NOT_FOUND",
            Refusal::SubscriptionOverHttp => "SUBSCRIPTION_NOT_SUPPORTED",
            Refusal::IntrospectionOff => "INTROSPECTION_DISABLED",
            Refusal::Timeout(_) => "TIMEOUT",
        }
    }

    /// The status of the answer. Errors of the HTTP request and of the credentials have their own status in both media
    /// types. Errors of the document have the status 200 for clients that only accept `application/json`.
    pub(super) fn status(&self, media: Media) -> StatusCode {
        let (status, is_document_error) = self.specific_status();
        if is_document_error && media == Media::Json { StatusCode::OK } else { status }
    }

    /// The status of an answer on a path that does not serve GraphQL.
    pub fn http_status(&self) -> StatusCode {
        self.specific_status().0
    }

    /// The most specific status, and whether the document or its operation is the cause.
    fn specific_status(&self) -> (StatusCode, bool) {
        match self {
            Refusal::Method | Refusal::MutationOverGet => (StatusCode::METHOD_NOT_ALLOWED, false),
            Refusal::MediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, false),
            Refusal::NotAcceptable => (StatusCode::NOT_ACCEPTABLE, false),
            Refusal::Unauthenticated(_) => (StatusCode::UNAUTHORIZED, false),
            Refusal::BodyTooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, false),
            Refusal::BodyTimeout(_) => (StatusCode::REQUEST_TIMEOUT, false),
            Refusal::Busy => (StatusCode::SERVICE_UNAVAILABLE, false),
            Refusal::RateLimited(_) => (StatusCode::TOO_MANY_REQUESTS, false),
            Refusal::BodyBroken | Refusal::Json(_) | Refusal::Params(_) | Refusal::Batch => {
                (StatusCode::BAD_REQUEST, false)
            }
            Refusal::Denied(Denied::SignInFirst(_)) => (StatusCode::UNAUTHORIZED, true),
            Refusal::Denied(Denied::Forbidden(_)) => (StatusCode::FORBIDDEN, true),
            Refusal::Timeout(_) => (StatusCode::GATEWAY_TIMEOUT, true),
            _ => (StatusCode::BAD_REQUEST, true),
        }
    }
}

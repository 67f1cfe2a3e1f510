//! Reads the parameters of a GraphQL request from its body or its query string.

use std::collections::HashMap;

use async_graphql::Variables;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use futures::StreamExt;
use serde::Deserialize;
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::Refusal;
use crate::config::Limits;

/// The parameters of a GraphQL request.
#[derive(Debug)]
pub(super) struct Params {
    /// The text of the document. Either this or `persisted` is given, or both.
    pub(super) query: Option<String>,
    pub(super) persisted: Option<Persisted>,
    pub(super) operation_name: Option<String>,
    pub(super) variables: Variables,
}

/// The value of `extensions.persistedQuery`: the hash of the query, in the protocol of Apollo's clients.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Persisted {
    pub(super) version: i64,
    /// The hash in hexadecimal digits.
    pub(super) sha256_hash: String,
}

impl Persisted {
    pub(super) fn hash(self) -> Result<String, Refusal> {
        match self.version {
            1 => Ok(self.sha256_hash),
            _ => Err(Refusal::PersistedQueryVersion),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawParams {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<Variables>,
    /// Unknown extensions are ignored.
    extensions: Option<HashMap<String, Box<RawValue>>>,
}

impl Params {
    pub(super) async fn from_body(body: Body, limits: &Limits) -> Result<Params, Refusal> {
        let body =
            tokio::time::timeout(limits.body_timeout, read_body(body, limits.body_bytes)).await;
        let body = body.map_err(|_| Refusal::BodyTimeout(limits.body_timeout))??;
        if body.trim_ascii_start().starts_with(b"[") {
            return Err(Refusal::Batch);
        }
        let raw: RawParams =
            serde_json::from_slice(&body).map_err(|error| match error.classify() {
                Category::Data => Refusal::Params(error.to_string()),
                _ => Refusal::Json(error.to_string()),
            })?;
        Params::new(raw)
    }

    pub(super) fn from_query_string(text: &str, limits: &Limits) -> Result<Params, Refusal> {
        if text.len() > limits.body_bytes {
            return Err(Refusal::BodyTooLarge(limits.body_bytes));
        }
        let mut raw = RawParams::default();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            let json = |error: serde_json::Error| Refusal::Params(format!("{name}: {error}"));
            match &*name {
                "query" => raw.query = Some(value.into_owned()),
                "operationName" => {
                    raw.operation_name = Some(value.into_owned()).filter(|name| !name.is_empty())
                }
                "variables" if !value.is_empty() => {
                    raw.variables = serde_json::from_str(&value).map_err(json)?
                }
                "extensions" if !value.is_empty() => {
                    raw.extensions = serde_json::from_str(&value).map_err(json)?
                }
                _ => {}
            }
        }
        Params::new(raw)
    }

    fn new(raw: RawParams) -> Result<Params, Refusal> {
        let persisted = raw.extensions.as_ref().and_then(|all| all.get("persistedQuery"));
        let persisted = match persisted.map(|value| serde_json::from_str(value.get())) {
            None => None,
            Some(persisted) => persisted
                .map_err(|error| Refusal::Params(format!("extensions.persistedQuery: {error}")))?,
        };
        if raw.query.is_none() && persisted.is_none() {
            return Err(Refusal::Params("query is missing".to_owned()));
        }
        Ok(Params {
            query: raw.query,
            persisted,
            operation_name: raw.operation_name,
            variables: raw.variables.unwrap_or_default(),
        })
    }
}

/// Requires JSON in UTF-8. A form or plain text could be sent by any web page that a person in this network visits,
/// because browsers send these without a CORS preflight. JSON needs a preflight.
pub(super) fn require_json(headers: &HeaderMap) -> Result<(), Refusal> {
    let value =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = value.split(';').map(str::trim);
    let is_json =
        parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
    let is_utf8 = parts.all(|part| match part.split_once('=') {
        Some((name, charset)) if name.trim().eq_ignore_ascii_case("charset") => {
            charset.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        _ => true,
    });
    if is_json && is_utf8 { Ok(()) } else { Err(Refusal::MediaType) }
}

/// Reads the whole body, up to the limit. If the stated length exceeds the limit, the body is not read at all.
pub(crate) async fn read_body(body: Body, limit: usize) -> Result<Bytes, Refusal> {
    let stated = stated_length(&body);
    if stated > limit as u64 {
        return Err(Refusal::BodyTooLarge(limit));
    }
    let mut stream = body.into_data_stream();
    let mut bytes = Vec::with_capacity(usize::try_from(stated).unwrap_or_default());
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Refusal::BodyBroken)?;
        if bytes.len() + chunk.len() > limit {
            return Err(Refusal::BodyTooLarge(limit));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.into())
}

fn stated_length(body: &Body) -> u64 {
    axum::body::HttpBody::size_hint(body).lower()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    async fn parse_body(body: &'static str) -> Result<Params, Refusal> {
        Params::from_body(Body::from(body), &Limits::default()).await
    }

    #[tokio::test]
    async fn a_null_parameter_is_the_same_as_an_absent_one() {
        let params = parse_body(
            r#"{"query":"{a}","operationName":null,"variables":null,"extensions":null,"x":1}"#,
        );
        let params = params.await.unwrap();
        assert_eq!((params.query.as_deref(), params.operation_name), (Some("{a}"), None));
    }

    #[tokio::test]
    async fn parameters_of_another_type_are_refused() {
        for body in [
            r#"{"query":1}"#,
            r#"{"query":null}"#,
            r#"{}"#,
            r#"{"query":"{a}","operationName":{}}"#,
            r#"{"query":"{a}","variables":"{}"}"#,
            r#"{"query":"{a}","variables":[1]}"#,
            r#"{"query":"{a}","extensions":7}"#,
            r#"{"query":"{a}","extensions":{"persistedQuery":7}}"#,
            r#"{"query":"{a}","extensions":{"persistedQuery":{"version":1}}}"#,
            r#"{"extensions":{"persistedQuery":null}}"#,
            r#""{a}""#,
        ] {
            assert!(matches!(parse_body(body).await, Err(Refusal::Params(_))), "{body}");
        }
        assert!(matches!(parse_body("{").await, Err(Refusal::Json(_))));
        assert!(matches!(parse_body("").await, Err(Refusal::Json(_))));
        assert!(matches!(parse_body(" [{}]").await, Err(Refusal::Batch)));
    }

    #[test]
    fn a_query_string_is_decoded() {
        let text = "query=query+Q%7Ba%7D&operationName=Q&variables=%7B%22b%22%3A1%7D&other=1";
        let params = Params::from_query_string(text, &Limits::default()).unwrap();
        assert_eq!(
            (params.query.as_deref(), params.operation_name.as_deref()),
            (Some("query Q{a}"), Some("Q"))
        );
        assert_eq!(params.variables.len(), 1);
        assert!(
            Params::from_query_string("query=%7Ba%7D&variables=%5B", &Limits::default()).is_err()
        );
        assert!(Params::from_query_string("", &Limits::default()).is_err());
    }

    #[test]
    fn only_json_in_utf8_is_read() {
        let accepted = |value: &'static str| {
            let headers =
                HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(value))]);
            require_json(&headers).is_ok()
        };
        for value in [
            "application/json",
            "Application/JSON; charset=UTF-8",
            "application/json;charset=\"utf-8\"",
        ] {
            assert!(accepted(value), "{value}");
        }
        for value in [
            "",
            "text/plain",
            "application/jsonx",
            "application/json; charset=utf-16",
            "multipart/form-data",
        ] {
            assert!(!accepted(value), "{value}");
        }
    }
}

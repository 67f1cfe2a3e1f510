//! GraphQL over HTTP: media types, methods, limits, credentials, errors.

use std::time::{Duration, Instant};

use api::auth::Role;
use axum::http::{Method, StatusCode};
use chrono::{TimeDelta, Utc};
use domain::CartId;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Running, setup, start};

const JSON: (&str, &str) = ("content-type", "application/json");
const ACCEPT_JSON: (&str, &str) = ("accept", "application/json");

async fn post_raw(server: &Running, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    let answer = server.request(Method::POST, "/graphql", headers, body.to_owned()).await;
    (answer.status.as_u16(), answer.code())
}

#[tokio::test]
async fn a_query_is_answered_in_both_media_types() {
    let server = start().await;
    for (accept, content_type) in [
        ("application/graphql-response+json", "application/graphql-response+json; charset=utf-8"),
        ("application/json", "application/json; charset=utf-8"),
        ("*/*", "application/json; charset=utf-8"),
    ] {
        let answer = server.query_with("{ me }", &[("accept", accept)]).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, content_type));
        assert_eq!(answer.json(), json!({"data": {"me": "guest:anonymous"}}));
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let answer = server.query_with("{ me }", &[("accept", "text/html")]).await;
    assert_eq!(
        (answer.status, answer.code()),
        (StatusCode::NOT_ACCEPTABLE, "NOT_ACCEPTABLE".into())
    );
}

#[tokio::test]
async fn only_json_bodies_are_read() {
    let server = start().await;
    let body = r#"{"query":"{ me }"}"#;
    for content_type in
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "x"]
    {
        let refused = (415, "UNSUPPORTED_MEDIA_TYPE".to_owned());
        assert_eq!(
            post_raw(&server, &[("content-type", content_type)], body).await,
            refused,
            "{content_type}"
        );
    }
    assert_eq!(post_raw(&server, &[], body).await.0, 415);
    assert_eq!(
        post_raw(&server, &[("content-type", "application/json; charset=utf-8")], body).await.0,
        200
    );
}

#[tokio::test]
async fn a_body_that_is_not_a_request_is_refused_in_any_media_type() {
    let server = start().await;
    for (body, code) in [
        ("{", "INVALID_JSON"),
        ("", "INVALID_JSON"),
        ("{\"query\":\"\u{0}", "INVALID_JSON"),
        ("{}", "BAD_REQUEST"),
        (r#"{"query":{}}"#, "BAD_REQUEST"),
        (r#"{"query":"{me}","variables":"x"}"#, "BAD_REQUEST"),
        (r#"[{"query":"{me}"}]"#, "BATCHING_NOT_SUPPORTED"),
    ] {
        for accept in [ACCEPT_JSON, ("accept", "application/graphql-response+json")] {
            assert_eq!(
                post_raw(&server, &[JSON, accept], body).await,
                (400, code.to_owned()),
                "{body}"
            );
        }
    }
    let nested = format!(
        r#"{{"query":"{{me}}","variables":{{"a":{}1{}}}}}"#,
        "[".repeat(2_000),
        "]".repeat(2_000)
    );
    assert_eq!(post_raw(&server, &[JSON], &nested).await.0, 400);
}

#[tokio::test]
async fn queries_can_be_sent_by_get_and_mutations_cannot() {
    let server = start().await;
    let answer = server.get("/graphql?query=query+Q%28%24s%3AString%29%7Bproduct%28sku%3A%24s%29%7D&operationName=Q&variables=%7B%22s%22%3A%22a%22%7D").await;
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({"data": {"product": "a"}})));

    let answer = server.get("/graphql?query=mutation%7BcartCreate%7D").await;
    assert_eq!(
        (answer.status, answer.code()),
        (StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED".into())
    );
    assert_eq!(answer.header("allow"), "POST");

    let answer = server.get("/graphql").await;
    assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "BAD_REQUEST".into()));

    let answer = server.request(Method::PUT, "/graphql", &[JSON], "{}").await;
    assert_eq!(
        (answer.status, answer.header("allow")),
        (StatusCode::METHOD_NOT_ALLOWED, "GET, POST")
    );
}

#[tokio::test]
async fn an_invalid_document_is_400_in_the_new_media_type_and_200_in_the_old_one() {
    let server = start().await;
    for (query, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { me } query B { me }", "OPERATION_NOT_FOUND"),
        ("subscription { me }", "SUBSCRIPTION_NOT_SUPPORTED"),
    ] {
        let answer = server.query(query).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, code.to_owned()), "{query}");
        assert_eq!(answer.json().get("data"), None);
        let answer = server.query_with(query, &[ACCEPT_JSON]).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (200, code.to_owned()), "{query}");
    }
    let syntax = server.query("{\n  me(").await.json();
    assert_eq!(syntax["errors"][0]["locations"][0]["line"], 2, "{syntax}");
}

#[tokio::test]
async fn a_value_of_another_type_is_the_clients_error() {
    let server = start().await;
    let query = json!({"query": "query($n: Int) { product(number: $n) }", "variables": {"n": 3_000_000_000_u32}});
    let answer = server.post(&query, &[]).await;
    let code = answer.code();
    assert!(
        ["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"].contains(&code.as_str()),
        "{:?}",
        answer.json()
    );
}

#[tokio::test]
async fn a_value_with_2000_levels_is_refused_and_the_server_keeps_running() {
    let server = start().await;
    for (open, close) in [("[", "]"), ("{a:", "}")] {
        let query = format!("{{ product(sku: {}1{}) }}", open.repeat(2_000), close.repeat(2_000));
        assert!(query.len() < 10_000);
        let code = server.query(&query).await.code();
        assert!(["QUERY_TOO_NESTED", "QUERY_TOO_MANY_TOKENS"].contains(&code.as_str()), "{code}");
    }
    // The brackets after an unclosed block string count too.
    let query = format!("{{ product(sku: [\"\"\"x\" {}", "[".repeat(2_000));
    assert_eq!(server.query(&query).await.code(), "GRAPHQL_PARSE_FAILED");
    assert_eq!(server.query("{ me }").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_chain_of_doubling_fragments_is_refused_at_once() {
    let server = start().await;
    let chain = |n: usize| format!("fragment F{n} on Query {{ ...F{} ...F{} }} ", n + 1, n + 1);
    let fragments: String = (0..30).map(chain).collect();
    let query = format!("{{ ...F0 }} {fragments} fragment F30 on Query {{ me }}");
    let begun = Instant::now();
    let answer = server.query(&query).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (400, "QUERY_TOO_COMPLEX".to_owned()));
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(
        server.query("{ ...A } fragment A on Query { ...A }").await.code(),
        "FRAGMENT_CYCLE"
    );
}

#[tokio::test]
async fn each_limit_has_its_own_error_code() {
    let server = start().await;
    let deep = format!("{{ {} id {} }}", "node { ".repeat(10), "}".repeat(10));
    let aliases: String = (0..16).map(|n| format!("a{n}: me ")).collect();
    for (query, code) in [
        (deep, "QUERY_TOO_DEEP"),
        (format!("{{ {aliases} }}"), "QUERY_TOO_MANY_ALIASES"),
        (format!("mutation {{ {} }}", "cartCreate ".repeat(5)), "QUERY_TOO_MANY_MUTATIONS"),
        (format!("{{ {} }}", "me ".repeat(1_000)), "QUERY_TOO_MANY_TOKENS"),
        (format!("{{ me }} #{}", "x".repeat(10_000)), "QUERY_TOO_LONG"),
    ] {
        let answer = server.query(&query).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, code.to_owned()));
    }
}

#[tokio::test]
async fn a_body_past_the_limit_is_refused_whether_or_not_its_length_is_stated() {
    let server = start().await;
    let body = json!({"query": "{ me }", "variables": {"a": "x".repeat(64 * 1024)}});
    let answer = server.post(&body, &[]).await;
    assert_eq!(
        (answer.status, answer.code()),
        (StatusCode::PAYLOAD_TOO_LARGE, "BODY_TOO_LARGE".into())
    );
    let chunk = "x".repeat(60_000);
    let head = "POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    let raw = format!("{head}{:x}\r\n{chunk}\r\n{:x}\r\n{chunk}\r\n", chunk.len(), chunk.len());
    let answer = crate::server::raw(&server, raw.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_refused_after_its_time_limit() {
    let mut setup = setup();
    setup.config.limits.body_timeout = Duration::from_millis(50);
    let server = setup.start().await;
    let head = "POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n{";
    let answer = crate::server::raw(&server, head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("BODY_TIMEOUT"), "{answer}");
}

#[tokio::test]
async fn an_operation_that_takes_too_long_ends_with_an_error() {
    let mut setup = setup();
    setup.config.limits.execution_timeout = Duration::from_millis(50);
    let server = setup.start().await;
    let answer = server.query("{ products }").await;
    assert_eq!((answer.status, answer.code()), (StatusCode::GATEWAY_TIMEOUT, "TIMEOUT".into()));
    assert_eq!(server.query_with("{ products }", &[ACCEPT_JSON]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn when_all_slots_are_taken_the_next_request_is_refused_with_retry_after() {
    let mut setup = setup();
    setup.config.limits.in_flight = 1;
    let server = setup.start().await;
    let (waiting, ()) = tokio::join!(server.query("{ products }"), async {
        server.gate.arrival().await;
        let answer = server.query("{ me }").await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::SERVICE_UNAVAILABLE, "BUSY".into())
        );
        assert_eq!(answer.header("retry-after"), "1");
        assert_eq!(server.get("/health/live").await.status, StatusCode::OK);
        server.gate.open(1);
    });
    assert_eq!(waiting.status, StatusCode::OK);
    assert_eq!(server.query("{ me }").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_request_that_waits_for_a_provider_releases_its_slot() {
    let mut setup = setup();
    setup.config.limits.in_flight = 1;
    let server = setup.start().await;
    let (waiting, ()) = tokio::join!(server.query("{ payments }"), async {
        server.gate.arrival().await;
        assert_eq!(server.query("{ me }").await.status, StatusCode::OK);
        server.gate.open(1);
    });
    assert_eq!(waiting.status, StatusCode::OK);
}

#[tokio::test]
async fn the_caller_follows_from_the_credentials() {
    let server = start().await;
    let actor = async |headers: &[(&str, &str)]| {
        server.query_with("{ me }", headers).await.json()["data"]["me"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let customer = server.bearer(Role::Customer);
    assert!(actor(&[("authorization", &customer)]).await.starts_with("customer:"));
    let cart = CartId(Uuid::from_u128(7));
    let token = server.auth.carts.issue(cart);
    assert_eq!(actor(&[("x-cart-token", &token)]).await, format!("guest:{cart}"));
}

#[tokio::test]
async fn bad_credentials_are_401_in_any_media_type() {
    let server = start().await;
    let hour_ago = Utc::now() - TimeDelta::hours(1);
    let expired =
        server.auth.issue("ada", Role::Customer, Duration::from_secs(60), hour_ago).unwrap();
    let expired = format!("Bearer {expired}");
    for (header, reason) in [
        (("authorization", expired.as_str()), "TOKEN_EXPIRED"),
        (("authorization", "Bearer x.y.z"), "TOKEN_INVALID"),
        (("authorization", "Basic YTpi"), "AUTHORIZATION_MALFORMED"),
        (("x-api-key", "guess"), "API_KEY_UNKNOWN"),
        (("x-cart-token", "guess"), "CART_TOKEN_INVALID"),
    ] {
        for accept in [ACCEPT_JSON, ("accept", "application/graphql-response+json")] {
            let answer = server.query_with("{ me }", &[header, accept]).await;
            assert_eq!(
                (answer.status, answer.code()),
                (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED".into())
            );
            assert_eq!(answer.json()["errors"][0]["extensions"]["reason"], reason);
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
    }
}

#[tokio::test]
async fn the_access_table_is_enforced_before_anything_runs() {
    let server = start().await;
    let query = "{ x: events ...F } fragment F on Query { me }";
    let answer = server.query(query).await;
    assert_eq!(
        (answer.status, answer.code()),
        (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED".into())
    );
    let customer = server.bearer(Role::Customer);
    let answer = server.query_with(query, &[("authorization", &customer)]).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, "FORBIDDEN".into()));
    let support = server.bearer(Role::Support);
    assert_eq!(
        server.query_with(query, &[("authorization", &support)]).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn errors_of_resolvers_are_reported_without_details() {
    let server = start().await;
    let answer = server.query("{ cart }").await;
    assert_eq!((answer.status, answer.code()), (StatusCode::OK, "INTERNAL".into()));
    assert_eq!(answer.json()["data"], Value::Null);
    assert!(!String::from_utf8_lossy(&answer.body).contains("hunter2"));
    let answer = server.query("{ order me }").await;
    assert_eq!((answer.status, answer.code()), (StatusCode::OK, "STALE".into()));
    assert_eq!(answer.json()["data"], json!({"order": null, "me": "guest:anonymous"}));
}

#[tokio::test]
async fn a_panic_fails_only_its_own_request() {
    let server = start().await;
    let answer = server.query("{ orders }").await;
    assert_eq!(
        (answer.status, answer.code()),
        (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL".into())
    );
    assert_eq!(server.query("{ me }").await.status, StatusCode::OK);
}

/// The introspection query that GraphiQL sends.
const INTROSPECTION: &str = "query { __schema { queryType { name } types { ...T fields { args { type { ofType { ofType {
    ofType { ofType { ofType { ofType { ofType { name } } } } } } } } } } } } } fragment T on __Type { kind name }";

#[tokio::test]
async fn introspection_works_only_if_it_is_allowed() {
    let server = start().await;
    let answer = server.query(INTROSPECTION).await;
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.json());
    assert!(
        String::from_utf8_lossy(&server.get("/graphql/schema").await.body).contains("type Query")
    );

    let mut setup = setup();
    setup.config.introspection = false;
    let server = setup.start().await;
    for query in
        [INTROSPECTION, "{ ...F } fragment F on Query { __type(name: \"Query\") { name } }"]
    {
        let answer = server.query(query).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (400, "INTROSPECTION_DISABLED".to_owned())
        );
    }
    assert_eq!(
        server.query("{ __typename }").await.json(),
        json!({"data": {"__typename": "Query"}})
    );
    assert_eq!(server.get("/graphql/schema").await.status, StatusCode::BAD_REQUEST);
}

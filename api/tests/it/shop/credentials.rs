//! Invalid tokens and keys, and bodies that are not requests; none of them writes an event.

use std::time::Duration;

use api::auth::{Authenticator, Role};
use axum::http::{Method, StatusCode};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{TimeDelta, Utc};
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::stage::{Stage, refused};
use crate::cluster::Client;
use crate::support::setup;

/// A token of the shop's issuer, with these claims in addition to the usual ones.
fn token(claims: Value) -> String {
    let mut all = json!({"sub": "ada", "iss": "cartulary", "aud": "cartulary",
        "exp": (Utc::now() + TimeDelta::hours(1)).timestamp()});
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    let secret = setup().config.auth.jwt_secret;
    encode(&Header::default(), &all, &EncodingKey::from_secret(secret.expose_bytes())).unwrap()
}

fn bearer(client: &Client, token: &str) -> Client {
    client.clone().with("authorization", &format!("Bearer {token}"))
}

const CREATE: &str = r#"{"query": "mutation { cartCreate(input: {}) { position } }"}"#;

#[tokio::test]
async fn each_kind_of_bad_credentials_has_its_code_and_changes_nothing() {
    let stage = Stage::with_mugs().await;
    let hour = Duration::from_secs(3600);
    let auth = Authenticator::new(&setup().config.auth);
    let long_ago = Utc::now() - TimeDelta::hours(2);
    let expired = auth.issue("ada", Role::Customer, hour, long_ago).unwrap();
    let unsigned = |claims: &Value| {
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.", part(&json!({"alg": "none", "typ": "JWT"})), part(claims))
    };
    let forged = unsigned(&json!({"sub": "eve", "role": "admin", "iss": "cartulary",
        "aud": "cartulary", "exp": 4_102_444_800_i64}));
    let stranger = stage.node.stranger();
    let rows = [
        (bearer(&stranger, &expired), "TOKEN_EXPIRED"),
        (bearer(&stranger, "garbage"), "TOKEN_INVALID"),
        (bearer(&stranger, &forged), "TOKEN_INVALID"),
        (bearer(&stranger, &token(json!({"role": "king"}))), "TOKEN_INVALID"),
        (bearer(&stranger, &token(json!({"sub": ""}))), "TOKEN_INVALID"),
        (bearer(&stranger, &token(json!({"iss": "somebody"}))), "TOKEN_INVALID"),
        (bearer(&stranger, &token(json!({"aud": "somewhere"}))), "TOKEN_INVALID"),
        (bearer(&stranger, &token(json!({"nbf": 4_000_000_000_i64}))), "TOKEN_NOT_YET_VALID"),
        (stranger.clone().with("authorization", "Basic YTpi"), "AUTHORIZATION_MALFORMED"),
        (stranger.clone().with("x-api-key", "garbage"), "API_KEY_UNKNOWN"),
        (stranger.clone().with("x-cart-token", "garbage"), "CART_TOKEN_INVALID"),
        (stage.ada.clone().with("x-api-key", "garbage"), "AMBIGUOUS_CREDENTIALS"),
    ];
    let head = stage.head().await;
    for (who, reason) in rows {
        let answer = who.post(CREATE).await.unwrap();
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED".into())
        );
        assert_eq!(answer.json()["errors"][0]["extensions"]["reason"], reason, "{answer:?}");
    }
    assert_eq!(stage.head().await, head);
}

/// An identity provider without roles has only customers.
#[tokio::test]
async fn a_token_without_a_role_belongs_to_a_customer() {
    let stage = Stage::with_mugs().await;
    let caller = bearer(&stage.node.stranger(), &token(json!({})));
    let me = caller.ask("{ me { role } }", json!({})).await;
    assert_eq!(me["me"]["role"], "CUSTOMER");
    let head = stage.head().await;
    let ship = r#"mutation { orderShip(input: { orderId: "x" }) { position } }"#;
    let answer = caller.post(&json!({"query": ship}).to_string()).await.unwrap();
    assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, "FORBIDDEN".into()));
    assert_eq!(stage.head().await, head);
}

#[tokio::test]
async fn a_body_that_is_not_a_request_is_refused() {
    let stage = Stage::with_mugs().await;
    let deep = format!("{{\"query\": {}{}}}", "[".repeat(5_000), "]".repeat(5_000));
    let rows = [
        ("", StatusCode::BAD_REQUEST, "INVALID_JSON"),
        ("no JSON", StatusCode::BAD_REQUEST, "INVALID_JSON"),
        (r#"{"query": "{ me { role } }""#, StatusCode::BAD_REQUEST, "INVALID_JSON"),
        ("\u{feff}{}", StatusCode::BAD_REQUEST, "INVALID_JSON"),
        (&deep, StatusCode::BAD_REQUEST, "BAD_REQUEST"),
        ("[]", StatusCode::BAD_REQUEST, "BATCHING_NOT_SUPPORTED"),
        ("{}", StatusCode::BAD_REQUEST, "BAD_REQUEST"),
        ("null", StatusCode::BAD_REQUEST, "BAD_REQUEST"),
        (r#"{"query": 1}"#, StatusCode::BAD_REQUEST, "BAD_REQUEST"),
        (r#"{"query": "{"}"#, StatusCode::BAD_REQUEST, "GRAPHQL_PARSE_FAILED"),
    ];
    let head = stage.head().await;
    for (body, status, code) in rows {
        let answer = stage.ada.post(body).await.unwrap();
        assert_eq!((answer.status, answer.code()), (status, code.to_owned()), "{body:.40}");
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let answer = stage.ada.send(Method::POST, "/graphql", &form, CREATE).await.unwrap();
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let mutation = "/graphql?query=mutation%7BcartCreate(input:%7B%7D)%7Bposition%7D%7D";
    let answer = stage.ada.get(mutation).await.unwrap();
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(stage.head().await, head);
}

#[tokio::test]
async fn a_guests_idempotency_key_must_be_random() {
    let stage = Stage::with_mugs().await;
    let head = stage.head().await;
    let time_based = uuid::Uuid::now_v7().to_string();
    for key in ["my-key", "1", &time_based, "00000000-0000-0000-0000-000000000000"] {
        let input = json!({"idempotencyKey": key});
        let payload = stage.node.stranger().mutate("cartCreate", "__typename", input).await;
        refused(&payload, "INVALID_INPUT", "input.idempotencyKey");
    }
    assert_eq!(stage.head().await, head);
}

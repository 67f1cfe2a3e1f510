//! How many requests a caller may send, and the answers after that.

use api::auth::Role;
use axum::http::StatusCode;
use serde_json::json;

use crate::cluster::{Client, Shop, until};
use crate::support::{Answer, Running, setup};

const ASK: &str = r#"{"query":"{ products { nodes { sku } } }"}"#;

async fn ask(who: &Client) -> Answer {
    who.post(ASK).await.unwrap()
}

/// Sends requests until one is refused.
async fn exhaust(who: &Client) -> Answer {
    for _ in 0..100 {
        let answer = ask(who).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            return answer;
        }
    }
    panic!("a hundred requests were not refused")
}

#[tokio::test]
async fn a_caller_over_the_limit_gets_retry_after_and_other_callers_are_served() {
    let shop = Shop::new().await.variable("CARTULARY_RATE_LIMIT", "1");
    let node = shop.variable("CARTULARY_RATE_BURST", "3").start().await;
    let (ada, bob) = (node.customer("ada"), node.customer("bob"));
    let refused = exhaust(&ada).await;
    let seen = (refused.status, refused.code());
    assert_eq!(seen, (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED".to_owned()));
    assert_eq!(refused.json().get("data"), None);
    assert!(refused.header("content-type").starts_with("application/graphql-response+json"));
    assert_eq!(refused.header("retry-after"), "1");

    assert_eq!(ask(&bob).await.status, StatusCode::OK);
    assert_eq!(ask(&node.stranger()).await.status, StatusCode::OK);
    assert_eq!(ada.get("/health/live").await.unwrap().status, StatusCode::OK);
    until("Ada is served again", async || ask(&ada).await.status == StatusCode::OK).await;
}

#[tokio::test]
async fn invalid_credentials_are_counted_for_their_address() {
    let shop = Shop::new().await.variable("CARTULARY_RATE_LIMIT", "1");
    let node = shop.variable("CARTULARY_RATE_BURST", "3").start().await;
    let guess = node.stranger().with("authorization", "Bearer guess");
    assert_eq!(ask(&guess).await.status, StatusCode::UNAUTHORIZED);
    exhaust(&guess).await;
    let strangers =
        [node.stranger(), node.guest("guess"), node.stranger().with("x-api-key", "guess")];
    for stranger in strangers {
        assert_eq!(exhaust(&stranger).await.code(), "RATE_LIMITED");
    }
    assert_eq!(ask(&node.customer("ada")).await.status, StatusCode::OK);
}

/// Sends a request through a proxy that forwards for this address.
async fn forwarded(server: &Running, from: &str) -> String {
    server.query_with("{ __typename }", &[("x-forwarded-for", from)]).await.code()
}

#[tokio::test]
async fn behind_a_trusted_proxy_addresses_are_distinguished_and_cannot_be_forged() {
    let mut setup = setup();
    (setup.config.limits.rate, setup.config.limits.burst) = (1, 1);
    setup.config.limits.proxies = 1;
    let server = setup.start().await;
    assert_eq!(forwarded(&server, "203.0.113.1").await, "");
    assert_eq!(forwarded(&server, "198.51.100.9, 203.0.113.1").await, "RATE_LIMITED");
    assert_eq!(forwarded(&server, "203.0.113.2").await, "");
}

#[tokio::test]
async fn a_new_token_is_counted_for_the_same_caller() {
    let mut setup = setup();
    (setup.config.limits.rate, setup.config.limits.burst) = (1, 1);
    let server = setup.start().await;
    let ask = async |token: &str| {
        server.post(&json!({"query": "{ __typename }"}), &[("authorization", token)]).await.code()
    };
    assert_eq!(ask(&server.bearer(Role::Customer)).await, "");
    assert_eq!(ask(&server.bearer(Role::Customer)).await, "RATE_LIMITED");
}

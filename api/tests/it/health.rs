//! Health: what callers without credentials see, what staff see, and how long it may take.

use std::future::pending;
use std::time::{Duration, Instant};

use api::auth::Role;
use api::health::Check;
use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::support::{setup, start};

#[tokio::test]
async fn a_healthy_server_is_live_and_ready() {
    let server = start().await;
    for path in ["/health/live", "/health/ready", "/health"] {
        let answer = server.get(path).await;
        assert_eq!(
            (answer.status, answer.json()),
            (StatusCode::OK, json!({"status": "ok"})),
            "{path}"
        );
    }
}

#[tokio::test]
async fn required_checks_decide_about_readiness_and_optional_ones_only_degrade() {
    let mut setup_ = setup();
    setup_.checks = vec![Check::optional("mail", async || Err("refused".to_owned()))];
    let server = setup_.start().await;
    let answer = server.get("/health/ready").await;
    assert_eq!(
        (answer.status, answer.json()["status"].clone()),
        (StatusCode::OK, json!("degraded"))
    );

    let mut setup_ = setup();
    setup_.checks = vec![Check::required("database", async || Err("refused".to_owned()))];
    let server = setup_.start().await;
    assert_eq!(server.get("/health/ready").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(server.get("/health").await.json(), json!({"status": "failing"}));
    assert_eq!(server.get("/health/live").await.status, StatusCode::OK);
}

#[tokio::test]
async fn staff_see_each_dependency_and_slow_ones_time_out_together() {
    let mut setup = setup();
    setup.checks = vec![
        Check::required("database", async || Ok(())),
        Check::optional("provider", pending),
        Check::optional("mail", pending),
    ];
    let server = setup.start().await;
    let begun = Instant::now();
    let support = server.bearer(Role::Support);
    let answer = server.request(Method::GET, "/health", &[("authorization", &support)], "").await;
    assert!(begun.elapsed() < Duration::from_millis(1_800), "{:?}", begun.elapsed());
    let checks = &answer.json()["checks"];
    assert_eq!((&checks[0]["name"], &checks[0]["status"]), (&json!("database"), &json!("ok")));
    assert_eq!(
        (&checks[1]["status"], &checks[2]["status"]),
        (&json!("degraded"), &json!("degraded"))
    );
    assert!(checks[1]["responseTimeMs"].as_f64().unwrap() >= 1_000.0);

    let customer = server.bearer(Role::Customer);
    let answer = server.request(Method::GET, "/health", &[("authorization", &customer)], "").await;
    assert_eq!(answer.json(), json!({"status": "degraded"}));
}

#[tokio::test]
async fn only_staff_see_the_log_head() {
    let server = start().await;
    let stranger = server.get("/health/info").await.json();
    assert_eq!(
        (&stranger["version"], stranger.get("logHead")),
        (&json!(env!("CARGO_PKG_VERSION")), None)
    );
    let admin = server.bearer(Role::Admin);
    let answer =
        server.request(Method::GET, "/health/info", &[("authorization", &admin)], "").await;
    assert_eq!(answer.json()["logHead"], "42");
}

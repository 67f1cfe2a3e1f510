//! Webhooks that arrive twice, in another order, or too early.

use axum::http::StatusCode;
use chrono::Utc;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cluster::until;
use crate::shop::stage::Stage;
use crate::shop::webhooks::{authorised, start_elsewhere};

impl Stage {
    /// The reason why webhooks are not healthy, as `/health` shows it to staff; null if they are.
    async fn webhook_health(&self) -> Value {
        let health = self.desk.get("/health").await.unwrap().json();
        let checks = health["checks"].as_array().unwrap();
        checks.iter().find(|check| check["name"] == "webhooks").unwrap()["error"].clone()
    }
}

#[tokio::test]
async fn the_same_webhook_twice_has_one_effect() {
    let stage = Stage::with_mugs().await;
    let order = stage.order(&stage.ada, &[("MUG", 2)]).await;
    let payment = stage.pay(&stage.ada, &order, "AUTOMATIC", "tok_duplicate_webhooks").await;
    stage.until_status(&order, ["PAID", "PAID"]).await;
    // Each is sent twice, and once more under another id.
    until("all webhooks have arrived", async || stage.webhooks_received("%").await == (4, 4)).await;
    let body = authorised("evt_again", &payment);
    for _ in 0..2 {
        assert_eq!(stage.deliver(&body, Utc::now()).await, StatusCode::OK);
    }
    until("the webhook is processed", async || {
        stage.webhooks_received("evt_again").await == (1, 1)
    })
    .await;
    assert_eq!(stage.all_webhooks_received().await, 5);
    assert_eq!(
        stage.payment_history(&payment).await,
        [
            "payment.initiated",
            "payment.authorized",
            "payment.capture_requested",
            "payment.captured"
        ]
    );
    assert_eq!(stage.figures("MUG").await, [98, 0, 98]);
}

#[tokio::test]
async fn a_capture_can_be_reported_before_its_authorisation() {
    let stage = Stage::with_mugs().await;
    let order = stage.order(&stage.ada, &[("MUG", 2)]).await;
    let payment = stage.pay(&stage.ada, &order, "AUTOMATIC", "tok_out_of_order").await;
    until("all webhooks are processed", async || stage.webhooks_received("%").await == (3, 3))
        .await;
    stage.until_status(&order, ["PAID", "PAID"]).await;
    let history = stage.payment_history(&payment).await;
    // A capture implies its authorisation; the later report of the authorisation changes nothing,
    // and requests no second capture.
    assert_eq!(history, ["payment.initiated", "payment.captured"]);
    assert_eq!(stage.payment(&payment).await["status"], "CAPTURED");
    assert_eq!(stage.figures("MUG").await, [98, 0, 98]);
}

#[tokio::test]
async fn a_webhook_before_its_payment_is_kept_reported_as_overdue_and_applied() {
    let stage = Stage::with_mugs().await;
    let order = stage.order(&stage.ada, &[("MUG", 2)]).await;
    let payment = Uuid::now_v7();
    let body = authorised("evt_early", &payment.to_string());
    assert_eq!(stage.deliver(&body, Utc::now()).await, StatusCode::OK);
    let pool = stage.shop.database.as_ref().unwrap().pool();
    until("it was tried without success", async || {
        let query = "select problem from inbox where event_id = 'evt_early'";
        let problem: Option<String> = sqlx::query_scalar(query).fetch_one(pool).await.unwrap();
        problem.is_some()
    })
    .await;
    assert_eq!(stage.webhook_health().await, Value::Null);

    // A day passes.
    let waits = "update inbox set received_at = received_at - interval '25 hours'";
    sqlx::query(waits).execute(pool).await.unwrap();
    let alarm = "webhooks that wait for their payment for more than a day: 1";
    assert_eq!(stage.webhook_health().await, alarm);
    until("the log reports it", async || {
        let log = stage.node.log();
        log.contains("ERROR") && log.contains("a webhook could not be processed for a day")
    })
    .await;
    assert_eq!(stage.webhooks_received("evt_early").await, (1, 0));
    stage.check_states(&order, ["PENDING", "NONE", "UNFULFILLED"]).await;

    start_elsewhere(&stage, &order, payment).await;
    stage.until_status(&order, ["PAID", "AUTHORIZED"]).await;
    until("it is processed", async || stage.webhooks_received("evt_early").await == (1, 1)).await;
    // The provider may have reported the fact once more, because it was called again after a call
    // without an answer.
    let query = "query($id: ID!) { history(kind: PAYMENT, id: $id) { nodes { type actor } } }";
    let seen: Value = stage.desk.ask(query, json!({"id": payment})).await;
    let events = seen["history"]["nodes"].as_array().unwrap();
    let fact = events.iter().find(|event| event["type"] == "payment.authorized").unwrap();
    assert_eq!(fact["actor"], "system:inbox", "{seen:#}");
    assert_eq!(stage.webhook_health().await, Value::Null);
}

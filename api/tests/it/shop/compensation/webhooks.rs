//! Webhooks that come twice, in another order, or too early.

use axum::http::StatusCode;
use chrono::Utc;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cluster::until;
use crate::shop::stage::Stage;
use crate::shop::webhooks::{authorised, start_elsewhere};

impl Stage {
    /// Why they are not, as `/health` tells staff; null when they are.
    async fn webhooks_are_well(&self) -> Value {
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
    stage.becomes(&order, ["PAID", "PAID"]).await;
    // Each is sent twice, and once more under another id.
    until("all of them have come", async || stage.letters("%").await == (4, 4)).await;
    let body = authorised("evt_again", &payment);
    for _ in 0..2 {
        assert_eq!(stage.deliver(&body, Utc::now()).await, StatusCode::OK);
    }
    until("the webhook is processed", async || stage.letters("evt_again").await == (1, 1)).await;
    assert_eq!(stage.all_letters().await, 5);
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
async fn a_capture_may_be_heard_of_before_its_authorisation() {
    let stage = Stage::with_mugs().await;
    let order = stage.order(&stage.ada, &[("MUG", 2)]).await;
    let payment = stage.pay(&stage.ada, &order, "AUTOMATIC", "tok_out_of_order").await;
    until("everything is told", async || stage.letters("%").await == (3, 3)).await;
    stage.becomes(&order, ["PAID", "PAID"]).await;
    let history = stage.payment_history(&payment).await;
    // A capture implies its authorisation, which is no news then, and asks for no other capture.
    assert_eq!(history, ["payment.initiated", "payment.captured"]);
    assert_eq!(stage.payment(&payment).await["status"], "CAPTURED");
    assert_eq!(stage.figures("MUG").await, [98, 0, 98]);
}

#[tokio::test]
async fn a_webhook_that_comes_before_its_payment_is_kept_alarms_and_is_applied() {
    let stage = Stage::with_mugs().await;
    let order = stage.order(&stage.ada, &[("MUG", 2)]).await;
    let payment = Uuid::now_v7();
    let body = authorised("evt_early", &payment.to_string());
    assert_eq!(stage.deliver(&body, Utc::now()).await, StatusCode::OK);
    let pool = stage.shop.database.as_ref().unwrap().pool();
    until("it was looked at in vain", async || {
        let query = "select problem from inbox where event_id = 'evt_early'";
        let problem: Option<String> = sqlx::query_scalar(query).fetch_one(pool).await.unwrap();
        problem.is_some()
    })
    .await;
    assert_eq!(stage.webhooks_are_well().await, Value::Null);

    // A day goes by.
    let waits = "update inbox set received_at = received_at - interval '25 hours'";
    sqlx::query(waits).execute(pool).await.unwrap();
    let alarm = "1 have waited for their payment for more than a day";
    assert_eq!(stage.webhooks_are_well().await, alarm);
    until("the log says so", async || {
        let log = stage.node.log();
        log.contains("ERROR") && log.contains("a webhook could not be processed for a day")
    })
    .await;
    assert_eq!(stage.letters("evt_early").await, (1, 0));
    stage.stands(&order, ["PENDING", "NONE", "UNFULFILLED"]).await;

    start_elsewhere(&stage, &order, payment).await;
    stage.becomes(&order, ["PAID", "AUTHORIZED"]).await;
    until("it is processed", async || stage.letters("evt_early").await == (1, 1)).await;
    // The provider, asked again because it had not answered, may have said so once more since.
    let query = "query($id: ID!) { history(kind: PAYMENT, id: $id) { nodes { type actor } } }";
    let seen: Value = stage.desk.ask(query, json!({"id": payment})).await;
    let events = seen["history"]["nodes"].as_array().unwrap();
    let told = events.iter().find(|event| event["type"] == "payment.authorized").unwrap();
    assert_eq!(told["actor"], "system:inbox", "{seen:#}");
    assert_eq!(stage.webhooks_are_well().await, Value::Null);
}

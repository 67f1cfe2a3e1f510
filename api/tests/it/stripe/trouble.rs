//! Lost answers, an outage, and a server that dies in the middle.

use api::auth::Role;
use axum::http::Method;
use serde_json::json;

use super::stand_in::{LocalStripe, shop_at};
use super::{GOOD, stage};
use crate::cluster::{key, until};
use crate::shop::stage::Stage;

/// The provider executes and does not answer; asked again under its key, it does it once.
#[tokio::test]
async fn a_lost_answer_is_asked_for_again_and_charges_once() {
    let Some((stage, stripe)) = stage().await else { return };
    stripe.lose(&stage.node, "/payment_intents", 1).await;
    stripe.lose(&stage.node, "/capture", 1).await;
    let (order, payment) = stage.pay_by(GOOD, "AUTOMATIC").await;
    stage.becomes(&order, ["PAID", "PAID"]).await;
    let history = stage.payment_history(&payment).await;
    assert!(history.contains(&"payment.outcome_unknown".to_owned()), "{history:?}");

    stripe.lose(&stage.node, "/refunds", 1).await;
    let refund = json!({"paymentId": payment, "idempotencyKey": key()});
    stage.desk.done("paymentRefund", "payment { id }", refund).await;
    stage.becomes(&order, ["REFUNDED", "REFUNDED"]).await;
    for kind in ["payment_intents", "charges", "refunds"] {
        assert_eq!(stripe.all(&stage.node, kind).await.len(), 1, "{kind}");
    }
}

#[tokio::test]
async fn a_webhook_tells_what_no_answer_did() {
    let Some((stage, stripe)) = stage().await else { return };
    stripe.lose(&stage.node, "/capture", 1_000).await;
    let (order, payment) = stage.pay_by(GOOD, "AUTOMATIC").await;
    stage.becomes(&order, ["PAID", "PAID"]).await;
    stripe.lose(&stage.node, "/capture", 0).await;
    let seen = stage.see(&stage.desk, &order).await;
    assert_eq!(seen["payments"][0]["captured"]["amount"], "4998", "{seen:#}");
    let query = "query($id: ID!) { history(kind: PAYMENT, id: $id) { nodes { type actor } } }";
    let seen = stage.desk.ask(query, json!({"id": payment})).await;
    let events = seen["history"]["nodes"].as_array().unwrap();
    let told = events.iter().rfind(|event| event["type"] == "payment.captured").unwrap();
    assert_eq!(told["actor"], "system:inbox", "{seen:#}");
}

#[tokio::test]
async fn an_outage_of_stripe_is_waited_for_and_shown() {
    let Some(stripe) = LocalStripe::start().await else { return };
    let address = stripe.stop().await;
    let stage = Stage::of(shop_at(address).await).await;
    stage.sell("MUG", 2_499, 100).await;
    let (order, payment) = stage.pay_by(GOOD, "AUTOMATIC").await;
    stage.payment_becomes(&payment, "UNKNOWN").await;
    stage.stands(&order, ["PENDING", "NONE", "UNFULFILLED"]).await;
    assert_eq!(stage.provider_health().await, "degraded");

    let stripe = LocalStripe::start_on(Some(address)).await.unwrap();
    stripe.report_to(&stage.node).await;
    stage.becomes(&order, ["PAID", "PAID"]).await;
    assert_eq!(stripe.all(&stage.node, "payment_intents").await.len(), 1);
    until("health knows", async || stage.provider_health().await == "ok").await;
}

#[tokio::test]
async fn a_server_that_dies_goes_on_where_it_was() {
    let Some((stage, stripe)) = stage().await else { return };
    let (order, payment) = stage.pay_by(GOOD, "MANUAL").await;
    stage.becomes(&order, ["PAID", "AUTHORIZED"]).await;
    stripe.lose(&stage.node, "/capture", 1_000).await;
    let capture = json!({"paymentId": payment, "idempotencyKey": key()});
    stage.desk.done("paymentCapture", "payment { id }", capture).await;
    until("it was captured", async || {
        stripe.all(&stage.node, "payment_intents").await[0]["status"] == "succeeded"
    })
    .await;
    let Stage { shop, node, .. } = stage;
    node.kill().await;

    // The webhook finds nobody: what was done is learnt by asking again.
    let stage = Stage::of(shop).await;
    stripe.lose(&stage.node, "/capture", 0).await;
    stage.becomes(&order, ["PAID", "PAID"]).await;
    assert_eq!(stripe.all(&stage.node, "charges").await.len(), 1);
}

impl Stage {
    async fn provider_health(&self) -> String {
        let staff = self.node.signed_in("desk", Role::Support);
        let answer = staff.send(Method::GET, "/health", &[], "").await.unwrap().json();
        let checks = answer["checks"].as_array().unwrap().clone();
        let payments = checks.iter().find(|check| check["name"] == "payments").unwrap();
        assert!(payments["responseTimeMs"].is_number());
        payments["status"].as_str().unwrap().to_owned()
    }
}

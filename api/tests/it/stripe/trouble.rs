//! Lost answers, an outage of Stripe, and a server that is killed.

use api::auth::Role;
use axum::http::Method;
use serde_json::json;

use super::stand_in::{LocalStripe, shop_at};
use super::{GOOD, stage};
use crate::cluster::{key, until};
use crate::shop::stage::Stage;

/// The provider executes a call and does not answer; called again with the same key, it does not
/// execute it twice.
#[tokio::test]
async fn a_call_whose_answer_was_lost_is_repeated_and_charges_once() {
    let Some((stage, stripe)) = stage().await else { return };
    stripe.lose(&stage.node, "/payment_intents", 1).await;
    stripe.lose(&stage.node, "/capture", 1).await;
    let (order, payment) = stage.pay_by(GOOD, "AUTOMATIC").await;
    stage.until_status(&order, ["PAID", "PAID"]).await;
    let history = stage.payment_history(&payment).await;
    assert!(history.contains(&"payment.outcome_unknown".to_owned()), "{history:?}");

    stripe.lose(&stage.node, "/refunds", 1).await;
    let refund = json!({"paymentId": payment, "idempotencyKey": key()});
    stage.desk.done("paymentRefund", "payment { id }", refund).await;
    stage.until_status(&order, ["REFUNDED", "REFUNDED"]).await;
    for kind in ["payment_intents", "charges", "refunds"] {
        assert_eq!(stripe.all(&stage.node, kind).await.len(), 1, "{kind}");
    }
}

#[tokio::test]
async fn a_webhook_reports_the_outcome_after_a_lost_answer() {
    let Some((stage, stripe)) = stage().await else { return };
    stripe.lose(&stage.node, "/capture", 1_000).await;
    let (order, payment) = stage.pay_by(GOOD, "AUTOMATIC").await;
    stage.until_status(&order, ["PAID", "PAID"]).await;
    stripe.lose(&stage.node, "/capture", 0).await;
    let seen = stage.see(&stage.desk, &order).await;
    assert_eq!(seen["payments"][0]["captured"]["amount"], "4998", "{seen:#}");
    let query = "query($id: ID!) { history(kind: PAYMENT, id: $id) { nodes { type actor } } }";
    let seen = stage.desk.ask(query, json!({"id": payment})).await;
    let events = seen["history"]["nodes"].as_array().unwrap();
    let fact = events.iter().rfind(|event| event["type"] == "payment.captured").unwrap();
    assert_eq!(fact["actor"], "system:inbox", "{seen:#}");
}

#[tokio::test]
async fn an_outage_of_stripe_is_shown_and_calls_are_retried_after_it() {
    let Some(stripe) = LocalStripe::start().await else { return };
    let address = stripe.stop().await;
    let stage = Stage::of(shop_at(address).await).await;
    stage.sell("MUG", 2_499, 100).await;
    let (order, payment) = stage.pay_by(GOOD, "AUTOMATIC").await;
    stage.until_payment_status(&payment, "UNKNOWN").await;
    stage.check_states(&order, ["PENDING", "NONE", "UNFULFILLED"]).await;
    assert_eq!(stage.provider_health().await, "degraded");

    let stripe = LocalStripe::start_on(Some(address)).await.unwrap();
    stripe.report_to(&stage.node).await;
    stage.until_status(&order, ["PAID", "PAID"]).await;
    assert_eq!(stripe.all(&stage.node, "payment_intents").await.len(), 1);
    until("health reports it", async || stage.provider_health().await == "ok").await;
}

#[tokio::test]
async fn a_killed_server_continues_its_calls_after_a_restart() {
    let Some((stage, stripe)) = stage().await else { return };
    let (order, payment) = stage.pay_by(GOOD, "MANUAL").await;
    stage.until_status(&order, ["PAID", "AUTHORIZED"]).await;
    stripe.lose(&stage.node, "/capture", 1_000).await;
    let capture = json!({"paymentId": payment, "idempotencyKey": key()});
    stage.desk.done("paymentCapture", "payment { id }", capture).await;
    until("it was captured", async || {
        stripe.all(&stage.node, "payment_intents").await[0]["status"] == "succeeded"
    })
    .await;
    let Stage { shop, node, .. } = stage;
    node.kill().await;

    // The webhook reaches no server, so the outcome is learnt by calling again.
    let stage = Stage::of(shop).await;
    stripe.lose(&stage.node, "/capture", 0).await;
    stage.until_status(&order, ["PAID", "PAID"]).await;
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

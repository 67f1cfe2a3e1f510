//! Receiving Stripe's webhooks.

use axum::http::{Method, StatusCode};
use chrono::{DateTime, TimeDelta, Utc};
use commands::payments::Signer;
use serde_json::json;

use super::stand_in::WEBHOOK_SECRET;
use super::{GOOD, stage};
use crate::cluster::until;
use crate::shop::stage::Stage;

fn event(id: &str, intent: &str) -> String {
    // The body is wrong on purpose: it reports a success, but only the intent's id is used.
    let object = json!({"id": intent, "object": "payment_intent", "status": "succeeded",
        "amount_received": 1});
    json!({"id": id, "object": "event", "type": "payment_intent.succeeded",
        "data": {"object": object}})
    .to_string()
}

impl Stage {
    async fn stripe_webhook(&self, body: &str, secret: &str, at: DateTime<Utc>) -> StatusCode {
        let signature = Signer::new(secret.as_bytes()).sign(body.as_bytes(), at);
        // Two signatures, as while a secret is being replaced.
        let signature = signature.replace("v1=", &format!("v1={},v1=", "0".repeat(64)));
        let headers = [("content-type", "application/json"), ("stripe-signature", &*signature)];
        let path = "/webhooks/stripe";
        let sent = self.node.stranger().send(Method::POST, path, &headers, body.to_owned()).await;
        sent.unwrap().status
    }
}

#[tokio::test]
async fn a_webhook_without_stripes_signature_is_not_stored() {
    let Some((stage, _stripe)) = stage().await else { return };
    let body = event("own_1", "pi_of_nobody");
    let (now, old) = (Utc::now(), Utc::now() - TimeDelta::seconds(310));
    let status = stage.stripe_webhook(&body, "whsec_of_somebody_else", now).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    for at in [old, Utc::now() + TimeDelta::seconds(310)] {
        let status = stage.stripe_webhook(&body, WEBHOOK_SECRET, at).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(stage.webhooks_received("own_%").await, (0, 0));
    let path = "/webhooks/simulator";
    let answer = stage.node.stranger().send(Method::POST, path, &[], body).await.unwrap();
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_repeated_event_is_stored_once_and_its_body_is_not_trusted() {
    let Some((stage, stripe)) = stage().await else { return };
    let (order, payment) = stage.pay_by(GOOD, "MANUAL").await;
    stage.until_status(&order, ["PAID", "AUTHORIZED"]).await;
    let history = stage.payment_history(&payment).await;
    let intents = stripe.all(&stage.node, "payment_intents").await;
    let body = event("own_2", intents[0]["id"].as_str().unwrap());
    for _ in 0..2 {
        let status = stage.stripe_webhook(&body, WEBHOOK_SECRET, Utc::now()).await;
        assert_eq!(status, StatusCode::OK);
    }
    until("it is processed", async || stage.webhooks_received("own_%").await == (1, 1)).await;
    assert_eq!(stage.payment_history(&payment).await, history);
    stage.check_states(&order, ["PAID", "AUTHORIZED", "UNFULFILLED"]).await;
}

#[tokio::test]
async fn a_dispute_is_open_until_it_is_won() {
    let Some((stage, stripe)) = stage().await else { return };
    let (order, payment) = stage.pay_by(GOOD, "AUTOMATIC").await;
    stage.until_status(&order, ["PAID", "PAID"]).await;
    let intents = stripe.all(&stage.node, "payment_intents").await;
    for (n, status, until_status) in [(5, "needs_response", "DISPUTED"), (6, "won", "CAPTURED")] {
        let object = json!({"id": "dp_1", "payment_intent": intents[0]["id"], "amount": 4_998,
            "currency": "usd", "status": status});
        let body = json!({"id": format!("own_{n}"), "type": "charge.dispute.updated",
            "data": {"object": object}})
        .to_string();
        let status = stage.stripe_webhook(&body, WEBHOOK_SECRET, Utc::now()).await;
        assert_eq!(status, StatusCode::OK);
        stage.until_payment_status(&payment, until_status).await;
    }
}

/// A webhook about an object that cannot be fetched stays in the inbox; one about an unknown object
/// is processed.
#[tokio::test]
async fn an_event_waits_until_its_object_can_be_fetched() {
    let Some((stage, _stripe)) = stage().await else { return };
    let unknown = event("own_3", "pi_of_nobody");
    let other = json!({"id": "own_4", "type": "customer.created", "data": {"object": {"id": "c"}}});
    for body in [unknown, other.to_string()] {
        let status = stage.stripe_webhook(&body, WEBHOOK_SECRET, Utc::now()).await;
        assert_eq!(status, StatusCode::OK);
    }
    until("both were processed or tried", async || {
        let query = "select count(*) from inbox where event_id like 'own_%'
            and (problem is not null or processed_at is not null)";
        let pool = stage.shop.database.as_ref().unwrap().pool();
        sqlx::query_scalar::<_, i64>(query).fetch_one(pool).await.unwrap() == 2
    })
    .await;
    assert_eq!(stage.webhooks_received("own_%").await, (2, 1));
}

//! Payments with Stripe, from the intent to the refund.

use serde_json::{Value, json};

use super::stand_in::{KEY, WEBHOOK_SECRET};
use super::{DECLINED, GOOD, stage};
use crate::cluster::{key, until};
use crate::shop::stage::{id, usd};

fn some(payment: &str, cents: i64) -> Value {
    json!({"paymentId": payment, "idempotencyKey": key(), "amount": usd(cents)})
}

fn all(payment: &str) -> Value {
    json!({"paymentId": payment, "idempotencyKey": key()})
}

#[tokio::test]
async fn a_card_is_authorised_and_captured_once_the_stock_is_committed() {
    let Some((stage, stripe)) = stage().await else { return };
    let (order, payment) = stage.pay_by(GOOD, "AUTOMATIC").await;
    stage.until_status(&order, ["PAID", "PAID"]).await;
    assert_eq!(stage.figures("MUG").await, [98, 0, 98]);

    let intents = stripe.all(&stage.node, "payment_intents").await;
    assert_eq!(intents.len(), 1);
    let intent = &intents[0];
    let metadata = json!({"payment_id": payment, "order_id": order, "request": "1"});
    assert_eq!(intent["metadata"], metadata);
    assert_eq!(
        json!([intent["amount"], intent["currency"], intent["status"], intent["capture_method"]]),
        json!([4_998, "usd", "succeeded", "manual"])
    );
    let query = "query($id: ID!) { payment(id: $id) { reference status } }";
    let seen = stage.ada.ask(query, json!({"id": payment})).await;
    assert_eq!(seen["payment"], json!({"reference": intent["id"], "status": "CAPTURED"}));
    let history = stage.payment_history(&payment).await;
    assert_eq!(
        history,
        [
            "payment.initiated",
            "payment.authorized",
            "payment.capture_requested",
            "payment.captured"
        ]
    );

    until("Stripe's webhook is processed", async || {
        stage.webhooks_received("evt_%").await == (1, 1)
    })
    .await;
    assert_eq!(stage.payment_history(&payment).await, history, "it was known already");
    let (log, client_secret) = (stage.node.log(), intent["client_secret"].as_str().unwrap());
    for secret in [KEY, WEBHOOK_SECRET, client_secret] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[tokio::test]
async fn the_uncaptured_part_is_released() {
    let Some((stage, stripe)) = stage().await else { return };
    let (order, payment) = stage.pay_by(GOOD, "MANUAL").await;
    stage.until_status(&order, ["PAID", "AUTHORIZED"]).await;
    stage.desk.done("paymentCapture", "payment { id }", some(&payment, 1_000)).await;
    until("the other part is released", async || {
        let history = stage.payment_history(&payment).await;
        history.contains(&"payment.voided".to_owned())
    })
    .await;
    stage.check_states(&order, ["PAID", "PARTIALLY_PAID", "UNFULFILLED"]).await;
    let seen = stage.see(&stage.desk, &order).await;
    let payment = &seen["payments"][0];
    assert_eq!(
        (&payment["captured"]["amount"], &payment["voided"]["amount"]),
        (&json!("1000"), &json!("3998")),
        "{seen:#}"
    );
    let intents = stripe.all(&stage.node, "payment_intents").await;
    assert_eq!(intents[0]["amount_received"], 1_000);
}

#[tokio::test]
async fn after_a_declined_card_another_can_be_used() {
    let Some((stage, stripe)) = stage().await else { return };
    let (order, declined) = stage.pay_by(DECLINED, "AUTOMATIC").await;
    stage.until_payment_status(&declined, "FAILED").await;
    let query = "query($id: ID!) { payment(id: $id) { failure } }";
    let seen = stage.ada.ask(query, json!({"id": declined})).await;
    assert_eq!(seen["payment"]["failure"], "card_declined");
    stage.check_states(&order, ["PENDING", "NONE", "UNFULFILLED"]).await;

    stage.pay(&stage.ada, &order, "AUTOMATIC", GOOD).await;
    stage.until_status(&order, ["PAID", "PAID"]).await;
    assert_eq!(stripe.all(&stage.node, "payment_intents").await.len(), 2);
}

#[tokio::test]
async fn a_card_that_stripe_does_not_know_is_refused() {
    let Some((stage, _stripe)) = stage().await else { return };
    let (order, payment) = stage.pay_by("pm_of_nobody", "AUTOMATIC").await;
    stage.until_payment_status(&payment, "FAILED").await;
    stage.check_states(&order, ["PENDING", "NONE", "UNFULFILLED"]).await;
}

#[tokio::test]
async fn refunds_in_parts_are_made_once_each() {
    let Some((stage, stripe)) = stage().await else { return };
    let (order, payment) = stage.pay_by(GOOD, "AUTOMATIC").await;
    stage.until_status(&order, ["PAID", "PAID"]).await;
    stage.desk.done("paymentRefund", "payment { id }", some(&payment, 1_000)).await;
    stage.until_status(&order, ["PAID", "PARTIALLY_REFUNDED"]).await;
    stage.desk.done("paymentRefund", "payment { id }", all(&payment)).await;
    stage.until_status(&order, ["REFUNDED", "REFUNDED"]).await;

    let mut refunds: Vec<_> = stripe
        .all(&stage.node, "refunds")
        .await
        .iter()
        .map(|refund| (refund["amount"].clone(), refund["metadata"]["request"].clone()))
        .collect();
    refunds.sort_by_key(|(_, request)| request.to_string());
    assert_eq!(refunds, [(json!(1_000), json!("1")), (json!(3_998), json!("2"))]);
    let seen = stage.see(&stage.desk, &order).await;
    assert_eq!(seen["payments"][0]["refunded"]["amount"], "4998");
}

#[tokio::test]
async fn an_authorised_payment_can_be_voided() {
    let Some((stage, stripe)) = stage().await else { return };
    let (order, payment) = stage.pay_by(GOOD, "MANUAL").await;
    stage.until_status(&order, ["PAID", "AUTHORIZED"]).await;
    let query = "query($id: ID!) { payment(id: $id) { clientSecret } }";
    let seen = stage.ada.ask(query, json!({"id": payment})).await;
    let intents = stripe.all(&stage.node, "payment_intents").await;
    assert_eq!(seen["payment"]["clientSecret"], intents[0]["client_secret"]);

    let voided = stage.desk.done("paymentVoid", "payment { id }", all(&payment)).await;
    assert_eq!(id(&voided["payment"]), payment);
    stage.until_payment_status(&payment, "CANCELLED").await;
    let intents = stripe.all(&stage.node, "payment_intents").await;
    assert_eq!(intents[0]["status"], "canceled");
    // No payment covers the order any more, so it is cancelled.
    stage.until_status(&order, ["CANCELLED", "NONE"]).await;
}

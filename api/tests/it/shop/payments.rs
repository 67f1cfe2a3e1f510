//! Methods of payment, and their failures.

use serde_json::{Value, json};

use super::stage::{Stage, id, refused, usd, with};
use crate::cluster::{Shop, key, until};

fn payment_input(order: &str, token: &str) -> Value {
    json!({"orderId": order, "token": token, "idempotencyKey": key()})
}

#[tokio::test]
async fn cash_on_delivery_confirms_at_once_and_is_collected_later() {
    let stage = Stage::with_mugs().await;
    let order = stage.order(&stage.ada, &[("MUG", 2)]).await;
    let cash = json!({"orderId": order, "method": "CASH_ON_DELIVERY", "idempotencyKey": key()});
    let started = stage.ada.done("paymentStart", "payment { id }", cash).await;
    stage.until_status(&order, ["PAID", "NONE"]).await;
    assert_eq!(stage.figures("MUG").await, [98, 0, 98]);

    for mutation in ["orderProcessingStart", "orderShip", "orderDeliver"] {
        stage.desk.done(mutation, "order { id }", json!({"orderId": order})).await;
    }
    stage.check_states(&order, ["DELIVERED", "NONE", "DELIVERED"]).await;
    let payment = id(&started["payment"]);
    let collected = json!({"paymentId": payment, "idempotencyKey": key()});
    stage.desk.done("paymentCapture", "payment { id }", collected).await;
    stage.until_status(&order, ["DELIVERED", "PAID"]).await;
    assert_eq!(stage.history("PAYMENT", &payment).await, ["payment.initiated", "payment.captured"]);
}

#[tokio::test]
async fn a_token_that_the_provider_does_not_know_is_declined() {
    let stage = Stage::with_mugs().await;
    let order = stage.order(&stage.ada, &[("MUG", 2)]).await;
    let payment = stage.pay(&stage.ada, &order, "AUTOMATIC", "tok_nobody_knows").await;
    until("the payment failed", async || {
        stage.payment_history(&payment).await == ["payment.initiated", "payment.failed"]
    })
    .await;
    stage.check_states(&order, ["PENDING", "NONE", "UNFULFILLED"]).await;
}

/// The provider executes a call and does not answer. While the outcome is unknown, no other payment
/// can start.
#[tokio::test]
async fn a_call_without_an_answer_is_repeated() {
    let stage = Stage::with_mugs().await;
    let order = stage.order(&stage.ada, &[("MUG", 2)]).await;
    let first = {
        let (ada, input) = (stage.ada.clone(), payment_input(&order, "tok_timeout"));
        tokio::spawn(async move { ada.done("paymentStart", "payment { id status }", input).await })
    };
    until("the first attempt has begun", async || {
        let seen = stage.see(&stage.ada, &order).await;
        !seen["payments"].as_array().unwrap().is_empty()
    })
    .await;
    let second = payment_input(&order, "tok_success");
    let payload = stage.ada.mutate("paymentStart", "payment { id }", second).await;
    refused(&payload, "PAYMENT_IN_PROGRESS", "input.orderId");

    let payment = id(&first.await.unwrap()["payment"]);
    stage.until_status(&order, ["PAID", "PAID"]).await;
    assert_eq!(
        stage.payment_history(&payment).await,
        [
            "payment.initiated",
            "payment.outcome_unknown",
            "payment.follow_up_scheduled",
            "payment.followed_up",
            "payment.authorized",
            "payment.capture_requested",
            "payment.captured"
        ]
    );
    assert_eq!(stage.figures("MUG").await, [98, 0, 98]);
}

#[tokio::test]
async fn a_payment_with_unknown_outcome_is_retried_after_a_restart() {
    let shop = Shop::new().await.variable("CARTULARY_PAYMENT_RETRY", "2s");
    let mut stage = Stage::of(shop).await;
    stage.sell("MUG", 2_499, 100).await;
    let order = stage.order(&stage.ada, &[("MUG", 2)]).await;
    let payment = stage.pay(&stage.ada, &order, "AUTOMATIC", "tok_timeout").await;
    until("the outcome is unknown", async || stage.payment(&payment).await["status"] == "UNKNOWN")
        .await;
    stage.restart().await;
    stage.until_status(&order, ["PAID", "PAID"]).await;
    let history = stage.payment_history(&payment).await;
    assert_eq!(history.iter().filter(|name| *name == "payment.captured").count(), 1);
    assert_eq!(stage.figures("MUG").await, [98, 0, 98]);
}

#[tokio::test]
async fn a_payment_that_requires_action_succeeds_after_the_action() {
    let stage = Stage::with_mugs().await;
    for method in ["CARD", "UPI", "NET_BANKING"] {
        let order = stage.order(&stage.ada, &[("MUG", 1)]).await;
        let input = with(
            payment_input(&order, "tok_requires_action"),
            json!({"method": method, "capture": "AUTOMATIC"}),
        );
        let selection = "payment { id method actionUrl }";
        let payment = stage.ada.done("paymentStart", selection, input).await["payment"].clone();
        assert_eq!(payment["method"], method);
        let url = payment["actionUrl"].as_str().unwrap_or_default();
        assert!(url.starts_with("https://"), "{payment}");
        stage.until_status(&order, ["PAID", "PAID"]).await;
        let history = stage.payment_history(&id(&payment)).await;
        assert_eq!(history[..2], ["payment.initiated", "payment.action_required"]);
    }
}

#[tokio::test]
async fn a_paid_order_is_not_paid_again() {
    let stage = Stage::with_mugs().await;
    let (order, _) = stage.paid("AUTOMATIC", ["PAID", "PAID"]).await;
    let again = payment_input(&order, "tok_success");
    let payload = stage.ada.mutate("paymentStart", "payment { id }", again).await;
    refused(&payload, "ORDER_NOT_PENDING", "input.orderId");
}

#[tokio::test]
async fn amounts_are_captured_and_refunded_in_parts_and_never_in_excess() {
    let stage = Stage::with_mugs().await;
    let (order, payment) = stage.paid("MANUAL", ["PAID", "AUTHORIZED"]).await;
    let some = |cents| json!({"paymentId": payment, "idempotencyKey": key(), "amount": usd(cents)});
    let all = || json!({"paymentId": payment, "idempotencyKey": key()});
    let steps = [
        ("paymentCapture", some(1_000), ["PAID", "PARTIALLY_PAID"]),
        ("paymentCapture", some(3_998), ["PAID", "PAID"]),
        ("paymentRefund", some(1), ["PAID", "PARTIALLY_REFUNDED"]),
        ("paymentRefund", all(), ["REFUNDED", "REFUNDED"]),
    ];
    let refusals = [
        ("paymentCapture", 4_999, "AMOUNT_EXCEEDS_AUTHORIZED", "input.amount"),
        ("paymentCapture", 3_999, "AMOUNT_EXCEEDS_AUTHORIZED", "input.amount"),
        ("paymentCapture", 1, "PAYMENT_NOT_CAPTURABLE", "input.paymentId"),
        ("paymentRefund", 4_998, "AMOUNT_EXCEEDS_CAPTURED", "input.amount"),
    ];
    for ((mutation, input, states), (wrong, cents, code, path)) in steps.into_iter().zip(refusals) {
        let head = stage.head().await;
        let payload = stage.desk.mutate(wrong, "payment { id }", some(cents)).await;
        refused(&payload, code, path);
        assert_eq!(stage.head().await, head);
        stage.desk.done(mutation, "payment { id }", input).await;
        stage.until_status(&order, states).await;
    }
    let payload = stage.desk.mutate("paymentRefund", "payment { id }", all()).await;
    refused(&payload, "PAYMENT_NOT_REFUNDABLE", "input.paymentId");
    let seen = stage.see(&stage.desk, &order).await;
    let amounts = with(seen["payments"][0].clone(), json!({"id": null}));
    let expected = json!({"id": null, "status": "REFUNDED", "amount": {"amount": "4998"},
        "captured": {"amount": "4998"}, "voided": {"amount": "0"}, "refunded": {"amount": "4998"}});
    assert_eq!(amounts, expected);
}

#[tokio::test]
async fn an_authorised_payment_can_be_voided() {
    let stage = Stage::with_mugs().await;
    let (order, payment) = stage.paid("MANUAL", ["PAID", "AUTHORIZED"]).await;
    let void = || json!({"paymentId": payment, "idempotencyKey": key()});
    stage.desk.done("paymentVoid", "payment { id }", void()).await;
    until("the payment is voided", async || {
        let seen = stage.see(&stage.desk, &order).await;
        seen["payments"][0]["status"] == "CANCELLED"
    })
    .await;
    let seen = stage.see(&stage.desk, &order).await;
    assert_eq!(seen["payments"][0]["voided"]["amount"], "4998");
    let payload = stage.desk.mutate("paymentCapture", "payment { id }", void()).await;
    refused(&payload, "PAYMENT_NOT_CAPTURABLE", "input.paymentId");
    // No payment covers the order any more, so it is cancelled.
    stage.until_status(&order, ["CANCELLED", "NONE"]).await;
}

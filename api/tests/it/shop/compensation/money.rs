//! Refunds, voids and disputes, and those that fail.

use serde_json::json;

use super::{amounts, count};
use crate::cluster::{Shop, key, until};
use crate::shop::cancelling::{cancel, check_refunded_and_returned};
use crate::shop::stage::{Stage, refused, usd};

/// A shop that retries calls to the provider almost at once.
async fn stage_with_fast_retries() -> Stage {
    let shop = Shop::new().await.variable("CARTULARY_PAYMENT_RETRY", "5ms");
    let stage = Stage::of(shop).await;
    stage.sell("MUG", 2_499, 100).await;
    stage
}

#[tokio::test]
async fn payments_of_a_cancelled_order_are_voided_or_refunded() {
    let stage = Stage::with_mugs().await;
    let (order, payment) = stage.paid("MANUAL", ["PAID", "AUTHORIZED"]).await;
    stage.ada.done("orderCancel", "order { status }", cancel(&order)).await;
    until("the money is voided", async || {
        stage.payment_history(&payment).await.ends_with(&["payment.voided".to_owned()])
    })
    .await;
    let seen = stage.see(&stage.ada, &order).await;
    assert_eq!(seen["status"], "CANCELLED");
    assert_eq!(seen["payments"][0]["status"], "CANCELLED");
    assert_eq!(seen["payments"][0]["voided"]["amount"], "4998");
    assert_eq!(stage.figures("MUG").await, [100, 0, 100]);

    let stage = Stage::with_mugs().await;
    let (order, payment) = stage.paid("AUTOMATIC", ["PAID", "PAID"]).await;
    stage.ada.done("orderCancel", "order { status }", cancel(&order)).await;
    check_refunded_and_returned(&stage, &order, &payment).await;
    assert_eq!(
        stage.history("ORDER", &order).await[5..],
        ["order.cancelled", "order.refund_recorded"]
    );
}

#[tokio::test]
async fn a_partly_captured_payment_is_released_and_refunded() {
    let stage = Stage::with_mugs().await;
    let (order, payment) = stage.paid("MANUAL", ["PAID", "AUTHORIZED"]).await;
    let part = json!({"paymentId": payment, "amount": usd(1_000), "idempotencyKey": key()});
    stage.desk.done("paymentCapture", "payment { id }", part).await;
    stage.until_status(&order, ["PAID", "PARTIALLY_PAID"]).await;

    stage.ada.done("orderCancel", "order { status }", cancel(&order)).await;
    stage.until_status(&order, ["CANCELLED", "REFUNDED"]).await;
    until("the other part is released", async || {
        let seen = stage.payment(&payment).await;
        amounts(&seen, ["captured", "voided", "refunded"]) == [1_000, 3_998, 1_000]
    })
    .await;
    assert_eq!(stage.payment(&payment).await["status"], "REFUNDED");
    assert_eq!(stage.figures("MUG").await, [100, 0, 100]);
}

#[tokio::test]
async fn a_refund_that_fails_is_retried_and_then_needs_attention() {
    let stage = stage_with_fast_retries().await;
    let order = stage.order(&stage.ada, &[("MUG", 2)]).await;
    let payment = stage.pay(&stage.ada, &order, "AUTOMATIC", "tok_refund_fails").await;
    stage.until_status(&order, ["PAID", "PAID"]).await;
    let refund = json!({"paymentId": payment, "idempotencyKey": key()});
    stage.desk.done("paymentRefund", "payment { id }", refund).await;

    let reason = "the money cannot be refunded: refund_declined";
    assert_eq!(stage.until_attention_is_needed(&payment).await, reason);
    let history = stage.history("PAYMENT", &payment).await;
    assert_eq!(count(&history, "payment.refund_requested"), 5, "{history:?}");
    assert_eq!(count(&history, "payment.refund_failed"), 5, "{history:?}");
    let seen = stage.payment(&payment).await;
    assert_eq!(amounts(&seen, ["captured", "refunded", "refundPending"]), [4_998, 0, 0]);
    stage.check_states(&order, ["PAID", "PAID", "UNFULFILLED"]).await;
    let orders = stage.history("ORDER", &order).await;
    assert_eq!(count(&orders, "order.refund_recorded"), 0, "it never showed refunded");
}

#[tokio::test]
async fn a_capture_that_fails_is_retried_and_then_needs_attention() {
    let stage = stage_with_fast_retries().await;
    let order = stage.order(&stage.ada, &[("MUG", 2)]).await;
    let payment = stage.pay(&stage.ada, &order, "AUTOMATIC", "tok_capture_fails").await;
    let reason = "the money cannot be captured: capture_declined";
    assert_eq!(stage.until_attention_is_needed(&payment).await, reason);
    let history = stage.history("PAYMENT", &payment).await;
    assert_eq!(count(&history, "payment.capture_requested"), 5, "{history:?}");
    stage.check_states(&order, ["PAID", "AUTHORIZED", "UNFULFILLED"]).await;

    // An amount that was never captured can still be voided.
    stage.ada.done("orderCancel", "order { status }", cancel(&order)).await;
    stage.until_payment_status(&payment, "CANCELLED").await;
    stage.until_status(&order, ["CANCELLED", "NONE"]).await;
    assert_eq!(stage.figures("MUG").await, [100, 0, 100]);
}

#[tokio::test]
async fn a_dispute_after_a_refund_is_recorded_too() {
    let stage = Stage::with_mugs().await;
    let order = stage.order(&stage.ada, &[("MUG", 2)]).await;
    let payment = stage.pay(&stage.ada, &order, "AUTOMATIC", "tok_dispute").await;
    stage.until_status(&order, ["PAID", "PAID"]).await;
    let part = json!({"paymentId": payment, "amount": usd(1_000), "idempotencyKey": key()});
    stage.desk.done("paymentRefund", "payment { id }", part).await;

    stage.until_status(&order, ["PAID", "DISPUTED"]).await;
    until("the dispute is lost", async || {
        let seen = stage.payment(&payment).await;
        amounts(&seen, ["refunded", "disputed", "chargedBack"]) == [1_000, 4_998, 4_998]
    })
    .await;
    let reason = "it is disputed, and money was refunded as well";
    assert_eq!(stage.until_attention_is_needed(&payment).await, reason);
    let history = stage.history("PAYMENT", &payment).await;
    for event in ["payment.refunded", "payment.dispute_opened", "payment.dispute_lost"] {
        assert_eq!(count(&history, event), 1, "{history:?}");
    }
    // The bank has taken the amount back, so nothing is left to refund.
    let more = json!({"paymentId": payment, "idempotencyKey": key()});
    let payload = stage.desk.mutate("paymentRefund", "payment { id }", more).await;
    refused(&payload, "PAYMENT_NOT_REFUNDABLE", "input.paymentId");
}

#[tokio::test]
async fn the_money_of_a_second_payment_is_refunded() {
    let stage = Stage::with_mugs().await;
    let order = stage.order(&stage.ada, &[("MUG", 2)]).await;
    let first = stage.pay(&stage.ada, &order, "AUTOMATIC", "tok_declined_then_approved").await;
    stage.until_payment_status(&first, "FAILED").await;
    let second = stage.pay(&stage.ada, &order, "AUTOMATIC", "tok_success").await;
    stage.until_status(&order, ["PAID", "PAID"]).await;

    stage.until_payment_status(&first, "REFUNDED").await;
    let (first, second) = (stage.payment(&first).await, stage.payment(&second).await);
    assert_eq!(amounts(&first, ["captured", "refunded"]), [4_998, 4_998]);
    assert_eq!(amounts(&second, ["captured", "refunded"]), [4_998, 0]);
    stage.until_status(&order, ["PAID", "PAID"]).await;
    assert_eq!(stage.figures("MUG").await, [98, 0, 98]);
}

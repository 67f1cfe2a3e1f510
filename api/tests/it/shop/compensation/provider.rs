//! The provider declines, does not answer, or reports another amount than requested.

use serde_json::json;

use super::count;
use crate::cluster::{Shop, until};
use crate::shop::stage::Stage;

#[tokio::test]
async fn after_a_declined_payment_another_can_be_started() {
    let stage = Stage::with_mugs().await;
    let order = stage.order(&stage.ada, &[("MUG", 2)]).await;
    let declined = stage.pay(&stage.ada, &order, "AUTOMATIC", "tok_declined").await;
    let payment = "query($id: ID!) { payment(id: $id) { status failure } }";
    until("the payment is declined", async || {
        let seen = stage.ada.ask(payment, json!({"id": declined})).await;
        seen["payment"] == json!({"status": "FAILED", "failure": "card_declined"})
    })
    .await;
    until("the order shows it", async || {
        stage.history("ORDER", &order).await.ends_with(&["order.payment_recorded".to_owned()])
    })
    .await;
    stage.check_states(&order, ["PENDING", "NONE", "UNFULFILLED"]).await;
    assert_eq!(stage.figures("MUG").await, [98, 2, 100]);
    assert_eq!(stage.payment_history(&declined).await, ["payment.initiated", "payment.failed"]);

    stage.pay(&stage.ada, &order, "AUTOMATIC", "tok_success").await;
    stage.until_status(&order, ["PAID", "PAID"]).await;
    let seen = stage.see(&stage.ada, &order).await;
    assert_eq!(seen["payments"][0]["status"], "FAILED");
    assert_eq!(seen["payments"][1]["status"], "CAPTURED");
    assert_eq!(stage.figures("MUG").await, [98, 0, 98]);
}

#[tokio::test]
async fn a_payment_with_unknown_outcome_is_retried_and_keeps_the_stock_up_to_the_limit() {
    let shop = Shop::new()
        .await
        .variable("CARTULARY_RESERVATION", "2s")
        .variable("CARTULARY_RESERVATION_CAP", "9s")
        .variable("CARTULARY_PAYMENT_RETRY", "200ms");
    let stage = Stage::of(shop).await;
    stage.sell("MUG", 2_499, 100).await;
    let order = stage.order(&stage.ada, &[("MUG", 2)]).await;
    // The outcome stays unknown for longer than the stock would otherwise be reserved.
    let payment = stage.pay(&stage.ada, &order, "AUTOMATIC", "tok_silent").await;
    assert_eq!(stage.payment(&payment).await["status"], "UNKNOWN");
    stage.check_states(&order, ["PENDING", "NONE", "UNFULFILLED"]).await;
    assert_eq!(stage.figures("MUG").await, [98, 2, 100]);

    stage.until_status(&order, ["EXPIRED", "NONE"]).await;
    let reason = "the order ended while the outcome of its payment is unknown";
    assert_eq!(stage.until_attention_is_needed(&payment).await, reason);
    assert_eq!(stage.figures("MUG").await, [100, 0, 100]);
    assert_eq!(
        stage.history("ORDER", &order).await,
        ["order.placed", "order.payment_started", "order.reservation_extended", "order.expired"]
    );
    let history = stage.history("PAYMENT", &payment).await;
    assert!(count(&history, "payment.followed_up") >= 3, "{history:?}");
}

#[tokio::test]
async fn a_wrong_amount_does_not_pay_the_order_and_needs_attention() {
    let stage = Stage::with_mugs().await;
    let order = stage.order(&stage.ada, &[("MUG", 2)]).await;
    let payment = stage.pay(&stage.ada, &order, "AUTOMATIC", "tok_wrong_amount").await;
    let reason = "49.97 USD was authorised, but the order is for 49.98 USD";
    assert_eq!(stage.until_attention_is_needed(&payment).await, reason);
    stage.check_states(&order, ["PENDING", "NONE", "UNFULFILLED"]).await;
    let queue = "{ payments(filter: {needsAttention: true}) { nodes { id } } }";
    let mine = stage.ada.ask(queue, json!({})).await;
    assert_eq!(mine["payments"]["nodes"], json!([]), "the queue is for staff");

    let looked = json!({"paymentId": payment});
    let selection = "payment { needsAttention }";
    let resolved = stage.desk.done("paymentAttentionResolve", selection, looked).await;
    assert_eq!(resolved["payment"], json!({"needsAttention": null}));
    until("the queue is empty", async || {
        stage.desk.ask(queue, json!({})).await["payments"]["nodes"] == json!([])
    })
    .await;
}

//! Cancelling an order, and what happens to its stock and its payments.

use serde_json::{Value, json};

use super::stage::{Stage, refused};
use crate::cluster::key;

pub(super) fn cancel(order: &str) -> Value {
    json!({"orderId": order, "reason": "Changed my mind", "idempotencyKey": key()})
}

#[tokio::test]
async fn before_payment_the_stock_is_released() {
    let stage = Stage::with_mugs().await;
    let order = stage.order(&stage.ada, &[("MUG", 2)]).await;
    assert_eq!(stage.figures("MUG").await, [98, 2, 100]);
    stage.ada.done("orderCancel", "order { status }", cancel(&order)).await;
    stage.check_states(&order, ["CANCELLED", "NONE", "UNFULFILLED"]).await;
    assert_eq!(stage.see(&stage.ada, &order).await["cancelReason"], "Changed my mind");
    assert_eq!(stage.figures("MUG").await, [100, 0, 100]);
    assert_eq!(stage.ledger("MUG").await, [("PURCHASE".to_owned(), 100, 100)]);
    let stock = stage.history("INVENTORY", &stage.stock_id("MUG").await).await;
    assert_eq!(stock.last().unwrap(), "inventory.released");

    let pay = json!({"orderId": order, "token": "tok_success", "idempotencyKey": key()});
    let payload = stage.ada.mutate("paymentStart", "payment { id }", pay).await;
    refused(&payload, "ORDER_NOT_PENDING", "input.orderId");
}

/// Waits until the payment is refunded, and checks that the stock has a ledger line for the return.
pub(super) async fn check_refunded_and_returned(stage: &Stage, order: &str, payment: &str) {
    stage.until_status(order, ["CANCELLED", "REFUNDED"]).await;
    let seen = stage.see(&stage.ada, order).await;
    assert_eq!(seen["payments"][0]["status"], "REFUNDED");
    assert_eq!(seen["payments"][0]["refunded"]["amount"], "4998");
    assert_eq!(
        stage.payment_history(payment).await[3..],
        ["payment.captured", "payment.refund_requested", "payment.refunded"]
    );
    assert_eq!(stage.figures("MUG").await, [100, 0, 100]);
    let lines = [("PURCHASE", 100, 100), ("SALE", -2, 98), ("RETURN", 2, 100)];
    assert_eq!(stage.ledger("MUG").await, lines.map(|(kind, n, sum)| (kind.to_owned(), n, sum)));
}

#[tokio::test]
async fn during_processing_only_staff_can_cancel() {
    let stage = Stage::with_mugs().await;
    let (order, payment) = stage.paid("AUTOMATIC", ["PAID", "PAID"]).await;
    stage.desk.done("orderProcessingStart", "order { id }", json!({"orderId": order})).await;
    let head = stage.head().await;
    let payload = stage.ada.mutate("orderCancel", "order { id }", cancel(&order)).await;
    refused(&payload, "ORDER_NOT_PROCESSING", "input.orderId");
    assert_eq!(stage.head().await, head);
    stage.desk.done("orderCancel", "order { status }", cancel(&order)).await;
    check_refunded_and_returned(&stage, &order, &payment).await;
}

#[tokio::test]
async fn after_shipping_no_caller_can_cancel() {
    let stage = Stage::with_mugs().await;
    let order = stage.shipped().await;
    let head = stage.head().await;
    for who in [&stage.ada, &stage.desk, &stage.admin] {
        let payload = who.mutate("orderCancel", "order { id }", cancel(&order)).await;
        refused(&payload, "ORDER_ALREADY_SHIPPED", "input.orderId");
    }
    assert_eq!(stage.head().await, head);
}

#[tokio::test]
async fn cancelling_twice_changes_nothing() {
    let stage = Stage::with_mugs().await;
    let order = stage.order(&stage.ada, &[("MUG", 2)]).await;
    stage.ada.done("orderCancel", "order { status }", cancel(&order)).await;
    let head = stage.head().await;
    stage.ada.done("orderCancel", "order { status }", cancel(&order)).await;
    assert_eq!(stage.head().await, head);
}

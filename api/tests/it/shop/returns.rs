//! Returned goods.

use serde_json::{Value, json};

use super::stage::{Stage, refused, with};
use crate::cluster::key;

const RETURNS: &str = "order { fulfilmentState lines { sku returnRequested returned } }";

async fn delivered(stage: &Stage) -> String {
    let order = stage.shipped().await;
    stage.desk.done("orderDeliver", "order { id }", json!({"orderId": order})).await;
    order
}

fn mugs(order: &str, quantity: i64) -> Value {
    json!({"orderId": order, "lines": [{"sku": "MUG", "quantity": quantity}]})
}

fn accepting(order: &str, restocking: &str) -> Value {
    json!({"orderId": order, "restocking": restocking, "idempotencyKey": key()})
}

#[tokio::test]
async fn a_requested_return_that_staff_accept_adds_units_to_the_stock() {
    let stage = Stage::with_mugs().await;
    let order = delivered(&stage).await;
    assert_eq!(stage.figures("MUG").await, [98, 0, 98]);
    let asked = stage.ada.done("orderReturnRequest", RETURNS, mugs(&order, 1)).await;
    let line = |requested, returned| json!([{"sku": "MUG", "returnRequested": requested, "returned": returned}]);
    assert_eq!(asked["order"]["lines"], line(1, 0));
    let accepted =
        stage.desk.done("orderReturnAccept", RETURNS, accepting(&order, "RESTOCKED")).await;
    assert_eq!(accepted["order"]["lines"], line(0, 1));
    assert_eq!(accepted["order"]["fulfilmentState"], "PARTIALLY_RETURNED");
    assert_eq!(stage.figures("MUG").await, [99, 0, 99]);
    assert_eq!(stage.ledger("MUG").await.last().unwrap(), &("RETURN".to_owned(), 1, 99));
    assert!(
        stage
            .history("ORDER", &order)
            .await
            .ends_with(&["order.return_requested".to_owned(), "order.returned".to_owned(),])
    );
}

#[tokio::test]
async fn damaged_goods_are_written_off_in_the_ledger() {
    let stage = Stage::with_mugs().await;
    let order = delivered(&stage).await;
    let input = with(accepting(&order, "WRITTEN_OFF"), mugs(&order, 2));
    let accepted = stage.desk.done("orderReturnAccept", RETURNS, input).await;
    assert_eq!(accepted["order"]["fulfilmentState"], "RETURNED");
    assert_eq!(stage.figures("MUG").await, [98, 0, 98]);
    let ledger = stage.ledger("MUG").await;
    let last: Vec<_> = ledger.iter().rev().take(2).rev().cloned().collect();
    assert_eq!(last, [("RETURN".to_owned(), 2, 100), ("DAMAGE".to_owned(), -2, 98)]);
}

#[tokio::test]
async fn no_more_can_be_returned_than_was_delivered() {
    let stage = Stage::with_mugs().await;
    let order = stage.shipped().await;
    let nothing = stage.ada.mutate("orderReturnRequest", RETURNS, mugs(&order, 1)).await;
    refused(&nothing, "QUANTITY_EXCEEDS_DELIVERED", "input.lines.0.quantity");
    stage.desk.done("orderDeliver", "order { id }", json!({"orderId": order})).await;
    let too_many = stage.ada.mutate("orderReturnRequest", RETURNS, mugs(&order, 3)).await;
    refused(&too_many, "QUANTITY_EXCEEDS_DELIVERED", "input.lines.0.quantity");
    let unasked =
        stage.desk.mutate("orderReturnAccept", RETURNS, accepting(&order, "RESTOCKED")).await;
    refused(&unasked, "QUANTITY_EXCEEDS_DELIVERED", "input.orderId");
}

#[tokio::test]
async fn only_the_buyer_and_staff_can_request_a_return() {
    let stage = Stage::with_mugs().await;
    let order = delivered(&stage).await;
    let bob = stage.node.customer("bob");
    refused(
        &bob.mutate("orderReturnRequest", RETURNS, mugs(&order, 1)).await,
        "NOT_FOUND",
        "input.orderId",
    );
}

//! Reservations that nobody pays for in time.

use serde_json::json;

use super::stage::{Stage, refused};
use crate::cluster::{Shop, key};

#[tokio::test]
async fn an_order_that_nobody_pays_expires_and_its_stock_is_released() {
    let shop = Shop::new().await.variable("CARTULARY_RESERVATION", "500ms");
    let stage = Stage::of(shop).await;
    stage.sell("MUG", 2_499, 2).await;
    let order = stage.order(&stage.ada, &[("MUG", 2)]).await;
    stage.becomes(&order, ["EXPIRED", "NONE"]).await;
    assert_eq!(stage.figures("MUG").await, [2, 0, 2]);
    assert_eq!(stage.history("ORDER", &order).await, ["order.placed", "order.expired"]);
    let stock = stage.history("INVENTORY", &stage.stock_id("MUG").await).await;
    assert!(stock.contains(&"inventory.released".to_owned()), "{stock:?}");

    let pay = json!({"orderId": order, "token": "tok_success", "idempotencyKey": key()});
    let payload = stage.ada.mutate("paymentStart", "payment { id }", pay).await;
    refused(&payload, "ORDER_NOT_PENDING", "input.orderId");
    let cancel = json!({"orderId": order, "idempotencyKey": key()});
    let payload = stage.ada.mutate("orderCancel", "order { id }", cancel).await;
    refused(&payload, "ORDER_CLOSED", "input.orderId");

    // Somebody else can have it now.
    let bob = stage.node.customer("bob");
    stage.order(&bob, &[("MUG", 2)]).await;
}

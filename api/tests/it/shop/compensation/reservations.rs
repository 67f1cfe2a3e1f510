//! Reservations of stock and authorisations of money, which expire.

use serde_json::json;

use crate::cluster::{Shop, key, until};
use crate::shop::stage::{Stage, refused, text};

#[tokio::test]
async fn an_unpaid_order_expires_and_its_stock_is_released() {
    let shop = Shop::new().await.variable("CARTULARY_RESERVATION", "500ms");
    let stage = Stage::of(shop).await;
    stage.sell("MUG", 2_499, 2).await;
    let order = stage.order(&stage.ada, &[("MUG", 2)]).await;
    stage.until_status(&order, ["EXPIRED", "NONE"]).await;
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

    // Another customer can order it now.
    let bob = stage.node.customer("bob");
    stage.order(&bob, &[("MUG", 2)]).await;
}

#[tokio::test]
async fn a_late_payment_gets_its_stock_or_is_refunded() {
    let shop = Shop::new().await.variable("CARTULARY_RESERVATION", "2s");
    let stage = Stage::of(shop).await;
    stage.sell("MUG", 2_499, 2).await;
    stage.sell("CUP", 2_499, 2).await;
    let (ada, eve) = (&stage.ada, stage.node.customer("eve"));
    let mugs = stage.order(ada, &[("MUG", 2)]).await;
    stage.pay(ada, &mugs, "AUTOMATIC", "tok_late_success").await;
    let cups = stage.order(&eve, &[("CUP", 2)]).await;
    let late = stage.pay(&eve, &cups, "AUTOMATIC", "tok_late_success").await;
    stage.until_status(&cups, ["EXPIRED", "NONE"]).await;

    // The cups are sold to another customer by then, and the mugs are not.
    let bob = stage.node.customer("bob");
    let others = stage.order(&bob, &[("CUP", 2)]).await;
    stage.pay(&bob, &others, "AUTOMATIC", "tok_success").await;
    stage.until_status(&others, ["PAID", "PAID"]).await;

    stage.until_status(&mugs, ["PAID", "PAID"]).await;
    assert_eq!(stage.figures("MUG").await, [0, 0, 0]);
    stage.until_status(&cups, ["CANCELLED", "NONE"]).await;
    stage.until_payment_status(&late, "CANCELLED").await;
    let seen = stage.see(&stage.desk, &cups).await;
    assert_eq!(text(&seen["cancelReason"]), "the goods were gone when the money came");
    assert_eq!(seen["payments"][0]["voided"]["amount"], "4998");
    assert_eq!(stage.figures("CUP").await, [0, 0, 0]);
    for order in [&mugs, &cups] {
        assert!(stage.history("ORDER", order).await.contains(&"order.expired".to_owned()));
    }
}

#[tokio::test]
async fn an_expiring_authorisation_needs_attention_and_then_expires() {
    let shop = Shop::new().await.variable("CARTULARY_AUTHORIZATION", "6s");
    let stage = Stage::of(shop).await;
    stage.sell("MUG", 2_499, 100).await;
    let (order, payment) = stage.paid("MANUAL", ["PAID", "AUTHORIZED"]).await;
    assert!(!stage.payment(&payment).await["authorizationExpiresAt"].is_null());
    let reason = "its authorisation expires soon: capture or void it";
    assert_eq!(stage.until_attention_is_needed(&payment).await, reason);

    // Staff do not act, so the stock is released.
    stage.until_payment_status(&payment, "EXPIRED").await;
    stage.until_status(&order, ["CANCELLED", "NONE"]).await;
    assert_eq!(
        stage.see(&stage.ada, &order).await["cancelReason"],
        "the payment was voided, refunded or has expired"
    );
    assert_eq!(stage.figures("MUG").await, [100, 0, 100]);
    let input = json!({"paymentId": payment, "idempotencyKey": key()});
    let payload = stage.desk.mutate("paymentCapture", "payment { id }", input).await;
    refused(&payload, "PAYMENT_NOT_CAPTURABLE", "input.paymentId");
    until("the expiry is the last event", async || {
        let history = stage.payment_history(&payment).await;
        history.ends_with(&["payment.expired".to_owned()])
    })
    .await;
}

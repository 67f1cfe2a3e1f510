//! What is kept or held for a time only: stock, and money.

use serde_json::json;

use crate::cluster::{Shop, key, until};
use crate::shop::stage::{Stage, refused, text};

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

#[tokio::test]
async fn money_that_comes_late_finds_its_stock_or_goes_back() {
    let shop = Shop::new().await.variable("CARTULARY_RESERVATION", "2s");
    let stage = Stage::of(shop).await;
    stage.sell("MUG", 2_499, 2).await;
    stage.sell("CUP", 2_499, 2).await;
    let (ada, eve) = (&stage.ada, stage.node.customer("eve"));
    let mugs = stage.order(ada, &[("MUG", 2)]).await;
    stage.pay(ada, &mugs, "AUTOMATIC", "tok_late_success").await;
    let cups = stage.order(&eve, &[("CUP", 2)]).await;
    let late = stage.pay(&eve, &cups, "AUTOMATIC", "tok_late_success").await;
    stage.becomes(&cups, ["EXPIRED", "NONE"]).await;

    // Somebody else has the cups by then, and nobody the mugs.
    let bob = stage.node.customer("bob");
    let others = stage.order(&bob, &[("CUP", 2)]).await;
    stage.pay(&bob, &others, "AUTOMATIC", "tok_success").await;
    stage.becomes(&others, ["PAID", "PAID"]).await;

    stage.becomes(&mugs, ["PAID", "PAID"]).await;
    assert_eq!(stage.figures("MUG").await, [0, 0, 0]);
    stage.becomes(&cups, ["CANCELLED", "NONE"]).await;
    stage.payment_becomes(&late, "CANCELLED").await;
    let seen = stage.see(&stage.desk, &cups).await;
    assert_eq!(text(&seen["cancelReason"]), "the goods were gone when the money came");
    assert_eq!(seen["payments"][0]["voided"]["amount"], "4998");
    assert_eq!(stage.figures("CUP").await, [0, 0, 0]);
    for order in [&mugs, &cups] {
        assert!(stage.history("ORDER", order).await.contains(&"order.expired".to_owned()));
    }
}

#[tokio::test]
async fn an_authorisation_about_to_run_out_is_shown_to_a_person_and_then_has_expired() {
    let shop = Shop::new().await.variable("CARTULARY_AUTHORIZATION", "6s");
    let stage = Stage::of(shop).await;
    stage.sell("MUG", 2_499, 100).await;
    let (order, payment) = stage.paid("MANUAL", ["PAID", "AUTHORIZED"]).await;
    assert!(!stage.payment(&payment).await["authorizationExpiresAt"].is_null());
    let reason = "its authorisation expires soon: capture or void it";
    assert_eq!(stage.needs_a_person(&payment).await, reason);

    // Nobody does, so the goods go back on the shelf.
    stage.payment_becomes(&payment, "EXPIRED").await;
    stage.becomes(&order, ["CANCELLED", "NONE"]).await;
    assert_eq!(
        stage.see(&stage.ada, &order).await["cancelReason"],
        "the payment was voided, refunded or has expired"
    );
    assert_eq!(stage.figures("MUG").await, [100, 0, 100]);
    let input = json!({"paymentId": payment, "idempotencyKey": key()});
    let payload = stage.desk.mutate("paymentCapture", "payment { id }", input).await;
    refused(&payload, "PAYMENT_NOT_CAPTURABLE", "input.paymentId");
    until("the provider's silence is no surprise", async || {
        let history = stage.payment_history(&payment).await;
        history.ends_with(&["payment.expired".to_owned()])
    })
    .await;
}

//! Failures and concurrent clients, with real processes: acknowledged commands are kept, no unit is
//! sold twice, and the other nodes continue.

mod crowds;
mod freezes;
mod kills;
mod load;
mod outages;
mod stops;
mod truth;

use serde_json::{Value, json};

use crate::cluster::{Client, Node, Unanswered, key, until};

/// Creates a product at 9.99 USD and registers its stock.
async fn sell(node: &Node, sku: &str, on_hand: i64) {
    let price = json!({"amount": "999", "currency": "USD"});
    let product = json!({"sku": sku, "name": sku, "price": price});
    let stock = json!({"sku": sku, "onHand": on_hand, "reorderLevel": 0, "idempotencyKey": key()});
    node.admin().done("productCreate", "product { sku }", product).await;
    node.admin().done("inventoryRegister", "inventoryItem { sku }", stock).await;
}

/// Input that adds some units of a product to the caller's cart.
fn units(sku: &str, quantity: i64) -> Value {
    json!({"lines": [{"sku": sku, "quantity": quantity}], "idempotencyKey": key()})
}

/// Input that adds this many units to the stock.
fn delivery(sku: &str, units: i64) -> Value {
    json!({"sku": sku, "kind": "PURCHASE", "quantity": units, "reason": "delivery",
        "idempotencyKey": key()})
}

/// Input that orders the caller's cart.
fn order(key: &str) -> Value {
    json!({
        "contact": {"name": "Ada", "email": "ada@example.org"},
        "shippingAddress": {"street": "1 Main St", "city": "Boston", "country": "US"},
        "idempotencyKey": key,
    })
}

/// The units on hand and reserved, when the read model has reached this position.
async fn figures(client: &Client, sku: &str, position: i64) -> Result<(i64, i64), Unanswered> {
    let query = "query($sku: String!, $at: Position!) {
        inventoryItem(sku: $sku, minPosition: $at) { onHand reserved } }";
    let variables = json!({"sku": sku, "at": position.to_string()});
    let item = &client.try_data(query, variables).await?["inventoryItem"];
    Ok((item["onHand"].as_i64().unwrap(), item["reserved"].as_i64().unwrap()))
}

fn position(payload: &Value) -> i64 {
    payload["position"].as_str().expect("a position").parse().unwrap()
}

/// Takes an order from the cart to PAID, which needs the log, the projections, the reactions, the
/// provider and its webhooks.
async fn check_everything_works(node: &Node, sku: &str) {
    let buyer = node.customer("somebody new");
    buyer.insist("cartLinesAdd", "cart { id }", units(sku, 1)).await;
    let placed = buyer.insist("orderPlace", "order { id }", order(&key())).await;
    let id = &placed["order"]["id"];
    let pay = json!({"orderId": id, "token": "tok_success", "idempotencyKey": key()});
    buyer.insist("paymentStart", "payment { id }", pay).await;
    until("the order is paid", async || {
        let query = "query($id: ID!) { order(id: $id) { status } }";
        let seen = buyer.try_data(query, json!({"id": id})).await;
        seen.is_ok_and(|data| data["order"]["status"] == "PAID")
    })
    .await;
    assert!(!node.log().contains("panicked"), "{}", node.log());
}

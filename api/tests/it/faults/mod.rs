//! Faults and crowds, against real processes: what was acknowledged is there, nothing is sold twice,
//! and whoever still runs goes on.

mod crowds;
mod freezes;
mod kills;
mod load;
mod outages;
mod stops;
mod truth;

use serde_json::{Value, json};

use crate::cluster::{Client, Node, Unanswered, key, until};

/// Lists a product at 9.99 USD and puts so many on its shelf.
async fn sell(node: &Node, sku: &str, on_hand: i64) {
    let price = json!({"amount": "999", "currency": "USD"});
    let product = json!({"sku": sku, "name": sku, "price": price});
    let stock = json!({"sku": sku, "onHand": on_hand, "reorderLevel": 0, "idempotencyKey": key()});
    node.admin().done("productCreate", "product { sku }", product).await;
    node.admin().done("inventoryRegister", "inventoryItem { sku }", stock).await;
}

/// Some units of one product for the caller's cart.
fn units(sku: &str, quantity: i64) -> Value {
    json!({"lines": [{"sku": sku, "quantity": quantity}], "idempotencyKey": key()})
}

/// So many more on the shelf.
fn delivery(sku: &str, units: i64) -> Value {
    json!({"sku": sku, "kind": "PURCHASE", "quantity": units, "reason": "delivery",
        "idempotencyKey": key()})
}

/// An order for the caller's cart.
fn order(key: &str) -> Value {
    json!({
        "contact": {"name": "Ada", "email": "ada@example.org"},
        "shippingAddress": {"street": "1 Main St", "city": "Boston", "country": "US"},
        "idempotencyKey": key,
    })
}

/// On hand and reserved, once the read model shows this position.
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

/// An order goes from the cart to PAID: the log, the projections, the reactions, the provider and
/// its webhooks are all at work.
async fn everything_works(node: &Node, sku: &str) {
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

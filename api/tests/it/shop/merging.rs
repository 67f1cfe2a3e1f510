//! Merging a guest's cart on login.

use serde_json::{Value, json};

use super::stage::{Stage, refused, text};
use crate::cluster::Client;

const CART: &str = "cart { id itemCount lines { sku quantity } }";

/// A guest with a cart, and the cart's token.
async fn guest(stage: &Stage) -> (Client, String) {
    let made = stage.node.stranger().done("cartCreate", "cart { id } token", json!({})).await;
    let token = text(&made["token"]);
    (stage.node.guest(&token), token)
}

async fn merge(who: &Client, token: &str) -> Value {
    who.mutate("cartMerge", CART, json!({"cartToken": token})).await
}

#[tokio::test]
async fn a_guests_lines_are_merged_into_the_customers_cart_once() {
    let stage = Stage::with_mugs().await;
    stage.sell("INK", 899, 10).await;
    let (guest, token) = guest(&stage).await;
    stage.fill(&guest, &[("MUG", 2), ("INK", 1)]).await;
    let own = stage.fill(&stage.ada, &[("MUG", 1)]).await;
    let merged = merge(&stage.ada, &token).await;
    assert_eq!(merged["cart"]["id"], own["id"]);
    let lines = json!([{"sku": "MUG", "quantity": 3}, {"sku": "INK", "quantity": 1}]);
    assert_eq!(merged["cart"]["lines"], lines);
    let head = stage.head().await;
    assert_eq!(merge(&stage.ada, &token).await["cart"]["lines"], lines);
    assert_eq!(stage.head().await, head);
    // The guest's cart has ended.
    let more = json!({"lines": [{"sku": "MUG", "quantity": 1}]});
    refused(&guest.mutate("cartLinesAdd", CART, more).await, "CART_NOT_ACTIVE", "input.cartId");
}

#[tokio::test]
async fn a_merged_cart_cannot_be_merged_by_another_customer() {
    let stage = Stage::with_mugs().await;
    let (guest, token) = guest(&stage).await;
    stage.fill(&guest, &[("MUG", 2)]).await;
    assert_eq!(merge(&stage.ada, &token).await["cart"]["itemCount"], 2);
    let bob = stage.node.customer("bob");
    refused(&merge(&bob, &token).await, "CART_NOT_ACTIVE", "input.cartId");
}

#[tokio::test]
async fn an_invalid_cart_token_merges_nothing() {
    let stage = Stage::with_mugs().await;
    let (_, token) = guest(&stage).await;
    for token in ["", "x", &token[1..]] {
        refused(&merge(&stage.ada, token).await, "NOT_FOUND", "input.cartToken");
    }
}

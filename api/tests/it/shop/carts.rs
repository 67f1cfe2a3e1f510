//! Carts, and changes between the cart and the order.

use serde_json::{Value, json};

use super::stage::{Stage, id, money, order_input, refusal, refused, usd, with};
use crate::cluster::{Shop, key, until};

#[tokio::test]
async fn lines_are_added_changed_and_removed() {
    let stage = Stage::with_mugs().await;
    stage.sell("INK", 899, 10).await;
    let lines = |lines: Value| json!({"lines": lines});
    let steps = [
        ("cartLinesAdd", lines(json!([{"sku": "MUG", "quantity": 1}])), 1, Some("2499")),
        // The same SKU is one line, whether it was in the cart before or is given twice.
        (
            "cartLinesAdd",
            lines(json!([{"sku": "MUG", "quantity": 1}, {"sku": "INK", "quantity": 2},
                {"sku": "INK", "quantity": 1, "expectedUnitPrice": usd(899)}])),
            5,
            Some("7695"),
        ),
        ("cartLinesUpdate", lines(json!([{"sku": "INK", "quantity": 1}])), 3, Some("5897")),
        ("cartLinesUpdate", lines(json!([{"sku": "INK", "quantity": 0}])), 2, Some("4998")),
        ("cartLinesAdd", lines(json!([{"sku": "INK", "quantity": 1}])), 3, Some("5897")),
        ("cartLinesRemove", json!({"skus": ["MUG"]}), 1, Some("899")),
        ("cartClear", json!({}), 0, None),
    ];
    let selection = "cart { id itemCount total { amount } }";
    let mut carts = vec![];
    for (mutation, input, units, total) in steps {
        let payload = stage.ada.done(mutation, selection, input).await;
        let cart = &payload["cart"];
        assert_eq!(
            (cart["itemCount"].as_i64(), cart["total"]["amount"].as_str()),
            (Some(units), total)
        );
        carts.push(id(cart));
        let query =
            "query($at: Position) { cart(minPosition: $at) { id itemCount total { amount } } }";
        let read = stage.ada.ask(query, json!({"at": payload["position"]})).await;
        assert_eq!(read["cart"], *cart, "{mutation}");
    }
    carts.dedup();
    assert_eq!(carts.len(), 1);
    // No stock is reserved for a cart.
    assert_eq!(stage.figures("MUG").await, [100, 0, 100]);
}

#[tokio::test]
async fn after_a_checkout_the_customer_gets_a_new_cart() {
    let stage = Stage::with_mugs().await;
    let first = stage.fill(&stage.ada, &[("MUG", 1)]).await;
    stage.ada.done("orderPlace", "order { id }", order_input(&key())).await;
    let gone = json!({"cartId": first["id"], "lines": [{"sku": "MUG", "quantity": 1}]});
    let payload = stage.ada.mutate("cartLinesAdd", "cart { id }", gone).await;
    refused(&payload, "CART_NOT_ACTIVE", "input.cartId");
    let second = stage.fill(&stage.ada, &[("MUG", 1)]).await;
    assert_ne!(first["id"], second["id"]);
}

#[tokio::test]
async fn a_changed_price_is_charged_only_with_the_new_total() {
    let stage = Stage::with_mugs().await;
    let cart = stage.fill(&stage.ada, &[("MUG", 2)]).await;
    let new_price = json!({"sku": "MUG", "price": usd(2_599)});
    stage.admin.done("productReprice", "product { sku }", new_price).await;

    let query = "query($at: Position) { cart(minPosition: $at) {
        lines { unitPrice { amount } currentUnitPrice { amount } } } }";
    let at = stage.head().await;
    let products =
        "query($at: Position) { products(first: 0, minPosition: $at) { edges { cursor } } }";
    stage.ada.ask(products, json!({"at": at.to_string()})).await;
    let seen = stage.ada.ask(query, json!({"at": at.to_string()})).await;
    let line = json!({"unitPrice": {"amount": "2499"}, "currentUnitPrice": {"amount": "2599"}});
    assert_eq!(seen["cart"]["lines"], json!([line]));

    let expecting = |total: Value| with(order_input(&key()), json!({"expectedTotal": total}));
    for input in [order_input(&key()), expecting(usd(4_998)), expecting(money(5_198, "EUR"))] {
        let payload = stage.ada.mutate("orderPlace", "order { id }", input).await;
        refused(&payload, "PRICE_CHANGED", "input.expectedTotal");
        assert_eq!(payload["errors"][0]["__typename"], "PriceChangedError");
        assert_eq!(payload["errors"][0]["current"], usd(5_198));
        assert_eq!(stage.head().await, at);
    }
    let input = expecting(usd(5_198));
    let placed = stage.ada.done("orderPlace", "order { id total { amount } }", input).await;
    assert_eq!(placed["order"]["total"]["amount"], "5198");
    assert_eq!(
        stage.history("CART", &id(&cart)).await,
        ["cart.created", "cart.line_added", "cart.line_repriced", "cart.checked_out"]
    );
}

#[tokio::test]
async fn a_price_other_than_the_expected_one_is_refused() {
    let stage = Stage::with_mugs().await;
    let head = stage.head().await;
    for expected in [usd(2_400), money(2_499, "EUR")] {
        let line = json!({"sku": "MUG", "quantity": 1, "expectedUnitPrice": expected});
        let payload =
            stage.ada.mutate("cartLinesAdd", "cart { id }", json!({"lines": [line]})).await;
        refused(&payload, "PRICE_CHANGED", "input.lines.0.expectedUnitPrice");
        assert_eq!(payload["errors"][0]["current"], usd(2_499));
    }
    assert_eq!(stage.head().await, head);
}

#[tokio::test]
async fn a_discontinued_product_cannot_be_added_or_ordered() {
    let stage = Stage::with_mugs().await;
    stage.fill(&stage.ada, &[("MUG", 1)]).await;
    let mug = json!({"sku": "MUG"});
    stage.admin.done("productDiscontinue", "product { active }", mug.clone()).await;
    let head = stage.head().await;
    let one_more = json!({"lines": [{"sku": "MUG", "quantity": 1}]});
    let payload = stage.ada.mutate("cartLinesAdd", "cart { id }", one_more.clone()).await;
    refused(&payload, "PRODUCT_DISCONTINUED", "input.lines.0.sku");
    let payload = stage.ada.mutate("orderPlace", "order { id }", order_input(&key())).await;
    refused(&payload, "PRODUCT_DISCONTINUED", "input.cartId");
    assert_eq!(stage.head().await, head);

    stage.admin.done("productReinstate", "product { active }", mug).await;
    stage.ada.done("cartLinesAdd", "cart { id }", one_more).await;
    stage.ada.done("orderPlace", "order { id }", order_input(&key())).await;
}

#[tokio::test]
async fn all_shortages_are_reported_and_nothing_is_reserved() {
    let stage = Stage::with_mugs().await;
    stage.sell("INK", 899, 3).await;
    stage.sell("PEN", 6_900, 0).await;
    stage.fill(&stage.ada, &[("MUG", 5), ("INK", 4), ("PEN", 1)]).await;
    let head = stage.head().await;
    let payload = stage.ada.mutate("orderPlace", "order { id }", order_input(&key())).await;
    refused(&payload, "INSUFFICIENT_STOCK", "input.cartId");
    assert_eq!(payload["errors"][0]["__typename"], "InsufficientStockError");
    assert_eq!(
        payload["errors"][0]["shortages"],
        json!([
            {"sku": "INK", "wanted": 4, "available": 3},
            {"sku": "PEN", "wanted": 1, "available": 0},
        ])
    );
    assert_eq!(stage.head().await, head);
    assert_eq!(stage.figures("MUG").await, [100, 0, 100]);
}

#[tokio::test]
async fn currencies_are_not_mixed_in_a_cart() {
    let stage = Stage::with_mugs().await;
    let yen = json!({"sku": "FAN", "name": "A fan", "price": money(1_200, "JPY")});
    stage.admin.done("productCreate", "product { price { formatted } }", yen).await;
    stage.fill(&stage.ada, &[("MUG", 1)]).await;
    let fan = json!({"lines": [{"sku": "MUG", "quantity": 1}, {"sku": "FAN", "quantity": 1}]});
    let head = stage.head().await;
    let payload = stage.ada.mutate("cartLinesAdd", "cart { id }", fan).await;
    let (code, path) = refusal(&payload);
    assert!(code == "CURRENCY_MISMATCH" && path.starts_with("input.lines"), "{payload:#}");
    assert_eq!(stage.head().await, head);
}

#[tokio::test]
async fn an_idle_cart_expires_and_the_next_line_creates_it_again() {
    let shop = Shop::new().await.variable("CARTULARY_CART_IDLE", "2s");
    let stage = Stage::of(shop).await;
    stage.sell("MUG", 2_499, 10).await;
    stage.sell("INK", 899, 10).await;
    let cart = stage.fill(&stage.ada, &[("MUG", 2)]).await;
    let expired = ["cart.created", "cart.line_added", "cart.expired"];
    let id = cart["id"].as_str().unwrap();
    until("the cart expires", async || stage.history("CART", id).await == expired).await;

    let update = json!({"cartId": cart["id"], "lines": [{"sku": "MUG", "quantity": 1}]});
    let payload = stage.ada.mutate("cartLinesUpdate", "cart { id }", update).await;
    refused(&payload, "CART_NOT_ACTIVE", "input.cartId");

    let add = json!({"lines": [{"sku": "INK", "quantity": 1}]});
    let payload = stage.ada.done("cartLinesAdd", "cart { id status itemCount }", add).await;
    assert_eq!(payload["cart"], json!({"id": cart["id"], "status": "ACTIVE", "itemCount": 1}));
}

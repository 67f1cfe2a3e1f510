//! A guest uses the demo shop.

use fantoccini::Locator;
use serde_json::json;

use super::browser::Browser;
use crate::cluster::key;
use crate::shop::stage::{Stage, text, usd};

/// Opens the demo shop as a guest. None if there is no browser.
async fn at_the_shop(stage: &Stage) -> Option<Browser> {
    let browser = Browser::start().await?;
    browser.open(&stage.node, "/shop").await;
    Some(browser)
}

/// Adds a mug to the cart and fills in contact and address.
async fn check_out(browser: &Browser) {
    browser.press("Add A MUG to the cart").await;
    browser.press("To checkout").await;
    for (label, text) in [
        ("Name", "Ada"),
        ("E-mail", "ada@example.org"),
        ("Street and house", "123 Main St"),
        ("Town", "Boston"),
    ] {
        browser.fill(label, text).await;
    }
}

/// The number of orders.
async fn orders(stage: &Stage) -> i64 {
    let query = "{ orderStats { overall { orders } } }";
    let seen = stage.desk.ask(query, json!({})).await;
    seen["orderStats"]["overall"]["orders"].as_i64().unwrap()
}

#[tokio::test]
async fn a_guest_fills_a_cart_corrects_a_field_orders_and_pays() {
    let stage = Stage::with_mugs().await;
    stage.sell("INK", 899, 10).await;
    let coupon = json!({"code": "TENTH", "discount": {"percentage": "10"}});
    stage.admin.done("couponCreate", "coupon { code }", coupon).await;
    let Some(browser) = at_the_shop(&stage).await else { return };
    browser.press("Add A INK to the cart").await;
    browser.until_shown("#cart-count", "1").await;
    browser.press("One more of A INK").await;
    browser.press("Add A MUG to the cart").await;
    browser.until_shown("#total", "$42.97").await;
    browser.press("Remove A INK").await;
    browser.until_shown("#total", "$24.99").await;
    browser.fill("Coupon", "tenth").await;
    browser.press("Apply").await;
    browser.until_shown("#total", "$22.49").await;

    check_out(&browser).await;
    browser.press("One less of A MUG").await;
    browser.until_shown("#total", "$22.49").await;
    browser.fill("E-mail", "nobody").await;
    browser.press("Place the order").await;
    assert!(browser.error_at("E-mail").await.contains("e-mail"));
    assert_eq!(orders(&stage).await, 0);
    browser.fill("E-mail", "ada@example.org").await;
    browser.press("Place the order").await;
    browser.press("Pay $22.49").await;
    browser.until_shown("#order-content [role=status]", "Paid").await;
    assert_eq!(stage.figures("MUG").await, [99, 0, 99]);
}

#[tokio::test]
async fn a_guest_whose_card_is_declined_uses_another_and_cancels_at_the_end() {
    let stage = Stage::with_mugs().await;
    let Some(browser) = at_the_shop(&stage).await else { return };
    check_out(&browser).await;
    browser.press("Place the order").await;
    browser.choose("Pay with (simulated)", "A card that is declined").await;
    browser.press("Pay $24.99").await;
    browser.until_shown(".badge", "Failed").await;
    browser.press("Pay $24.99").await;
    browser.until_shown("#order-content [role=status]", "Paid").await;
    browser.press("Cancel the order").await;
    browser.fill("Why? (optional)", "I have one").await;
    browser.press("Cancel the order").await;
    browser.until_shown("#order-content [role=status]", "Cancelled").await;
    assert_eq!(stage.figures("MUG").await, [100, 0, 100]);
}

#[tokio::test]
async fn an_order_whose_answer_was_lost_is_placed_once() {
    let stage = Stage::with_mugs().await;
    let Some(browser) = at_the_shop(&stage).await else { return };
    check_out(&browser).await;
    browser.until_shown("#total", "$24.99").await;
    let lose_an_answer = "const ask = window.fetch;
        window.fetch = (...request) => {
            window.fetch = ask;
            return ask(...request).then(() => Promise.reject(new TypeError('lost')));
        };";
    browser.evaluate(lose_an_answer).await;
    browser.press("Place the order").await;
    browser.until_shown("#order-title", "Order C-").await;
    assert_eq!(orders(&stage).await, 1);
    assert_eq!(stage.figures("MUG").await, [99, 1, 100]);
}

#[tokio::test]
async fn a_product_name_with_markup_is_shown_as_text() {
    let stage = Stage::new().await;
    let name = "<img src=x onerror=\"document.title='taken'\">";
    let product = json!({"sku": "EVIL", "name": name, "price": usd(100), "description": name});
    stage.admin.done("productCreate", "product { sku }", product).await;
    let stock = json!({"sku": "EVIL", "onHand": 1, "idempotencyKey": key()});
    stage.admin.done("inventoryRegister", "inventoryItem { sku }", stock).await;
    let Some(browser) = at_the_shop(&stage).await else { return };
    assert_eq!(browser.text(Locator::Css(".product h2")).await, name);
    browser.press("Add").await;
    browser.until_shown(".lines", name).await;
    let seen = "return `${document.images.length} ${document.title}`";
    assert_eq!(text(&browser.evaluate(seen).await), "0 Cartulary – demo shop");
}

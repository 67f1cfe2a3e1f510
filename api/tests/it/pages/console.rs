//! Staff use the console.

use fantoccini::Locator;
use serde_json::{Value, json};

use super::browser::Browser;
use crate::cluster::Client;
use crate::shop::stage::Stage;

/// Opens the console and signs in. None if there is no browser.
async fn at_the_console(stage: &Stage, who: &Client) -> Option<Browser> {
    let browser = Browser::start().await?;
    browser.open(&stage.node, "/console").await;
    let (_, authorization) = &who.headers[0];
    let token = authorization.strip_prefix("Bearer ").unwrap();
    browser.fill("Token of support or admin", token).await;
    browser.press("Sign in").await;
    Some(browser)
}

async fn number(stage: &Stage, order: &str) -> String {
    let query = "query($id: ID!) { order(id: $id) { number } }";
    let seen = stage.desk.ask(query, json!({"id": order})).await;
    seen["order"]["number"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn staff_ship_an_order_and_see_who_did_what_and_why() {
    let stage = Stage::with_mugs().await;
    let (order, _) = stage.paid("AUTOMATIC", ["PAID", "PAID"]).await;
    let Some(browser) = at_the_console(&stage, &stage.desk).await else { return };
    browser.press(&number(&stage, &order).await).await;
    browser.until_shown("#states", "Paid").await;
    browser.press("Start processing").await;
    browser.press("Ship…").await;
    browser.fill("Carrier", "Post").await;
    browser.fill("Tracking number", "PP-0042").await;
    browser.fill("Units of A MUG", "1").await;
    browser.press("Ship").await;
    browser.until_shown("#states", "Partially shipped").await;
    browser.press("Ship…").await;
    browser.press("Ship").await;
    browser.until_shown("#states", "Shipped").await;
    browser.press("Mark as delivered").await;
    browser.until_shown("#states", "Delivered").await;

    browser.until_shown("#history", "order.processing_started").await;
    let history = browser.text(Locator::Id("history")).await;
    let of = |name: &str| history.find(name).unwrap_or_else(|| panic!("no {name} in {history}"));
    assert!(of("payment.initiated") < of("order.confirmed"), "{history}");
    assert!(history[of("order.processing_started")..].contains("by staff"), "{history}");
    browser.press_at("//li[contains(., 'order.confirmed')]//button").await;
    browser.until_shown("dialog", "payment.authorized").await;
    stage.check_states(&order, ["DELIVERED", "PAID", "DELIVERED"]).await;
}

#[tokio::test]
async fn staff_capture_a_part_and_refund_some_of_it() {
    let stage = Stage::with_mugs().await;
    let (order, payment) = stage.paid("MANUAL", ["PAID", "AUTHORIZED"]).await;
    let Some(browser) = at_the_console(&stage, &stage.desk).await else { return };
    browser.press(&number(&stage, &order).await).await;
    browser.press("Capture…").await;
    browser.fill("Amount in USD", "60").await;
    browser.press("Capture").await;
    browser.until_shown("dialog .error", "can be captured").await;
    browser.fill("Amount in USD", "49.98").await;
    browser.press("Capture").await;
    browser.until_shown("#states", "Paid").await;
    browser.press("Refund…").await;
    browser.fill("Amount in USD", "9.5").await;
    browser.press("Refund").await;
    browser.until_shown("#states", "Partially refunded").await;
    let query = "query($id: ID!) { payment(id: $id) { captured { amount } refunded { amount } } }";
    let seen = stage.desk.ask(query, json!({"id": payment})).await["payment"].clone();
    assert_eq!(seen, json!({"captured": {"amount": "4998"}, "refunded": {"amount": "950"}}));
}

#[tokio::test]
async fn an_admin_corrects_stock_and_support_only_sees_it() {
    let stage = Stage::with_mugs().await;
    let Some(browser) = at_the_console(&stage, &stage.admin).await else { return };
    browser.press("Inventory").await;
    browser.press("MUG").await;
    browser.press("Adjust…").await;
    browser.choose("What happened", "Goods were broken or lost").await;
    browser.fill("Units", "-95").await;
    browser.press("Adjust").await;
    browser.until_shown("dialog .error", "reason").await;
    browser.fill("Reason", "a fall").await;
    browser.press("Adjust").await;
    browser.until_shown(".head .badge", "Low").await;
    assert_eq!(stage.figures("MUG").await, [5, 0, 5]);

    let Some(desk) = at_the_console(&stage, &stage.desk).await else { return };
    desk.press("Inventory").await;
    desk.press("MUG").await;
    desk.until_shown("table", "a fall").await;
    let buttons = "return document.querySelectorAll('.head button').length";
    assert_eq!(desk.evaluate(buttons).await, Value::from(0));
}

#[tokio::test]
async fn staff_see_messages_and_the_state_of_the_system() {
    let stage = Stage::with_mugs().await;
    stage.order(&stage.ada, &[("MUG", 1)]).await;
    let Some(browser) = at_the_console(&stage, &stage.desk).await else { return };
    browser.press("Notifications").await;
    browser.until_shown("table", "Order confirmation").await;
    browser.until_shown("table", "Sent").await;
    browser.press("Payments").await;
    browser.until_shown("#view", "No payments.").await;
    browser.press("System").await;
    browser.until_shown("table", "orders").await;
    browser.until_shown("#view", "postgres").await;
}

#[tokio::test]
async fn the_line_of_the_banner_signs_in_and_so_does_one_click() {
    let stage = Stage::new().await;
    let Some(browser) = Browser::start().await else { return };
    browser.open(&stage.node, "/console").await;
    let (_, authorization) = &stage.desk.headers[0];
    let pasted = format!("  support   Authorization: \"{authorization}\" ");
    browser.fill("Token of support or admin", &pasted).await;
    browser.press("Sign in").await;
    browser.until_shown("#role", "Support").await;
    browser.press("Sign out").await;
    browser.press("Sign in as admin").await;
    browser.until_shown("#role", "Admin").await;
}

#[tokio::test]
async fn an_order_is_found_and_named_by_its_number() {
    let stage = Stage::with_mugs().await;
    let (order, _) = stage.paid("AUTOMATIC", ["PAID", "PAID"]).await;
    let number = number(&stage, &order).await;
    let Some(browser) = at_the_console(&stage, &stage.desk).await else { return };
    browser.press("Payments").await;
    browser.until_shown("table", &number).await;
    browser.until_shown("table", "Captured").await;
    browser.choose("Show", "Needs attention").await;
    browser.until_shown("#view", "No payment needs attention.").await;
    browser.press("Notifications").await;
    browser.until_shown("table", &number).await;
    browser.fill("Order number", "C-1").await;
    browser.press("Find").await;
    browser.until_shown("#notice", "There is no order C-1.").await;
    browser.fill("Order number", number.trim_start_matches("C-")).await;
    browser.press("Find").await;
    browser.until_shown(".head h1", &format!("Order {number}")).await;
}

#[tokio::test]
async fn customers_cannot_sign_in_to_the_console() {
    let stage = Stage::new().await;
    let Some(browser) = at_the_console(&stage, &stage.ada).await else { return };
    browser.until_shown("#sign-in .error", "not for staff").await;
    let kept = "return sessionStorage.getItem('staffToken')";
    assert_eq!(browser.evaluate(kept).await, Value::Null);
}

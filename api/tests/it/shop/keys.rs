//! An idempotency key has one effect and one answer.

use serde_json::{Value, json};

use super::stage::{Stage, order_input, refused, usd, with};
use crate::cluster::{Client, key};

/// Sends a mutation twice, and then another request with the same key.
async fn check_executed_once(
    stage: &Stage,
    who: &Client,
    (mutation, selection): (&str, &str),
    input: Value,
    other: Value,
) -> Value {
    let input = with(input, json!({"idempotencyKey": key()}));
    let first = who.done(mutation, selection, input.clone()).await;
    assert_eq!(first["replayed"], json!(false), "{mutation}");
    let again = who.done(mutation, selection, input.clone()).await;
    assert_eq!(again["replayed"], json!(true), "{mutation}");
    assert_eq!(again["position"], first["position"], "{mutation}");
    let object = |payload: &Value| payload[selection.split(' ').next().unwrap()].clone();
    assert_eq!(object(&again), object(&first), "{mutation}");

    let position: i64 = first["position"].as_str().unwrap().parse().unwrap();
    let made = stage.commands_under(mutation).await;
    let reused = who.mutate(mutation, selection, with(input.clone(), other)).await;
    refused(&reused, "IDEMPOTENCY_KEY_REUSED", "input.idempotencyKey");
    assert_eq!(stage.commands_under(mutation).await, made, "{mutation}");
    assert!(stage.head().await >= position);
    first
}

impl Stage {
    /// How many commands of this name have written events.
    async fn commands_under(&self, name: &str) -> i64 {
        let database = self.shop.database.as_ref().unwrap();
        sqlx::query_scalar("select count(*) from events where metadata->>'command' = $1")
            .bind(name)
            .fetch_one(database.pool())
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn stock_mutations_are_executed_once_per_key() {
    let stage = Stage::with_mugs().await;
    let ink = json!({"sku": "INK", "name": "Ink", "price": usd(899)});
    let product = ("productCreate", "product { sku }");
    check_executed_once(&stage, &stage.admin, product, ink, json!({"name": "Pink"})).await;
    let register = ("inventoryRegister", "inventoryItem { sku onHand }");
    let ten = json!({"sku": "INK", "onHand": 10});
    check_executed_once(&stage, &stage.admin, register, ten, json!({"onHand": 11})).await;
    let adjust = ("inventoryAdjust", "inventoryItem { sku onHand }");
    let more = json!({"sku": "INK", "kind": "PURCHASE", "quantity": 5, "reference": "PO-12345"});
    check_executed_once(&stage, &stage.admin, adjust, more, json!({"quantity": 6})).await;
    assert_eq!(stage.figures("INK").await, [15, 0, 15]);
    let level = ("inventoryReorderLevelSet", "inventoryItem { sku }");
    let low = json!({"sku": "INK", "reorderLevel": 2, "reorderQuantity": 20});
    check_executed_once(&stage, &stage.admin, level, low, json!({"reorderLevel": 3})).await;
}

#[tokio::test]
async fn an_order_is_placed_and_cancelled_once() {
    let stage = Stage::with_mugs().await;
    let lines = json!({"lines": [{"sku": "MUG", "quantity": 2}]});
    let add = ("cartLinesAdd", "cart { id itemCount }");
    let more = json!({"lines": [{"sku": "MUG", "quantity": 3}]});
    check_executed_once(&stage, &stage.ada, add, lines, more).await;
    let place = ("orderPlace", "order { id number }");
    let elsewhere = json!({"contact": {"name": "Eve", "email": "eve@example.org"}});
    let placed = check_executed_once(&stage, &stage.ada, place, order_input(""), elsewhere).await;
    assert_eq!(stage.figures("MUG").await, [98, 2, 100]);

    let order = json!({"orderId": placed["order"]["id"]});
    let cancel = ("orderCancel", "order { id status }");
    check_executed_once(&stage, &stage.ada, cancel, order, json!({"reason": "Another one"})).await;
    assert_eq!(stage.figures("MUG").await, [100, 0, 100]);
}

#[tokio::test]
async fn payment_mutations_are_executed_once_per_key() {
    let stage = Stage::with_mugs().await;
    let order = stage.order(&stage.ada, &[("MUG", 2)]).await;
    let start = json!({"orderId": order, "capture": "MANUAL", "token": "tok_success"});
    let selection = ("paymentStart", "payment { id }");
    let other = json!({"token": "tok_declined"});
    let started = check_executed_once(&stage, &stage.ada, selection, start, other).await;
    stage.until_status(&order, ["PAID", "AUTHORIZED"]).await;

    let payment = json!({"paymentId": started["payment"]["id"]});
    let some = |cents| with(payment.clone(), json!({"amount": usd(cents)}));
    let (desk, other) = (&stage.desk, json!({"amount": usd(7)}));
    check_executed_once(
        &stage,
        desk,
        ("paymentCapture", "payment { id }"),
        some(1_000),
        other.clone(),
    )
    .await;
    stage.until_status(&order, ["PAID", "PARTIALLY_PAID"]).await;
    check_executed_once(&stage, desk, ("paymentRefund", "payment { id }"), some(500), other).await;
    stage.until_status(&order, ["PAID", "PARTIALLY_REFUNDED"]).await;
    let no_version = json!({"expectedVersion": 1});
    check_executed_once(
        &stage,
        desk,
        ("paymentVoid", "payment { id }"),
        payment.clone(),
        no_version,
    )
    .await;
    let seen = stage.see(desk, &order).await;
    assert_eq!(seen["payments"][0]["captured"]["amount"], "1000");
    assert_eq!(seen["payments"][0]["refunded"]["amount"], "500");
}

#[tokio::test]
async fn fulfilment_mutations_are_executed_once_per_key() {
    let stage = Stage::with_mugs().await;
    let (order, _) = stage.paid("AUTOMATIC", ["PAID", "PAID"]).await;
    let order = json!({"orderId": order});
    let one = with(order.clone(), json!({"lines": [{"sku": "MUG", "quantity": 1}]}));
    let two = json!({"lines": [{"sku": "MUG", "quantity": 2}]});
    let lines = "order { id lines { shipped delivered } }";
    let note = with(order.clone(), json!({"text": "Fragile"}));
    let desk = &stage.desk;
    let version = json!({"expectedVersion": 99});
    let start = ("orderProcessingStart", "order { id }");
    check_executed_once(&stage, desk, start, order.clone(), version).await;
    check_executed_once(&stage, desk, ("orderShip", lines), one.clone(), two.clone()).await;
    check_executed_once(&stage, desk, ("orderDeliver", lines), one, two).await;
    check_executed_once(
        &stage,
        desk,
        ("orderNoteAdd", "order { id }"),
        note,
        json!({"text": "Heavy"}),
    )
    .await;
}

#[tokio::test]
async fn each_caller_has_keys_of_their_own() {
    let stage = Stage::with_mugs().await;
    let shared = key();
    let bob = stage.node.customer("bob");
    for buyer in [&stage.ada, &bob] {
        stage.fill(buyer, &[("MUG", 1)]).await;
        let placed = buyer.done("orderPlace", "order { id }", order_input(&shared)).await;
        assert_eq!(placed["replayed"], json!(false));
    }
}

#[tokio::test]
async fn a_guests_cart_is_created_once_and_the_token_returned_again() {
    let stage = Stage::with_mugs().await;
    let input = json!({"idempotencyKey": key()});
    let stranger = stage.node.stranger();
    let first = stranger.done("cartCreate", "cart { id } token", input.clone()).await;
    let again = stranger.done("cartCreate", "cart { id } token", input).await;
    assert_eq!(again["replayed"], json!(true));
    assert_eq!((&again["cart"], &again["token"]), (&first["cart"], &first["token"]));
}

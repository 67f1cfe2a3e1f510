//! The whole life of an order, from a cart to a delivered order, step by step.

use serde_json::json;

use super::stage::{Stage, StockFigures, id, order_input, text, with};
use crate::cluster::{Client, key};

/// What must be visible after a step.
struct Seen<'s> {
    /// The fields status, paymentState, fulfilmentState.
    order: [&'s str; 3],
    payment: Option<&'s str>,
    /// Units available, reserved, on hand.
    stock: StockFigures,
    sold: bool,
    /// The last events of the order's history, and the number of all.
    last: &'s [&'s str],
    events: usize,
}

async fn check(stage: &Stage, who: &Client, order: &str, seen: Seen<'_>) {
    let now = stage.see(who, order).await;
    let states = [&now["status"], &now["paymentState"], &now["fulfilmentState"]].map(text);
    assert_eq!(states, seen.order);
    assert_eq!(now["payments"][0]["status"].as_str(), seen.payment);
    assert_eq!(stage.figures("MUG").await, seen.stock);

    let bought = ("PURCHASE".to_owned(), 100, 100);
    let sold = ("SALE".to_owned(), -2, 98);
    let ledger = if seen.sold { vec![bought, sold] } else { vec![bought] };
    assert_eq!(stage.ledger("MUG").await, ledger);

    let history = stage.history("ORDER", order).await;
    assert_eq!(history.len(), seen.events, "{history:?}");
    assert_eq!(history[seen.events - seen.last.len()..], *seen.last);
}

/// Buys from a filled cart on: places the order and pays.
async fn buy(stage: &Stage, buyer: &Client) -> String {
    let placed = buyer.done("orderPlace", "order { id number }", order_input(&key())).await;
    let order = id(&placed["order"]);
    assert!(!text(&placed["order"]["number"]).is_empty());
    let nothing_paid = Seen {
        order: ["PENDING", "NONE", "UNFULFILLED"],
        payment: None,
        stock: [98, 2, 100],
        sold: false,
        last: &["order.placed"],
        events: 1,
    };
    check(stage, buyer, &order, nothing_paid).await;

    let payment = stage.pay(buyer, &order, "MANUAL", "tok_success").await;
    stage.until_status(&order, ["PAID", "AUTHORIZED"]).await;
    let authorised = Seen {
        order: ["PAID", "AUTHORIZED", "UNFULFILLED"],
        payment: Some("AUTHORIZED"),
        stock: [98, 0, 98],
        sold: true,
        last: &["order.payment_started", "order.payment_recorded", "order.confirmed"],
        events: 4,
    };
    check(stage, buyer, &order, authorised).await;

    let capture = json!({"paymentId": payment, "idempotencyKey": key()});
    stage.desk.done("paymentCapture", "payment { id }", capture).await;
    stage.until_status(&order, ["PAID", "PAID"]).await;
    let captured = Seen {
        order: ["PAID", "PAID", "UNFULFILLED"],
        payment: Some("CAPTURED"),
        stock: [98, 0, 98],
        sold: true,
        last: &["order.payment_recorded"],
        events: 5,
    };
    check(stage, buyer, &order, captured).await;
    deliver(stage, buyer, &order).await;

    assert_eq!(
        stage.payment_history(&payment).await,
        [
            "payment.initiated",
            "payment.authorized",
            "payment.capture_requested",
            "payment.captured"
        ]
    );
    check_reported_by_webhook(stage, &payment).await;
    order
}

async fn deliver(stage: &Stage, buyer: &Client, order: &str) {
    let of_order = json!({"orderId": order});
    let on_the_shelf = [98, 0, 98];
    stage.desk.done("orderProcessingStart", "order { id }", of_order.clone()).await;
    let processing = Seen {
        order: ["PROCESSING", "PAID", "UNFULFILLED"],
        payment: Some("CAPTURED"),
        stock: on_the_shelf,
        sold: true,
        last: &["order.processing_started"],
        events: 6,
    };
    check(stage, buyer, order, processing).await;

    let parcel = json!({"carrier": "UPS", "trackingNumber": "1Z999AA10123456784",
        "estimatedDelivery": "2031-04-01T12:00:00Z"});
    stage.desk.done("orderShip", "order { id }", with(of_order.clone(), parcel)).await;
    let shipped = Seen {
        order: ["SHIPPED", "PAID", "SHIPPED"],
        payment: Some("CAPTURED"),
        stock: on_the_shelf,
        sold: true,
        last: &["order.shipped"],
        events: 7,
    };
    check(stage, buyer, order, shipped).await;
    let parcel = &stage.see(buyer, order).await["shipments"][0];
    let on_it = json!(["UPS", "1Z999AA10123456784", [{"sku": "MUG", "quantity": 2}]]);
    assert_eq!(json!([parcel["carrier"], parcel["trackingNumber"], parcel["lines"]]), on_it);
    assert!(text(&parcel["estimatedDelivery"]).starts_with("2031-04-01T12:00:00"), "{parcel}");

    stage.desk.done("orderDeliver", "order { id }", of_order).await;
    let delivered = Seen {
        order: ["DELIVERED", "PAID", "DELIVERED"],
        payment: Some("CAPTURED"),
        stock: on_the_shelf,
        sold: true,
        last: &["order.delivered"],
        events: 8,
    };
    check(stage, buyer, order, delivered).await;
}

/// Checks that the authorisation was reported by a webhook, through the inbox.
async fn check_reported_by_webhook(stage: &Stage, payment: &str) {
    let query =
        "query($id: ID!) { events(filter: { streamId: $id, types: [\"payment.authorized\"] })
        { nodes { actor } } }";
    let events = stage.desk.ask(query, json!({"id": payment})).await;
    assert_eq!(events["events"]["nodes"], json!([{"actor": "system:inbox"}]));
}

#[tokio::test]
async fn a_customers_order_goes_from_cart_to_delivered() {
    let stage = Stage::with_mugs().await;
    let cart = stage.fill(&stage.ada, &[("MUG", 2)]).await;
    assert_eq!(cart["total"]["amount"], "4998");
    assert_eq!(stage.figures("MUG").await, [100, 0, 100]);
    let order = buy(&stage, &stage.ada).await;

    let cart = id(&cart);
    assert_eq!(
        stage.history("CART", &cart).await,
        ["cart.created", "cart.line_added", "cart.checked_out"]
    );
    assert_eq!(
        stage.history("INVENTORY", &stage.stock_id("MUG").await).await,
        [
            "inventory.registered",
            "inventory.adjusted",
            "inventory.reserved",
            "inventory.reservation_extended",
            "inventory.committed"
        ]
    );
    let query = "{ inventoryLedger(sku: \"MUG\", first: 1) { nodes { kind orderId } } }";
    let sale = stage.desk.ask(query, json!({})).await;
    assert_eq!(sale["inventoryLedger"]["nodes"], json!([{"kind": "SALE", "orderId": order}]));
    // The customer reads the history of their own order.
    let query = "query($id: ID!) { history(kind: ORDER, id: $id) { nodes { type actor } } }";
    let mine = stage.ada.ask(query, json!({"id": order})).await;
    let placed = &mine["history"]["nodes"][0];
    assert_eq!(placed["type"], "order.placed");
    assert!(text(&placed["actor"]).starts_with("customer:"), "{placed}");
}

#[tokio::test]
async fn a_guests_order_goes_from_cart_to_delivered() {
    let stage = Stage::with_mugs().await;
    let made = stage.node.stranger().done("cartCreate", "cart { id } token", json!({})).await;
    let guest = stage.node.guest(&text(&made["token"]));
    let cart = stage.fill(&guest, &[("MUG", 2)]).await;
    assert_eq!(cart["id"], made["cart"]["id"]);
    let order = buy(&stage, &guest).await;

    let seen = guest.ask("{ orders { nodes { id customerId } } }", json!({})).await;
    assert_eq!(seen["orders"]["nodes"], json!([{"id": order, "customerId": null}]));
}

#[tokio::test]
async fn automatic_capture_needs_no_staff() {
    let stage = Stage::with_mugs().await;
    let (order, payment) = stage.paid("AUTOMATIC", ["PAID", "PAID"]).await;
    assert_eq!(
        stage.payment_history(&payment).await,
        [
            "payment.initiated",
            "payment.authorized",
            "payment.capture_requested",
            "payment.captured"
        ]
    );
    assert_eq!(
        stage.history("ORDER", &order).await,
        [
            "order.placed",
            "order.payment_started",
            "order.payment_recorded",
            "order.confirmed",
            "order.payment_recorded"
        ]
    );
    let seen = stage.see(&stage.ada, &order).await;
    assert_eq!(seen["payments"][0]["captured"]["amount"], "4998");
    assert_eq!(stage.figures("MUG").await, [98, 0, 98]);
}

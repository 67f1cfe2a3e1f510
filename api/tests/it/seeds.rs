//! The features of the services that this shop replaces, one row each; one test of each feature
//! goes through the public API. The other tests in the row cover the details.
//!
//! | seed | test |
//! |---|---|
//! | persistent carts, products, orders, payments; data survives restarts | [`all_data_survives_a_restart`] |
//! | cart validates products against the catalogue | [`a_cart_accepts_only_products_of_the_catalogue`] |
//! | payment updates the order; bi-directional integration | [`a_payment_changes_its_order_and_an_order_its_payment`] |
//! | transactions, rollback | [`an_order_is_placed_completely_or_not_at_all`] |
//! | API keys, JWT with roles, expiry, secrets checked at start | [`access_is_checked_for_every_field`]; `shop::credentials`, `shop::access` |
//! | catalogue service, dashboard with add-to-cart | [`products_are_created_changed_and_queried`]; `pages::shop`, `pages::console` |
//! | cart: get, add, update, remove, clear, merge; TTL; price refresh | [`a_cart_is_filled_changed_repriced_merged_and_emptied`]; `shop::carts` for its end |
//! | payment intent, capture, refund, by id, by order; Stripe; keys; status history | [`a_payment_is_captured_and_refunded_and_has_a_history`]; `stripe` |
//! | inventory: all, by product, create, update, adjust, transactions; reservations; low-stock events | [`stock_is_counted_reserved_and_reported_low`]; `shop::compensation` for expiry |
//! | notifications: list, by id, admin list; templates; SMTP; retries; low-stock mail | [`people_are_notified_and_can_query_their_notifications`]; `mail` |
//! | orders: create, list, get, update, cancel, tracking, estimated delivery; admin list, stats, status | [`an_order_is_placed_changed_tracked_and_counted`], [`an_order_is_cancelled`] |
//! | event bus topics (order.placed, payment.authorized, inventory.reserved, inventory.low-stock…) | [`other_programs_receive_events_by_topic`]; `relay` |
//! | health: liveness, connectivity with response times, info | [`health_lists_all_dependencies`] |
//! | CORS per environment, rate limiting, request logging, metrics, tracing | [`pages_of_the_shop_may_call_it_and_calls_are_logged`], [`operators_can_see_metrics_and_traces`]; `rate_limit`, `metrics`, `traces` |
//! | Redis cache, sub-millisecond cart reads | hot aggregates: the benchmark's `command_1` |
//! | event sourcing, CQRS, saga, circuit breakers, PostgreSQL | [`history_shows_who_did_what_and_why`]; `stripe::trouble` |
//! | future: Prometheus | [`operators_can_see_metrics_and_traces`]; `metrics` |

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::cluster::{Shop, key, until};
use crate::relay::server::NatsServer;
use crate::shop::stage::{Stage, id, order_input, refused, text, usd, with};

/// One field of every node that a connection lists.
fn listed(connection: &Value, field: &str) -> Vec<String> {
    connection["nodes"].as_array().unwrap().iter().map(|node| text(&node[field])).collect()
}

#[tokio::test]
async fn all_data_survives_a_restart() {
    let mut stage = Stage::with_mugs().await;
    let (order, payment) = stage.paid("AUTOMATIC", ["PAID", "PAID"]).await;
    let cart = stage.fill(&stage.ada, &[("MUG", 3)]).await;
    stage.restart().await;
    let query = "query($cart: ID!, $order: ID!, $payment: ID!) { product(sku: \"MUG\") { sku }
        cart(id: $cart) { itemCount } order(id: $order) { status } payment(id: $payment) { status } }";
    let things = json!({"cart": cart["id"], "order": order, "payment": payment});
    assert_eq!(
        stage.ada.ask(query, things).await,
        json!({"product": {"sku": "MUG"}, "cart": {"itemCount": 3},
            "order": {"status": "PAID"}, "payment": {"status": "CAPTURED"}})
    );
}

#[tokio::test]
async fn a_cart_accepts_only_products_of_the_catalogue() {
    let stage = Stage::with_mugs().await;
    let add = async |sku: &str| {
        let lines = json!({"lines": [{"sku": sku, "quantity": 1}]});
        stage.ada.mutate("cartLinesAdd", "cart { id }", lines).await
    };
    refused(&add("NO-SUCH").await, "PRODUCT_NOT_FOUND", "input.lines.0.sku");
    stage.admin.done("productDiscontinue", "product { sku }", json!({"sku": "MUG"})).await;
    refused(&add("MUG").await, "PRODUCT_DISCONTINUED", "input.lines.0.sku");
}

#[tokio::test]
async fn a_payment_changes_its_order_and_an_order_its_payment() {
    let stage = Stage::with_mugs().await;
    let (order, payment) = stage.paid("MANUAL", ["PAID", "AUTHORIZED"]).await;
    let cancel = json!({"orderId": order, "idempotencyKey": key()});
    stage.ada.done("orderCancel", "order { id }", cancel).await;
    stage.until_payment_status(&payment, "CANCELLED").await;
}

#[tokio::test]
async fn an_order_is_placed_completely_or_not_at_all() {
    let stage = Stage::with_mugs().await;
    stage.sell("INK", 899, 1).await;
    stage.fill(&stage.ada, &[("MUG", 1), ("INK", 2)]).await;
    let head = stage.head().await;
    let selection = "order { id } ";
    let payload = stage.ada.mutate("orderPlace", selection, order_input(&key())).await;
    assert_eq!(payload["errors"][0]["code"], "INSUFFICIENT_STOCK");
    assert_eq!(stage.head().await, head);
    assert_eq!(stage.figures("MUG").await, [100, 0, 100]);
}

#[tokio::test]
async fn access_is_checked_for_every_field() {
    let stage = Stage::with_mugs().await;
    let code = async |who: &crate::cluster::Client, query: &str| {
        who.try_ask(query, json!({})).await.unwrap()["errors"][0]["extensions"]["code"].clone()
    };
    let stranger = stage.node.stranger();
    assert_eq!(code(&stranger, "{ inventoryItems { nodes { sku } } }").await, "UNAUTHENTICATED");
    assert_eq!(code(&stage.ada, "{ inventoryItems { nodes { sku } } }").await, "FORBIDDEN");
    assert_eq!(code(&stage.desk, "{ inventoryItems { nodes { sku } } }").await, Value::Null);
    let me = "{ me { role } }";
    assert_eq!(stage.admin.ask(me, json!({})).await["me"]["role"], "ADMIN");
}

#[tokio::test]
async fn products_are_created_changed_and_queried() {
    let stage = Stage::with_mugs().await;
    let update = json!({"sku": "MUG", "name": "A better mug", "description": "For tea."});
    stage.admin.done("productUpdate", "product { sku }", update).await;
    let reprice = json!({"sku": "MUG", "price": usd(1_999)});
    let done = stage.admin.done("productReprice", "product { sku }", reprice).await;
    let query = "query($at: Position) { product(sku: \"MUG\", minPosition: $at) { name description
        available price { formatted } } products(filter: {search: \"better\"}, minPosition: $at) { nodes { sku } } }";
    let seen = stage.node.stranger().ask(query, json!({"at": done["position"]})).await;
    assert_eq!(
        seen["product"],
        json!({"name": "A better mug", "description": "For tea.", "available": 100,
            "price": {"formatted": "19.99 USD"}})
    );
    assert_eq!(listed(&seen["products"], "sku"), ["MUG"]);
}

#[tokio::test]
async fn a_cart_is_filled_changed_repriced_merged_and_emptied() {
    let stage = Stage::with_mugs().await;
    stage.sell("INK", 899, 10).await;
    let created = stage.node.stranger();
    let created = created.done("cartCreate", "token", json!({})).await;
    let token = text(&created["token"]);
    stage.fill(&stage.node.guest(&token), &[("INK", 2)]).await;
    stage.fill(&stage.ada, &[("MUG", 1)]).await;
    let count = "cart { itemCount }";
    let merged = stage.ada.done("cartMerge", count, json!({"cartToken": token})).await;
    assert_eq!(merged["cart"]["itemCount"], 3);

    let update = json!({"lines": [{"sku": "MUG", "quantity": 5}]});
    stage.ada.done("cartLinesUpdate", count, update).await;
    stage.ada.done("cartLinesRemove", count, json!({"skus": ["INK"]})).await;
    let reprice = json!({"sku": "MUG", "price": usd(1_999)});
    let at =
        stage.admin.done("productReprice", "product { sku }", reprice).await["position"].clone();
    let query = "query($at: Position) { product(sku: \"MUG\", minPosition: $at) { sku }
        cart(minPosition: $at) { lines { quantity unitPrice { amount } currentUnitPrice { amount } } } }";
    let seen = stage.ada.ask(query, json!({"at": at})).await;
    assert_eq!(
        seen["cart"]["lines"],
        json!([{"quantity": 5, "unitPrice": {"amount": "2499"},
            "currentUnitPrice": {"amount": "1999"}}])
    );
    let cleared = stage.ada.done("cartClear", count, json!({})).await;
    assert_eq!(cleared["cart"]["itemCount"], 0);
}

#[tokio::test]
async fn a_payment_is_captured_and_refunded_and_has_a_history() {
    let stage = Stage::with_mugs().await;
    let (order, payment) = stage.paid("MANUAL", ["PAID", "AUTHORIZED"]).await;
    let of = json!({"paymentId": payment, "idempotencyKey": key()});
    stage.desk.done("paymentCapture", "payment { id }", of).await;
    stage.until_status(&order, ["PAID", "PAID"]).await;
    let refund_key = key();
    let part = json!({"paymentId": payment, "amount": usd(1_000), "idempotencyKey": refund_key});
    stage.desk.done("paymentRefund", "payment { id }", part.clone()).await;
    let again = stage.desk.done("paymentRefund", "payment { id }", part).await;
    assert_eq!(again["replayed"], true);
    stage.until_status(&order, ["PAID", "PARTIALLY_REFUNDED"]).await;
    let rest = json!({"paymentId": payment, "idempotencyKey": key()});
    stage.desk.done("paymentRefund", "payment { id }", rest).await;
    stage.until_status(&order, ["REFUNDED", "REFUNDED"]).await;

    let query = "query($id: ID!, $at: Position) { payment(id: $id, minPosition: $at) { status }
        payments(filter: {orderId: \"ORDER\"}) { nodes { id } } }";
    let at = stage.head().await.to_string();
    let query = query.replace("ORDER", &order);
    let seen = stage.desk.ask(&query, json!({"id": payment, "at": at})).await;
    assert_eq!(seen["payment"]["status"], "REFUNDED");
    assert_eq!(seen["payments"]["nodes"], json!([{"id": payment}]));
    let history = stage.payment_history(&payment).await;
    for event in ["payment.initiated", "payment.authorized", "payment.captured", "payment.refunded"]
    {
        assert!(history.contains(&event.to_owned()), "{event}: {history:?}");
    }
}

#[tokio::test]
async fn stock_is_counted_reserved_and_reported_low() {
    let stage = Stage::with_mugs().await;
    let purchase = json!({"sku": "MUG", "kind": "PURCHASE", "quantity": 20, "reference": "PO-1",
        "idempotencyKey": key()});
    stage.admin.done("inventoryAdjust", "inventoryItem { onHand }", purchase).await;
    stage.order(&stage.ada, &[("MUG", 115)]).await;
    assert_eq!(stage.figures("MUG").await, [5, 115, 120]);
    let ledger = stage.ledger("MUG").await;
    assert_eq!(ledger.last().unwrap(), &("PURCHASE".to_owned(), 20, 120));
    let query = "query($at: Position) {
        inventoryItems(filter: {low: true}, minPosition: $at) { nodes { sku } } }";
    let at = stage.head().await.to_string();
    let low = stage.desk.ask(query, json!({"at": at})).await;
    assert_eq!(listed(&low["inventoryItems"], "sku"), ["MUG"]);
    let history = stage.history("INVENTORY", &stage.stock_id("MUG").await).await;
    assert!(history.contains(&"inventory.low_stock".to_owned()), "{history:?}");
}

#[tokio::test]
async fn people_are_notified_and_can_query_their_notifications() {
    let shop = Shop::new().await.variable("CARTULARY_STAFF_MAIL", "store@example.com");
    let stage = Stage::of(shop).await;
    stage.sell("MUG", 2_499, 20).await;
    stage.order(&stage.ada, &[("MUG", 15)]).await;
    stage.until_sent(2).await;
    let query = "{ notifications { nodes { id template recipient } } }";
    until("both messages are shown", async || {
        let all = stage.desk.ask(query, json!({})).await;
        let mut templates = listed(&all["notifications"], "template");
        templates.sort();
        templates == ["LOW_STOCK", "ORDER_CONFIRMATION"]
    })
    .await;
    let own = stage.ada.ask(query, json!({})).await["notifications"]["nodes"].clone();
    assert_eq!(
        (own.as_array().unwrap().len(), &own[0]["recipient"]),
        (1, &json!("ada@example.org"))
    );
    let by_id = "query($id: ID!) { notification(id: $id) { status attempts { failure } } }";
    until("it is shown as sent", async || {
        let seen = stage.ada.ask(by_id, json!({"id": own[0]["id"]})).await;
        seen["notification"]["status"] == "SENT"
    })
    .await;
}

#[tokio::test]
async fn an_order_is_placed_changed_tracked_and_counted() {
    let stage = Stage::with_mugs().await;
    let (order, _) = stage.paid("AUTOMATIC", ["PAID", "PAID"]).await;
    let contact = json!({"name": "Ada L.", "email": "ada@example.com"});
    let update = json!({"orderId": order, "contact": contact});
    stage.ada.done("orderUpdate", "order { id }", update).await;
    let of_order = json!({"orderId": order});
    stage.desk.done("orderProcessingStart", "order { id }", of_order.clone()).await;
    let parcel = json!({"carrier": "Post", "trackingNumber": "PP-0042",
        "estimatedDelivery": "2030-01-02T12:00:00Z"});
    stage.desk.done("orderShip", "order { id }", with(of_order, parcel)).await;
    let seen = stage.see(&stage.ada, &order).await;
    assert_eq!(seen["status"], "SHIPPED");
    let parcel = &seen["shipments"][0];
    assert_eq!(parcel["trackingNumber"], "PP-0042");
    assert!(text(&parcel["estimatedDelivery"]).starts_with("2030-01-02"));

    let query = "query($number: String!) { order(number: $number) { id }
        orders(filter: {status: SHIPPED}) { nodes { id } } orderStats { overall { orders } } }";
    let counted = stage.desk.ask(query, json!({"number": seen["number"]})).await;
    assert_eq!(id(&counted["order"]), order);
    assert_eq!(listed(&counted["orders"], "id"), [order]);
    assert_eq!(counted["orderStats"]["overall"]["orders"], 1);
}

#[tokio::test]
async fn an_order_is_cancelled() {
    let stage = Stage::with_mugs().await;
    let order = stage.order(&stage.ada, &[("MUG", 2)]).await;
    let cancel = json!({"orderId": order, "idempotencyKey": key()});
    let done = stage.ada.done("orderCancel", "order { status }", cancel).await;
    assert_eq!(done["order"]["status"], "CANCELLED");
    assert_eq!(stage.figures("MUG").await, [100, 0, 100]);
}

#[tokio::test]
async fn other_programs_receive_events_by_topic() {
    let Some(nats) = NatsServer::start().await else { return };
    let stage = Stage::shop_publishing_to(&nats).await;
    let cancelled = stage.order(&stage.ada, &[("MUG", 2)]).await;
    let cancel = json!({"orderId": cancelled, "idempotencyKey": key()});
    stage.ada.done("orderCancel", "order { id }", cancel).await;
    let declined = stage.order(&stage.ada, &[("MUG", 95)]).await;
    let payment = stage.pay(&stage.ada, &declined, "AUTOMATIC", "tok_declined").await;
    stage.until_payment_status(&payment, "FAILED").await;
    let (paid, payment) = stage.paid("AUTOMATIC", ["PAID", "PAID"]).await;
    let refund = json!({"paymentId": payment, "idempotencyKey": key()});
    stage.desk.done("paymentRefund", "payment { id }", refund).await;
    stage.until_status(&paid, ["REFUNDED", "REFUNDED"]).await;
    let order = stage.shipped().await;
    stage.until_status(&order, ["SHIPPED", "PAID"]).await;

    let published = stage.all_published(&nats).await;
    for topic in [
        "order.placed",
        "order.cancelled",
        "order.shipped",
        "payment.authorized",
        "payment.failed",
        "payment.captured",
        "payment.refunded",
        "inventory.reserved",
        "inventory.released",
        "inventory.low_stock",
    ] {
        let subject = format!("cartulary.{topic}");
        let found = published.iter().find(|published| published.subject == subject);
        assert_eq!(
            found.unwrap_or_else(|| panic!("no event has the topic {topic}")).body["type"],
            topic
        );
    }
}

#[tokio::test]
async fn health_lists_all_dependencies() {
    let stage = Stage::new().await;
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(stage.node.stranger().get(path).await.unwrap().status, StatusCode::OK);
    }
    let answer = stage.desk.get("/health").await.unwrap();
    let health: Value = serde_json::from_slice(&answer.body).unwrap();
    for dependency in ["postgres", "payments", "projections", "webhooks"] {
        let checked = health["checks"].as_array().unwrap().iter();
        let mut named = checked.filter(|check| check["name"] == dependency);
        let check = named.next().unwrap_or_else(|| panic!("no {dependency} in {health}"));
        assert!(check["status"].is_string() && check["responseTimeMs"].is_number(), "{check}");
    }
}

#[tokio::test]
async fn pages_of_the_shop_may_call_it_and_calls_are_logged() {
    let shop = Shop::new().await.variable("CORS_ORIGINS", "https://shop.example");
    let node = shop.start().await;
    let ask = async |origin: &str| {
        let headers = [("origin", origin), ("access-control-request-method", "POST")];
        let stranger = node.stranger();
        let sent = stranger.send(Method::OPTIONS, "/graphql", &headers, String::new()).await;
        sent.unwrap().headers.get("access-control-allow-origin").cloned()
    };
    assert_eq!(ask("https://shop.example").await.unwrap(), "https://shop.example");
    assert_eq!(ask("https://elsewhere.example").await, None);
    node.stranger().ask("{ products { nodes { sku } } }", json!({})).await;
    until("the call is in the log", async || node.log().contains("/graphql")).await;
}

#[tokio::test]
async fn operators_can_see_metrics_and_traces() {
    let shop = Shop::new().await.variable("CARTULARY_RATE_LIMIT", "1");
    let node = shop.variable("CARTULARY_RATE_BURST", "1").start().await;
    let stranger = node.stranger();
    let ask = async || stranger.post(r#"{"query":"{ __typename }"}"#).await.unwrap();
    let asked = ask().await;
    assert_eq!(asked.header("x-request-id").len(), 32);
    until("a request is refused", async || ask().await.code() == "RATE_LIMITED").await;
    until("both are counted", async || {
        let metrics = stranger.get("/metrics").await.unwrap();
        let metrics = String::from_utf8(metrics.body.to_vec()).unwrap();
        let counted = |labels: &str| metrics.contains(&format!("cartulary_requests_total{labels}"));
        counted(r#"{operation="query",outcome="OK"}"#)
            && counted(r#"{operation="unknown",outcome="RATE_LIMITED"}"#)
    })
    .await;
}

#[tokio::test]
async fn history_shows_who_did_what_and_why() {
    let stage = Stage::with_mugs().await;
    let (order, _) = stage.paid("AUTOMATIC", ["PAID", "PAID"]).await;
    let query = "query($id: ID!, $at: Position) { history(kind: ORDER, id: $id, minPosition: $at) {
        nodes { type actor position causedBy } } }";
    let at = stage.head().await.to_string();
    let seen = stage.desk.ask(query, json!({"id": order, "at": at})).await;
    let events = seen["history"]["nodes"].as_array().unwrap();
    assert_eq!(events[0]["type"], "order.placed");
    assert!(text(&events[0]["actor"]).starts_with("customer:"));
    let confirmed = events.iter().find(|event| event["type"] == "order.confirmed").unwrap();
    assert_eq!(confirmed["actor"], "system:reactions");
    let why = "query($at: Position!) { why(position: $at) { type } }";
    let chain = stage.desk.ask(why, json!({"at": confirmed["position"]})).await;
    let chain: Vec<_> = chain["why"].as_array().unwrap().iter().map(|e| text(&e["type"])).collect();
    assert!(chain.contains(&"payment.authorized".to_owned()), "{chain:?}");
}

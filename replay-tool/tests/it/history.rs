//! `history`: one stream's events, by UUID or by natural key.

use serde_json::json;

use crate::support::{CART, ORDER, Shop};

#[tokio::test]
async fn a_stream_is_found_by_uuid_and_by_natural_key() {
    let shop = Shop::projected().await;
    let order = ORDER.to_string();
    for (kind, id, expected) in [
        ("order", order.as_str(), vec!["order.placed", "order.confirmed"]),
        ("order", "10001", vec!["order.placed", "order.confirmed"]),
        ("product", "MUG", vec!["product.created", "product.repriced"]),
        ("cart", &CART.to_string(), vec!["cart.created", "cart.line_added"]),
    ] {
        let answer = shop.run_json(&["history", kind, id]).await.expect(0);
        let types: Vec<_> = answer.lines().iter().map(|line| line["event_type"].clone()).collect();
        assert_eq!(types, expected, "{kind} {id}");
    }
}

#[tokio::test]
async fn every_event_comes_with_its_envelope() {
    let shop = Shop::projected().await;
    let last = shop.record(ORDER.stream(), vec![expired()]).await;
    let answer = shop.run_json(&["history", "order", "10001"]).await.expect(0);
    let lines = answer.lines();
    let (first, second, last_line) = (&lines[0], &lines[1], &lines[2]);
    assert_eq!((&first["position"], &first["version"]), (&json!(8), &json!(1)));
    assert_eq!(first["actor"], "staff:test");
    assert_eq!(first["command_id"], first["correlation_id"]);
    assert_eq!(second["command_id"], json!(null));
    assert_eq!(first["payload"]["order.placed"]["number"], "10001");
    assert_eq!((&last_line["position"], &last_line["caused_by"]), (&json!(last), &json!(9)));
}

fn expired() -> domain::Event {
    domain::order::OrderEvent::Expired { at: crate::support::at(9) }.into()
}

#[tokio::test]
async fn the_text_output_is_a_table() {
    let shop = Shop::projected().await;
    let answer = shop.run(&["history", "inventory", "MUG"]).await.expect(0);
    assert!(answer.out.contains("inventory.registered"), "{}", answer.all());
    assert_eq!(answer.out.lines().count(), 8, "{}", answer.all());
    let pretty = shop.run(&["history", "inventory", "MUG", "--pretty"]).await.expect(0);
    assert!(pretty.out.lines().count() > 20, "{}", pretty.all());
}

#[tokio::test]
async fn a_stream_with_a_hole_can_be_shown() {
    let shop = Shop::projected().await;
    shop.tamper("delete from events where position = 4").await;
    let lines = shop.run_json(&["history", "inventory", "MUG"]).await.expect(0).lines();
    assert_eq!((&lines[0]["version"], &lines[1]["version"]), (&json!(1), &json!(3)));
}

#[tokio::test]
async fn a_payload_with_line_breaks_stays_on_one_line() {
    let shop = Shop::projected().await;
    shop.tamper("update events set payload = E'{\\n\"a\":\\r\\n1}' where position = 9").await;
    let lines = shop.run_json(&["history", "order", "10001"]).await.expect(0).lines();
    assert_eq!(lines[1]["payload"], json!({"a": 1}));
}

#[tokio::test]
async fn a_missing_object_is_reported() {
    let shop = Shop::projected().await;
    let answer = shop.run(&["history", "product", "CUP"]).await.expect(1);
    assert_eq!(answer.err, "replay-tool: there is no product 'CUP'\n");
    shop.run(&["history", "cart", &ORDER.to_string()]).await.expect(1);
    shop.run(&["history", "order", "no-such-number"]).await.expect(1);
    shop.run(&["history", "payment", "10001"]).await.expect(2);
    shop.run(&["history", "product", "not a sku"]).await.expect(2);
}

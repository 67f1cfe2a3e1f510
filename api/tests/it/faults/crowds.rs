//! Many concurrent clients at two nodes.

use futures::future::join_all;
use serde_json::{Value, json};

use super::truth::LogCheck;
use super::{figures, order, position, sell, units};
use crate::cluster::{Client, Node, Shop, key};

const CUSTOMERS: usize = 200;

/// Two nodes with generous time limits, since these tests are not about speed.
async fn two_nodes() -> (Shop, [Node; 2]) {
    let shop = Shop::new().await.variable("CARTULARY_EXECUTION_TIMEOUT", "60s");
    let nodes = [shop.start().await, shop.start().await];
    (shop, nodes)
}

/// Every customer fills a cart with these lines; then all place their orders at the same time.
async fn rush(nodes: &[Node; 2], lines: &Value) -> Vec<Value> {
    let buyers: Vec<_> =
        (0..CUSTOMERS).map(|n| nodes[n % 2].customer(&format!("customer {n}"))).collect();
    let fill = |buyer: Client| async move {
        let input = json!({"lines": lines, "idempotencyKey": key()});
        buyer.done("cartLinesAdd", "cart { id }", input).await;
    };
    for some in buyers.chunks(50) {
        join_all(some.iter().cloned().map(fill)).await;
    }
    let place = |buyer: Client| {
        tokio::spawn(async move { buyer.mutate("orderPlace", "order { id }", order(&key())).await })
    };
    let placing: Vec<_> = buyers.into_iter().map(place).collect();
    join_all(placing).await.into_iter().map(Result::unwrap).collect()
}

async fn check_fifty_are_sold(
    shop: &Shop,
    node: &Node,
    payloads: &[Value],
    wanted: i64,
    left: i64,
) {
    let (served, refused): (Vec<_>, Vec<_>) =
        payloads.iter().partition(|payload| payload["errors"] == json!([]));
    assert_eq!((served.len(), refused.len()), (50, 150));
    for payload in refused {
        let error = &payload["errors"][0];
        assert_eq!(error["__typename"], "InsufficientStockError", "{error:#}");
        let shortage = json!([{"sku": "MUG", "wanted": wanted, "available": left}]);
        assert_eq!((&error["shortages"], &payload["order"]), (&shortage, &Value::Null));
    }
    let last = served.into_iter().map(position).max().unwrap();
    let (on_hand, reserved) = figures(&node.admin(), "MUG", last).await.unwrap();
    assert_eq!(on_hand - reserved, left);
    let truth = LogCheck::of(shop.url()).await;
    assert_eq!(truth.orders(), 50);
    truth.check_read_models().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_units_fifty_are_sold_by_two_processes() {
    let (shop, nodes) = two_nodes().await;
    sell(&nodes[0], "MUG", 50).await;
    let payloads = rush(&nodes, &json!([{"sku": "MUG", "quantity": 1}])).await;
    check_fifty_are_sold(&shop, &nodes[1], &payloads, 1, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sku_on_two_lines_of_a_request_is_reserved_twice() {
    let (shop, nodes) = two_nodes().await;
    sell(&nodes[0], "MUG", 101).await;
    let line = json!({"sku": "MUG", "quantity": 1});
    let payloads = rush(&nodes, &json!([line, line])).await;
    check_fifty_are_sold(&shop, &nodes[1], &payloads, 2, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_order_sent_fifty_times_is_one_order() {
    let (shop, nodes) = two_nodes().await;
    sell(&nodes[0], "MUG", 50).await;
    nodes[0].customer("ada").done("cartLinesAdd", "cart { id }", units("MUG", 1)).await;
    let input = order(&key());
    let place = |n: usize| {
        let (ada, input) = (nodes[n % 2].customer("ada"), input.clone());
        tokio::spawn(async move { ada.done("orderPlace", "order { id number }", input).await })
    };
    let placing: Vec<_> = (0..50).map(place).collect();
    let payloads: Vec<_> = join_all(placing).await.into_iter().map(Result::unwrap).collect();
    let replayed = payloads.iter().filter(|payload| payload["replayed"] == true).count();
    assert_eq!(replayed, 49);
    for payload in &payloads {
        assert_eq!(payload["order"], payloads[0]["order"]);
        assert_eq!(payload["position"], payloads[0]["position"]);
    }
    assert_eq!(LogCheck::of(shop.url()).await.orders(), 1);

    let mut other = input;
    other["contact"]["name"] = json!("Bob");
    let refused = nodes[1].customer("ada").mutate("orderPlace", "order { id }", other).await;
    assert_eq!(refused["errors"][0]["code"], "IDEMPOTENCY_KEY_REUSED");
}

/// A node that has cached a cart learns that another node has checked it out.
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_ordered_at_one_node_gets_a_new_cart_at_the_other() {
    let (_shop, nodes) = two_nodes().await;
    sell(&nodes[0], "MUG", 50).await;
    let [here, there] = [0, 1].map(|n| nodes[n].customer("ada"));
    let first = there.done("cartLinesAdd", "cart { id }", units("MUG", 1)).await;
    here.done("orderPlace", "order { id }", order(&key())).await;
    let second = there.done("cartLinesAdd", "cart { id itemCount }", units("MUG", 1)).await;
    assert_ne!(first["cart"]["id"], second["cart"]["id"]);
    assert_eq!(second["cart"]["itemCount"], 1);
}

//! Connections: pages, cursors, and the last page.

use serde_json::{Value, json};

use super::stage::{Stage, text, usd};
use crate::cluster::Client;

/// Queries a connection page by page, checks each page, and returns all nodes.
async fn pages(who: &Client, field: &str, arguments: &str, node: &str, first: usize) -> Vec<Value> {
    let query = format!(
        "query($first: Int, $after: String) {{ list: {field}({arguments} first: $first, after: $after) {{
            edges {{ cursor node {{ {node} }} }} nodes {{ {node} }}
            pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"
    );
    let (mut all, mut after) = (vec![], Value::Null);
    loop {
        let data = who.ask(&query, json!({"first": first, "after": after})).await;
        let (edges, info) = (data["list"]["edges"].as_array().unwrap(), &data["list"]["pageInfo"]);
        let nodes: Vec<_> = edges.iter().map(|edge| edge["node"].clone()).collect();
        assert_eq!(data["list"]["nodes"], json!(nodes), "{field}");
        let cursor = |edge: Option<&Value>| edge.map_or(Value::Null, |edge| edge["cursor"].clone());
        assert_eq!(info["startCursor"], cursor(edges.first()), "{field}");
        assert_eq!(info["endCursor"], cursor(edges.last()), "{field}");
        assert_eq!(info["hasPreviousPage"], json!(!after.is_null()), "{field}");
        let has_next = info["hasNextPage"].as_bool().unwrap();
        assert!(nodes.len() == first || (!has_next && nodes.len() < first), "{field}");
        all.extend(nodes);
        if !has_next {
            return all;
        }
        after = info["endCursor"].clone();
    }
}

/// Five products with stock, and five orders with a payment each.
async fn five_of_everything() -> Stage {
    let stage = Stage::new().await;
    for sku in ["A-1", "A-2", "A-3", "A-4", "A-5"] {
        stage.sell(sku, 100, 20).await;
        let order = stage.order(&stage.ada, &[(sku, 1)]).await;
        stage.pay(&stage.ada, &order, "AUTOMATIC", "tok_success").await;
        stage.until_status(&order, ["PAID", "PAID"]).await;
    }
    let nobodys = json!({"sku": "B-1", "name": "Old", "price": usd(1)});
    stage.admin.done("productCreate", "product { sku }", nobodys).await;
    stage.admin.done("productDiscontinue", "product { sku }", json!({"sku": "B-1"})).await;
    stage.see(&stage.desk, "none").await;
    stage.figures("A-1").await;
    stage.ledger("A-1").await;
    let last = stage.history("CART", "00000000-0000-0000-0000-000000000000").await;
    assert_eq!(last, Vec::<String>::new());
    stage
}

#[tokio::test]
async fn every_list_can_be_read_page_by_page() {
    let stage = five_of_everything().await;
    stage.until_sent(10).await;
    let head = stage.end().await;
    let order = text(
        &stage.ada.ask("{ orders(first: 1) { nodes { id } } }", json!({})).await["orders"]["nodes"]
            [0]["id"],
    );
    let history = format!("kind: ORDER, id: \"{order}\",");
    let events = format!("minPosition: \"{head}\",");
    let lists = [
        ("products", "filter: { search: \"a-\", active: true },", "sku", 5),
        ("products", "", "sku", 6),
        ("products", "filter: { active: false },", "sku", 1),
        ("orders", "", "id", 5),
        ("orders", "filter: { status: PAID },", "id", 5),
        ("orders", "filter: { status: CANCELLED },", "id", 0),
        ("payments", "filter: { status: CAPTURED },", "id", 5),
        ("inventoryItems", "", "sku", 5),
        ("inventoryItems", "filter: { low: true },", "sku", 0),
        ("inventoryLedger", "sku: \"A-1\",", "position", 2),
        ("history", &history, "position", 5),
        ("notifications", &events, "id", 10),
        ("notifications", "filter: { template: ORDER_CONFIRMATION },", "id", 5),
        ("notifications", "filter: { status: ABANDONED },", "id", 0),
        ("events", &events, "position", usize::try_from(head).unwrap()),
    ];
    for (field, arguments, node, count) in lists {
        let whole = pages(&stage.desk, field, arguments, node, 100).await;
        assert_eq!(whole.len(), count, "{field} {arguments}");
        for first in [2, 5] {
            assert_eq!(pages(&stage.desk, field, arguments, node, first).await, whole, "{field}");
        }
        let mut once = whole.clone();
        once.sort_by_key(Value::to_string);
        once.dedup();
        assert_eq!(once.len(), count, "{field} {arguments}");
    }
}

#[tokio::test]
async fn pages_are_limited_and_foreign_cursors_refused() {
    let stage = Stage::with_mugs().await;
    let fields = [
        ("products", ""),
        ("orders", ""),
        ("payments", ""),
        ("inventoryItems", ""),
        ("inventoryLedger", "sku: \"MUG\","),
        ("events", ""),
        ("history", "kind: ORDER, id: \"01890000-0000-7000-8000-000000000000\","),
    ];
    for (field, arguments) in fields {
        // The cursor of a list ordered by SKU is the SKU.
        let by_sku = ["products", "inventoryItems"].contains(&field);
        let nonsense = if by_sku { "first: -100" } else { "after: \"nonsense\"" };
        for page in ["first: 101", "first: -1", nonsense] {
            let query = format!("{{ {field}({arguments} {page}) {{ edges {{ cursor }} }} }}");
            let answer = stage.desk.try_ask(&query, json!({})).await.unwrap();
            let code = &answer["errors"][0]["extensions"]["code"];
            assert_eq!(code, "BAD_USER_INPUT", "{query}\n{answer:#}");
        }
        let none = format!("{{ {field}({arguments} first: 0) {{ edges {{ cursor }} }} }}");
        assert_eq!(stage.desk.ask(&none, json!({})).await[field]["edges"], json!([]), "{none}");
    }
}

//! Who may read notifications.

use serde_json::{Value, json};

use crate::cluster::Client;
use crate::shop::stage::{Stage, id};

/// Queries one notification in three ways.
async fn seen_by(who: &Client, notification: &str, order: &str) -> [Value; 3] {
    let one = "query($id: ID!) { notification(id: $id) { id recipient } }";
    let node = "query($id: ID!) { node(id: $id) { id } }";
    let of_order = "query($id: ID!) { order(id: $id) { notifications { id } } }";
    [
        who.ask(one, json!({"id": notification})).await["notification"].clone(),
        who.ask(node, json!({"id": notification})).await["node"].clone(),
        who.ask(of_order, json!({"id": order})).await["order"]["notifications"][0].clone(),
    ]
}

#[tokio::test]
async fn notifications_are_shown_only_to_their_recipient_and_staff() {
    let stage = Stage::with_mugs().await;
    let order = stage.order(&stage.ada, &[("MUG", 1)]).await;
    stage.until_sent(1).await;
    let first = stage.notifications(&stage.ada, &order).await.remove(0);
    let notification = id(&first);

    for who in [&stage.ada, &stage.desk, &stage.admin] {
        let [one, node, of_order] = seen_by(who, &notification, &order).await;
        assert_eq!(one, json!({"id": notification, "recipient": "ada@example.org"}));
        assert_eq!([&node["id"], &of_order["id"]], [&one["id"]; 2]);
    }
    let eve = stage.node.customer("eve");
    assert_eq!(seen_by(&eve, &notification, &order).await, [json!(null), json!(null), json!(null)]);
    assert_eq!(stage.notifications(&eve, &order).await, Vec::<Value>::new());
    // For a customer, the filter by another customer is ignored.
    let query = "query($id: ID!) { notifications(filter: { customerId: $id }) { nodes { id } } }";
    let id = json!({"id": first["customerId"]});
    let theirs = eve.ask(query, id.clone()).await;
    assert_eq!(theirs["notifications"]["nodes"], json!([]));
    let all = stage.desk.ask(query, id).await;
    assert_eq!(all["notifications"]["nodes"].as_array().unwrap().len(), 1);
}

//! Processing, shipping and delivering, in parts and in a wrong order.

use serde_json::json;

use super::stage::{Stage, refused, with};

async fn of_a_paid_order(stage: &Stage) -> serde_json::Value {
    let (order, _) = stage.paid("AUTOMATIC", ["PAID", "PAID"]).await;
    json!({"orderId": order})
}

#[tokio::test]
async fn an_order_can_be_shipped_and_delivered_in_parts() {
    let stage = Stage::with_mugs().await;
    stage.sell("INK", 899, 10).await;
    let order = stage.order(&stage.ada, &[("MUG", 2), ("INK", 1)]).await;
    stage.pay(&stage.ada, &order, "AUTOMATIC", "tok_success").await;
    stage.until_status(&order, ["PAID", "PAID"]).await;
    let of_order = json!({"orderId": order});
    stage.desk.done("orderProcessingStart", "order { id }", of_order.clone()).await;

    let one_mug = json!({"lines": [{"sku": "MUG", "quantity": 1}]});
    let two_mugs = json!({"lines": [{"sku": "MUG", "quantity": 2}]});
    let (ship, deliver) = ("orderShip", "orderDeliver");
    let steps = [
        (ship, one_mug.clone(), ["PROCESSING", "PAID", "PARTIALLY_SHIPPED"]),
        (deliver, one_mug.clone(), ["PROCESSING", "PAID", "PARTIALLY_DELIVERED"]),
        (ship, json!({}), ["SHIPPED", "PAID", "PARTIALLY_DELIVERED"]),
        (deliver, one_mug, ["SHIPPED", "PAID", "PARTIALLY_DELIVERED"]),
        (deliver, json!({}), ["DELIVERED", "PAID", "DELIVERED"]),
    ];
    let early = stage.desk.mutate(deliver, "order { id }", of_order.clone()).await;
    refused(&early, "QUANTITY_EXCEEDS_SHIPPED", "input.orderId");
    for (mutation, lines, states) in steps {
        let input = with(of_order.clone(), lines);
        stage.desk.done(mutation, "order { id }", input).await;
        stage.check_states(&order, states).await;
        let too_much = with(of_order.clone(), two_mugs.clone());
        let payload = stage.desk.mutate(ship, "order { id }", too_much).await;
        refused(&payload, "QUANTITY_EXCEEDS_UNSHIPPED", "input.lines.0.quantity");
    }
    let seen = stage.see(&stage.ada, &order).await;
    assert_eq!(seen["shipments"].as_array().unwrap().len(), 2);
    assert_eq!(stage.figures("MUG").await, [98, 0, 98]);
    assert_eq!(stage.figures("INK").await, [9, 0, 9]);
}

#[tokio::test]
async fn no_step_of_fulfilment_can_be_skipped() {
    let stage = Stage::with_mugs().await;
    let order = stage.order(&stage.ada, &[("MUG", 2)]).await;
    let pending = json!({"orderId": order});
    let confirmed = of_a_paid_order(&stage).await;
    let rows = [
        (&pending, "orderProcessingStart", "ORDER_NOT_CONFIRMED"),
        (&pending, "orderShip", "ORDER_NOT_CONFIRMED"),
        (&pending, "orderDeliver", "ORDER_NOT_CONFIRMED"),
        (&confirmed, "orderShip", "ORDER_NOT_PROCESSING"),
        (&confirmed, "orderDeliver", "ORDER_NOT_PROCESSING"),
    ];
    let head = stage.head().await;
    for (order, mutation, code) in rows {
        let payload = stage.desk.mutate(mutation, "order { id }", order.clone()).await;
        refused(&payload, code, "input.orderId");
    }
    assert_eq!(stage.head().await, head);
}

#[tokio::test]
async fn contact_and_address_can_be_changed_until_processing() {
    let stage = Stage::with_mugs().await;
    let of_order = of_a_paid_order(&stage).await;
    let moved = json!({"contact": {"name": "Ada L", "email": "ada@example.net", "phone": "+1 555"},
        "shippingAddress": {"street": "2 Side St", "city": "Lowell", "country": "US"}});
    let update = with(of_order.clone(), moved);
    stage.ada.done("orderUpdate", "order { id }", update.clone()).await;

    let query = "query($orderId: ID!, $at: Position) { order(id: $orderId, minPosition: $at) {
        contact { name email phone } shippingAddress { street city region postalCode country } } }";
    let at = json!({"at": stage.head().await.to_string()});
    let seen = stage.desk.ask(query, with(of_order.clone(), at)).await;
    let now = json!({
        "contact": {"name": "Ada L", "email": "ada@example.net", "phone": "+1 555"},
        "shippingAddress": {"street": "2 Side St", "city": "Lowell", "region": null,
            "postalCode": null, "country": "US"},
    });
    assert_eq!(seen["order"], now);

    stage.desk.done("orderProcessingStart", "order { id }", of_order).await;
    for who in [&stage.ada, &stage.desk] {
        let payload = who.mutate("orderUpdate", "order { id }", update.clone()).await;
        refused(&payload, "ORDER_NOT_PROCESSING", "input.orderId");
    }
}

#[tokio::test]
async fn only_staff_see_notes() {
    let stage = Stage::with_mugs().await;
    let order = stage.order(&stage.ada, &[("MUG", 1)]).await;
    let note = json!({"orderId": order, "text": "Asked for gift wrapping."});
    stage.desk.done("orderNoteAdd", "order { id }", note).await;
    let query =
        "query($id: ID!, $at: Position) { order(id: $id, minPosition: $at) { notes { text } } }";
    let variables = json!({"id": order, "at": stage.head().await.to_string()});
    let staff = stage.desk.ask(query, variables.clone()).await;
    assert_eq!(staff["order"]["notes"], json!([{"text": "Asked for gift wrapping."}]));
    let customer = stage.ada.ask(query, variables).await;
    assert_eq!(customer["order"]["notes"], json!([]));
    // The note is sealed in the log, too.
    let head = stage.head().await.to_string();
    let events =
        "query($id: ID!, $at: Position) { events(first: 1, filter: { streamId: $id }, minPosition: $at)
        { nodes { type payload } } }";
    let last = stage.desk.ask(events, json!({"id": order, "at": head})).await["events"]["nodes"][0]
        .clone();
    assert_eq!(last["type"], "order.note_added");
    assert!(!last["payload"].to_string().contains("gift"), "{last}");
}

//! Another customer's objects: a caller gets the same answer as for objects that do not exist.

use serde_json::{Value, json};

use super::stage::{Stage, id, order_input, refused, text, with};
use crate::cluster::{Client, key};

const MISSING_ID: &str = "01890000-0000-7000-8000-000000000000";

/// The payload without the fields that differ between any two requests.
async fn answer(who: &Client, mutation: &str, input: Value) -> Value {
    let input = with(input, json!({"idempotencyKey": key()}));
    who.mutate(mutation, "__typename", input).await
}

#[tokio::test]
async fn other_customers_objects_give_the_same_answer_as_missing_ones() {
    let stage = Stage::with_mugs().await;
    let (order, payment) = stage.paid("MANUAL", ["PAID", "AUTHORIZED"]).await;
    let pending = stage.order(&stage.ada, &[("MUG", 1)]).await;
    let cart = id(&stage.fill(&stage.ada, &[("MUG", 1)]).await);
    let made = stage.node.stranger().done("cartCreate", "cart { id } token", json!({})).await;
    let guest = stage.node.guest(&text(&made["token"]));
    let (bob, stranger) = (stage.node.customer("bob"), stage.node.stranger());
    let mug = json!({"lines": [{"sku": "MUG", "quantity": 1}]});
    let address = json!({"shippingAddress": {"street": "1", "city": "B", "country": "US"}});

    // Each row: the mutation, the field with the id, the id, and the other input.
    let rows = [
        ("cartLinesAdd", "cartId", &cart, mug.clone()),
        ("cartLinesUpdate", "cartId", &cart, mug),
        ("cartLinesRemove", "cartId", &cart, json!({"skus": ["MUG"]})),
        ("cartClear", "cartId", &cart, json!({})),
        ("orderPlace", "cartId", &cart, order_input("")),
        ("orderUpdate", "orderId", &order, address),
        ("orderCancel", "orderId", &order, json!({})),
        ("paymentStart", "orderId", &pending, json!({"token": "tok_success"})),
    ];
    let head = stage.head().await;
    for (mutation, field, thing, rest) in rows {
        for who in [&bob, &guest, &stranger] {
            let others = answer(who, mutation, with(rest.clone(), json!({field: thing}))).await;
            let missing =
                answer(who, mutation, with(rest.clone(), json!({field: MISSING_ID}))).await;
            refused(&others, "NOT_FOUND", &format!("input.{field}"));
            assert_eq!(others, missing, "{mutation}");
        }
    }
    assert_eq!(stage.head().await, head);

    stage.see(&stage.desk, &order).await;
    let reads = [
        ("order(id: $id) { id }", &order),
        ("payment(id: $id) { id }", &payment),
        ("cart(id: $id) { id }", &cart),
        ("node(id: $id) { id }", &order),
        ("payments(filter: { orderId: $id }) { nodes { id } }", &order),
        ("orders(filter: { customerId: $id }) { nodes { id } }", &order),
    ];
    for (field, thing) in reads {
        let query = format!("query($id: ID!) {{ {field} }}");
        for who in [&bob, &guest, &stranger] {
            let others = who.ask(&query, json!({"id": thing})).await;
            let missing = who.ask(&query, json!({"id": MISSING_ID})).await;
            assert_eq!(others, missing, "{field}");
        }
    }
    let history = "query($id: ID!) { history(kind: ORDER, id: $id) { nodes { type } } }";
    let others = bob.ask(history, json!({"id": order})).await;
    assert_eq!(others["history"]["nodes"], json!([]));
    let carts = "query($id: ID!) { history(kind: CART, id: $id) { nodes { type } } }";
    let own = stage.ada.ask(carts, json!({"id": cart})).await;
    assert_eq!(own["history"]["nodes"], json!([]), "customers read the history of orders only");
}

#[tokio::test]
async fn a_customer_sees_their_own_orders_and_staff_see_all() {
    let stage = Stage::with_mugs().await;
    let bob = stage.node.customer("bob");
    let adas = stage.order(&stage.ada, &[("MUG", 1)]).await;
    let bobs = stage.order(&bob, &[("MUG", 1)]).await;
    stage.see(&stage.desk, &bobs).await;
    let query = "{ orders { nodes { id } } }";
    let orders = async |who: &Client| who.ask(query, json!({})).await["orders"]["nodes"].clone();
    assert_eq!(orders(&stage.ada).await, json!([{"id": adas}]));
    assert_eq!(orders(&bob).await, json!([{"id": bobs}]));
    assert_eq!(orders(&stage.desk).await, json!([{"id": bobs}, {"id": adas}]));
    assert_eq!(orders(&stage.node.stranger()).await, json!([]));

    let me = bob.ask("{ me { customerId } }", json!({})).await["me"]["customerId"].clone();
    let of_bob = "query($id: ID!) { orders(filter: { customerId: $id }) { nodes { id } } }";
    let seen = stage.desk.ask(of_bob, json!({"id": me})).await;
    assert_eq!(seen["orders"]["nodes"], json!([{"id": bobs}]));
    // The filter cannot show a customer more than their own orders.
    let seen = stage.ada.ask(of_bob, json!({"id": me})).await;
    assert_eq!(seen["orders"]["nodes"], json!([{"id": adas}]));
}

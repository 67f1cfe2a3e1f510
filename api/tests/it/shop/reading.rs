//! Queries by id, by position, by cause.

use serde_json::{Value, json};

use super::stage::{Stage, id, text};

#[tokio::test]
async fn an_object_is_found_by_its_id_by_callers_who_may_see_it() {
    let stage = Stage::with_mugs().await;
    let cart = id(&stage.fill(&stage.ada, &[("MUG", 1)]).await);
    let order = stage.order(&stage.ada, &[("MUG", 1)]).await;
    let payment = stage.pay(&stage.ada, &order, "MANUAL", "tok_success").await;
    stage.until_status(&order, ["PAID", "AUTHORIZED"]).await;
    let product = "query { product(sku: \"MUG\") { id } }";
    let product = id(&stage.ada.ask(product, json!({})).await["product"]);
    let stock = stage.stock_id("MUG").await;
    stage.see(&stage.desk, &order).await;
    stage.figures("MUG").await;

    let missing = "01890000-0000-7000-8000-000000000000";
    let things = [
        (&cart, "Cart", true),
        (&order, "Order", true),
        (&payment, "Payment", true),
        (&product, "Product", true),
        (&stock, "InventoryItem", false),
    ];
    let bob = stage.node.customer("bob");
    let node = "query($id: ID!) { node(id: $id) { __typename id } }";
    for (thing, kind, owners) in things {
        let found = json!({"__typename": kind, "id": thing});
        let visible = |may: bool| if may { found.clone() } else { Value::Null };
        let everybodys = kind == "Product";
        for (who, may) in [(&stage.desk, true), (&stage.ada, owners), (&bob, everybodys)] {
            let seen = who.ask(node, json!({"id": thing})).await;
            assert_eq!(seen["node"], visible(may), "{kind}");
        }
    }
    for id in [missing, "nonsense", ""] {
        assert_eq!(stage.desk.ask(node, json!({"id": id})).await["node"], Value::Null);
    }
    let nodes = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    let ids = json!({"ids": [order, missing, stock, product]});
    let seen = stage.ada.ask(nodes, ids).await;
    assert_eq!(seen["nodes"], json!([{"id": order}, null, null, {"id": product}]));
    let many = stage.desk.try_ask(nodes, json!({"ids": vec![missing; 101]})).await.unwrap();
    assert_eq!(many["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
}

#[tokio::test]
async fn an_order_is_found_by_its_number() {
    let stage = Stage::with_mugs().await;
    let order = stage.order(&stage.ada, &[("MUG", 1)]).await;
    let number = text(&stage.see(&stage.ada, &order).await["number"]);
    let query = "query($number: String!) { order(number: $number) { id } }";
    let variables = json!({"number": number});
    assert_eq!(id(&stage.ada.ask(query, variables.clone()).await["order"]), order);
    let bob = stage.node.customer("bob").ask(query, variables).await;
    assert_eq!(bob["order"], Value::Null);
}

#[tokio::test]
async fn a_write_can_be_read_by_its_position() {
    let stage = Stage::with_mugs().await;
    let query =
        "query($sku: String!, $at: Position) { product(sku: $sku, minPosition: $at) { name } }";
    for n in 0..20 {
        let name = format!("Mug {n}");
        let input = json!({"sku": "MUG", "name": name});
        let at =
            stage.admin.done("productUpdate", "product { sku }", input).await["position"].clone();
        let seen = stage.ada.ask(query, json!({"sku": "MUG", "at": at})).await;
        assert_eq!(seen["product"]["name"], json!(name));
    }
}

#[tokio::test]
async fn a_position_that_is_not_reached_in_time_is_stale() {
    let stage = Stage::with_mugs().await;
    let far = stage.head().await + 1_000_000;
    let fields = [
        "product(sku: \"MUG\", minPosition: $at) { sku }",
        "orders(minPosition: $at) { edges { cursor } }",
    ];
    for field in fields {
        let query = format!("query($at: Position) {{ {field} }}");
        let answer = stage.desk.try_ask(&query, json!({"at": far.to_string()})).await.unwrap();
        assert_eq!(answer["errors"][0]["extensions"]["code"], "STALE", "{answer:#}");
    }
    for nonsense in [json!("-1"), json!("x"), json!(-1), json!(1.5), json!(true)] {
        let query = "query($at: Position) { product(sku: \"MUG\", minPosition: $at) { sku } }";
        let answer = stage.desk.try_ask(query, json!({"at": nonsense})).await.unwrap();
        assert!(answer["errors"][0]["message"].is_string(), "{answer:#}");
    }
}

#[tokio::test]
async fn every_event_leads_back_to_the_command_that_began_it() {
    let stage = Stage::with_mugs().await;
    let (order, payment) = stage.paid("AUTOMATIC", ["PAID", "PAID"]).await;
    let last = "query($id: ID!) { events(first: 1, filter: { streamId: $id }) { nodes { position type } } }";
    let captured = stage.desk.ask(last, json!({"id": payment})).await["events"]["nodes"][0].clone();
    assert_eq!(captured["type"], "payment.captured");

    let why = "query($at: Position!) { why(position: $at) { position type actor causedBy correlationId } }";
    let chain = stage.desk.ask(why, json!({"at": captured["position"]})).await;
    let chain = chain["why"].as_array().unwrap();
    let types: Vec<_> = chain.iter().map(|event| text(&event["type"])).collect();
    assert_eq!(types[..2], ["payment.captured", "payment.capture_requested"], "{chain:#?}");
    assert_eq!(chain[0]["position"], captured["position"]);
    for pair in chain.windows(2) {
        let at = |n: usize| -> i64 { text(&pair[n]["position"]).parse().unwrap() };
        assert!(at(0) > at(1), "{chain:#?}");
        let caused = &pair[0]["causedBy"];
        assert!(caused.is_null() || *caused == pair[1]["position"], "{chain:#?}");
        if !caused.is_null() {
            assert_eq!(pair[0]["correlationId"], pair[1]["correlationId"]);
        }
    }
    let nothing = stage.desk.ask(why, json!({"at": "999999"})).await;
    assert_eq!(nothing["why"], json!([]));
    assert_eq!(stage.history("ORDER", &order).await[0], "order.placed");
}

/// Whether an event matches a filter.
type Fits<'f> = Box<dyn Fn(&Value) -> bool + 'f>;

#[tokio::test]
async fn events_are_filtered_by_every_field() {
    let stage = Stage::with_mugs().await;
    let (order, payment) = stage.paid("AUTOMATIC", ["PAID", "PAID"]).await;
    stage.until_sent(2).await;
    let head = stage.end().await.to_string();
    let query = "query($filter: EventFilter, $at: Position) { events(first: 100, filter: $filter,
        minPosition: $at) { nodes { position kind streamId type actor recordedAt commandId correlationId } } }";
    let find = async |filter: Value| {
        let found = stage.desk.ask(query, json!({"filter": filter, "at": head})).await;
        found["events"]["nodes"].as_array().unwrap().clone()
    };
    let all = find(json!({})).await;
    let placed = all.iter().find(|event| event["type"] == "order.placed").unwrap().clone();
    let field = |name: &'static str| placed[name].clone();
    let same = |name: &'static str| {
        let value = field(name);
        move |event: &Value| event[name] == value
    };
    let time = |event: &Value| event["recordedAt"].as_str().unwrap().to_owned();
    let at = time(&placed);
    let rows: [(Value, Fits<'_>); 10] = [
        (json!({"kind": "PAYMENT"}), Box::new(|event| event["kind"] == "PAYMENT")),
        (json!({"streamId": order}), Box::new(same("streamId"))),
        (json!({"types": ["order.placed"]}), Box::new(same("type"))),
        (json!({"types": []}), Box::new(|_| false)),
        (json!({"actor": field("actor")}), Box::new(same("actor"))),
        (json!({"correlationId": field("correlationId")}), Box::new(same("correlationId"))),
        (json!({"from": at}), Box::new(|event| time(event) >= at)),
        (json!({"to": at}), Box::new(|event| time(event) < at)),
        (json!({"kind": "ORDER", "streamId": payment}), Box::new(|_| false)),
        (json!({"streamId": "nonsense"}), Box::new(|_| false)),
    ];
    for (filter, fits) in rows {
        let expected: Vec<_> = all.iter().filter(|event| fits(event)).cloned().collect();
        assert_eq!(find(filter.clone()).await, expected, "{filter}");
    }
    // The filter by a command's id finds all its events, though only the first one has the id.
    let whole = find(json!({"commandId": field("commandId")})).await;
    let types: Vec<_> = whole.iter().map(|event| text(&event["type"])).collect();
    assert!(types.contains(&"order.placed".to_owned()), "{types:?}");
}

#[tokio::test]
async fn staff_see_the_positions_of_the_read_models() {
    let stage = Stage::with_mugs().await;
    stage.order(&stage.ada, &[("MUG", 1)]).await;
    stage.figures("MUG").await;
    let seen = stage
        .desk
        .ask("{ projections { name position lagEvents stoppedBecause } }", json!({}))
        .await;
    let projections = seen["projections"].as_array().unwrap();
    assert!(projections.len() >= 6, "{seen}");
    assert!(projections.iter().all(|model| model["stoppedBecause"].is_null()), "{seen}");
}

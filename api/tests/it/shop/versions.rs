//! Optimistic concurrency of clients: `expectedVersion`.

use serde_json::json;

use super::stage::{Stage, refused, usd, with};
use crate::cluster::key;

#[tokio::test]
async fn a_change_with_an_older_expected_version_is_a_version_conflict() {
    let stage = Stage::with_mugs().await;
    let (order, payment) = stage.paid("MANUAL", ["PAID", "AUTHORIZED"]).await;
    let cart = stage.fill(&stage.ada, &[("MUG", 1)]).await;
    let (order, payment) = (json!({"orderId": order}), json!({"paymentId": payment}));
    let lines = json!({"lines": [{"sku": "MUG", "quantity": 3}]});
    let (mug, keyed) = (json!({"sku": "MUG"}), json!({"idempotencyKey": key()}));
    let adjust = json!({"kind": "ADJUSTMENT", "quantity": 1, "reason": "Found one"});
    let level = json!({"reorderLevel": 1, "reorderQuantity": 1});
    let address = json!({"shippingAddress": {"street": "1", "city": "B", "country": "US"}});
    let rows = [
        (&stage.ada, "cartLinesAdd", lines.clone()),
        (&stage.ada, "cartLinesUpdate", lines.clone()),
        (&stage.ada, "cartLinesRemove", json!({"skus": ["MUG"]})),
        (&stage.ada, "cartClear", json!({})),
        (&stage.admin, "productUpdate", with(mug.clone(), json!({"name": "A cup"}))),
        (&stage.admin, "productReprice", with(mug.clone(), json!({"price": usd(1)}))),
        (&stage.admin, "productDiscontinue", mug.clone()),
        (&stage.admin, "inventoryAdjust", with(mug.clone(), with(adjust, keyed.clone()))),
        (&stage.admin, "inventoryReorderLevelSet", with(mug, level)),
        (&stage.ada, "orderUpdate", with(order.clone(), address)),
        (&stage.ada, "orderCancel", with(order.clone(), keyed.clone())),
        (&stage.desk, "orderProcessingStart", order),
        (&stage.desk, "paymentCapture", with(payment.clone(), keyed.clone())),
        (&stage.desk, "paymentVoid", with(payment, keyed)),
    ];
    let head = stage.head().await;
    for (who, mutation, input) in rows {
        let stale = with(input, json!({"expectedVersion": 77}));
        let payload = who.mutate(mutation, "__typename", stale).await;
        refused(&payload, "VERSION_CONFLICT", "input.expectedVersion");
        assert_eq!(payload["errors"][0]["__typename"], "VersionConflictError", "{mutation}");
        let actual = payload["errors"][0]["actual"].as_i64().unwrap();
        assert!((1..77).contains(&actual), "{mutation} {actual}");
    }
    assert_eq!(stage.head().await, head);

    let update = with(lines, json!({"expectedVersion": cart["version"]}));
    stage.ada.done("cartLinesUpdate", "cart { id }", update.clone()).await;
    let payload = stage.ada.mutate("cartLinesUpdate", "cart { id }", update).await;
    refused(&payload, "VERSION_CONFLICT", "input.expectedVersion");
}

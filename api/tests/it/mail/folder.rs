//! Mail into a folder: which messages are written, when, and that none is written twice.

use std::path::PathBuf;

use projections::ReadModel;
use projections::rebuild::{RebuildMode, rebuild_all};
use serde_json::json;

use super::failures;
use crate::cluster::{Shop, key, until};
use crate::shop::stage::{Stage, id, order_input, text};

impl Stage {
    fn mail(&self) -> Vec<String> {
        let folder: PathBuf = self.shop.scratch.path().join("mail");
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let messages = files.filter(|path| path.extension().is_some_and(|kind| kind == "eml"));
        let mut messages: Vec<_> = messages.collect();
        messages.sort();
        messages.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
    }

    /// The subjects, without the order's number.
    fn subjects(&self) -> Vec<String> {
        let subject = |message: &String| {
            let line = message.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap();
            line.split(' ').filter(|word| !word.starts_with("C-")).collect::<Vec<_>>().join(" ")
        };
        let mut subjects: Vec<_> = self.mail().iter().map(subject).collect();
        subjects.sort();
        subjects
    }
}

#[tokio::test]
async fn the_buyer_is_notified_of_every_step() {
    let stage = Stage::with_mugs().await;
    let (order, _) = stage.paid("AUTOMATIC", ["PAID", "PAID"]).await;
    let of_order = json!({"orderId": order});
    stage.desk.done("orderProcessingStart", "order { id }", of_order.clone()).await;
    let parcel = json!({"orderId": order, "carrier": "Pigeon Post", "trackingNumber": "PP-0042"});
    stage.desk.done("orderShip", "order { id }", parcel).await;
    stage.desk.done("orderDeliver", "order { id }", of_order.clone()).await;
    stage.until_sent(5).await;

    let seen = stage.notifications(&stage.ada, &order).await;
    let mut templates: Vec<_> = seen.iter().map(|seen| text(&seen["template"])).collect();
    templates.sort();
    assert_eq!(
        templates,
        [
            "ORDER_CONFIRMATION",
            "ORDER_DELIVERED",
            "ORDER_PROCESSING",
            "ORDER_SHIPPED",
            "PAYMENT_CONFIRMATION",
        ],
    );
    for notification in &seen {
        assert_eq!(notification["status"], "SENT");
        assert_eq!(notification["recipient"], "ada@example.org");
        assert!(notification["sentAt"].is_string() && notification["nextAttemptAt"].is_null());
        assert_eq!((failures(notification).len(), &notification["version"]), (0, &json!(2)));
    }
    let messages = stage.mail();
    assert_eq!(messages.len(), 5);
    for part in ["To: Ada <ada@example.org>", "text/plain", "text/html", "Hello Ada"] {
        assert!(messages.iter().all(|message| message.contains(part)), "{part}: {}", messages[0]);
    }
    let shipped = messages.iter().find(|message| message.contains("is on its way")).unwrap();
    assert!(shipped.contains("PP-0042") && shipped.contains("Pigeon Post"), "{shipped}");
    assert!(messages.iter().any(|message| message.contains("Total: 49.98 USD")), "{messages:#?}");
}

#[tokio::test]
async fn the_buyer_is_notified_of_failures_and_cancellations() {
    let stage = Stage::with_mugs().await;
    let order = stage.order(&stage.ada, &[("MUG", 1)]).await;
    stage.pay(&stage.ada, &order, "AUTOMATIC", "tok_declined").await;
    stage.until_sent(2).await;
    let cancel = json!({"orderId": order, "idempotencyKey": key()});
    stage.ada.done("orderCancel", "order { id }", cancel).await;
    stage.until_sent(3).await;
    assert_eq!(
        stage.subjects(),
        ["Payment failed for order", "Your order at Cartulary", "Your order was cancelled"],
    );
}

#[tokio::test]
async fn the_buyer_is_notified_of_refunds_and_returns() {
    let stage = Stage::with_mugs().await;
    let order = stage.shipped().await;
    stage.desk.done("orderDeliver", "order { id }", json!({"orderId": order})).await;
    let accept = json!({"orderId": order, "lines": [{"sku": "MUG", "quantity": 1}],
        "restocking": "RESTOCKED", "idempotencyKey": key()});
    stage.desk.done("orderReturnAccept", "order { id }", accept).await;
    let payment = id(&stage.see(&stage.desk, &order).await["payments"][0]);
    let refund = json!({"paymentId": payment, "idempotencyKey": key()});
    stage.desk.done("paymentRefund", "payment { id }", refund).await;
    stage.until_sent(7).await;
    let subjects = stage.subjects();
    for subject in ["Refund for order", "Your return to order was accepted"] {
        assert!(subjects.contains(&subject.to_owned()), "{subjects:?}");
    }
}

#[tokio::test]
async fn the_buyer_is_notified_of_an_expired_order() {
    let shop = Shop::new().await.variable("CARTULARY_RESERVATION", "300ms");
    let stage = Stage::of(shop).await;
    stage.sell("MUG", 2_499, 2).await;
    stage.order(&stage.ada, &[("MUG", 2)]).await;
    stage.until_sent(2).await;
    assert_eq!(stage.subjects(), ["Your order at Cartulary", "Your order has expired"]);
}

#[tokio::test]
async fn guests_are_notified_too() {
    let stage = Stage::with_mugs().await;
    let made = stage.node.stranger().done("cartCreate", "token", json!({})).await;
    let guest = stage.node.guest(&text(&made["token"]));
    let order = stage.order(&guest, &[("MUG", 1)]).await;
    stage.until_sent(1).await;
    let seen = stage.notifications(&stage.desk, &order).await;
    assert_eq!((&seen[0]["status"], &seen[0]["customerId"]), (&json!("SENT"), &json!(null)));
}

#[tokio::test]
async fn staff_are_notified_once_of_low_stock() {
    let shop = Shop::new().await.variable("CARTULARY_STAFF_MAIL", "Store <store@example.com>");
    let stage = Stage::of(shop).await;
    stage.sell("MUG", 2_499, 5).await;
    let level =
        json!({"sku": "MUG", "reorderLevel": 3, "reorderQuantity": 20, "idempotencyKey": key()});
    stage.admin.done("inventoryReorderLevelSet", "inventoryItem { sku }", level).await;
    stage.order(&stage.ada, &[("MUG", 2)]).await;
    stage.until_sent(2).await;
    stage.order(&stage.ada, &[("MUG", 1)]).await;
    stage.until_sent(3).await;
    let alerts: Vec<_> =
        stage.mail().into_iter().filter(|message| message.contains("Low stock: MUG")).collect();
    assert_eq!(alerts.len(), 1);
    assert!(alerts[0].contains("To: Store <store@example.com>"), "{}", alerts[0]);
    assert!(alerts[0].contains("3 of MUG are left"), "{}", alerts[0]);
}

#[tokio::test]
async fn an_alert_without_a_recipient_is_abandoned_with_a_reason() {
    let stage = Stage::new().await;
    stage.sell("MUG", 2_499, 5).await;
    let level =
        json!({"sku": "MUG", "reorderLevel": 9, "reorderQuantity": 20, "idempotencyKey": key()});
    stage.admin.done("inventoryReorderLevelSet", "inventoryItem { sku }", level).await;
    let query = "{ notifications(filter: { template: LOW_STOCK }) {
        nodes { status recipient abandonedBecause } } }";
    until("the alert is abandoned", async || {
        let seen = stage.desk.ask(query, json!({})).await;
        seen["notifications"]["nodes"][0]["status"] == "ABANDONED"
    })
    .await;
    let seen = stage.desk.ask(query, json!({})).await["notifications"]["nodes"][0].clone();
    assert_eq!(seen["abandonedBecause"], "no address of staff is configured");
    assert_eq!(seen["recipient"], json!(null));
}

#[tokio::test]
async fn a_forgotten_person_gets_no_mail() {
    let stage = Stage::with_mugs().await;
    let order = stage.order(&stage.ada, &[("MUG", 1)]).await;
    stage.until_sent(1).await;
    // A node caches keys, so the test uses another node.
    let Stage { shop, node, .. } = stage;
    node.kill().await;
    let pool = shop.database.as_ref().unwrap().pool();
    sqlx::query("update subject_keys set key = null").execute(pool).await.unwrap();
    let stage = Stage::of(shop).await;
    let cancel = json!({"orderId": order, "idempotencyKey": key()});
    stage.desk.done("orderCancel", "order { id }", cancel).await;
    until("the message is abandoned", async || {
        let seen = stage.notifications(&stage.desk, &order).await;
        seen.iter().any(|seen| seen["abandonedBecause"] == "its recipient is forgotten")
    })
    .await;
    assert_eq!(stage.mail().len(), 1);
}

#[tokio::test]
async fn a_rebuild_sends_no_mail() {
    let stage = Stage::with_mugs().await;
    stage.paid("AUTOMATIC", ["PAID", "PAID"]).await;
    stage.until_sent(2).await;
    let (end, messages) = (stage.end().await, stage.mail());
    let url = stage.shop.url();
    let store = event_store::EventStore::connect(url, Default::default()).await.unwrap();
    let rebuilt = rebuild_all(&store, &ReadModel::ALL, RebuildMode::Replace, |_| ()).await;
    for (model, report) in rebuilt {
        assert!(report.unwrap().is_clean(), "{model}");
    }
    // New messages are still sent, and earlier ones are not sent again.
    stage.order(&stage.ada, &[("MUG", 1)]).await;
    stage.until_sent(3).await;
    assert!(stage.end().await > end);
    assert_eq!(stage.mail().len(), messages.len() + 1);
}

#[tokio::test]
async fn another_node_sends_the_mail_of_a_killed_node() {
    let stage = Stage::with_mugs().await;
    stage.fill(&stage.ada, &[("MUG", 1)]).await;
    stage.ada.done("orderPlace", "order { id }", order_input(&key())).await;
    let Stage { shop, node, .. } = stage;
    node.kill().await;
    let stage = Stage::of(shop).await;
    stage.until_sent(1).await;
    assert_eq!(stage.subjects(), ["Your order at Cartulary"]);
}

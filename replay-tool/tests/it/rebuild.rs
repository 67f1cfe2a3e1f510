//! `rebuild`: edited rows are repaired while the shop runs.

use domain::Sku;
use projections::ReadModel;
use serde_json::json;

use crate::support::{ORDER, Shop, delivered, within};

#[tokio::test]
async fn an_edited_row_is_named_and_repaired() {
    let shop = Shop::projected().await;
    shop.sql("update orders set total = 1").await;

    let only = shop.run_json(&["rebuild", "orders", "--verify-only"]).await.expect(1).document();
    assert_eq!((&only["model"], &only["replaced"]), (&json!("orders"), &json!(false)));
    let difference = json!({"key": ORDER.to_string(), "how": "changed"});
    assert_eq!(only["compared"]["differences"], json!([difference]));

    let mended = shop.run_json(&["rebuild", "orders"]).await.expect(0).document();
    assert_eq!((&mended["rows"], &mended["position"]), (&json!(1), &json!(9)));
    assert_eq!((&mended["compared"]["different"], &mended["replaced"]), (&json!(1), &json!(true)));
    assert!(mended["events_per_second"].as_f64().unwrap() > 0.0);

    shop.run_json(&["rebuild", "orders", "--verify-only"]).await.expect(0);
    shop.run(&["verify"]).await.expect(0);
}

#[tokio::test]
async fn the_old_table_is_kept_when_asked_for() {
    let shop = Shop::projected().await;
    let report = shop.run_json(&["rebuild", "products", "--keep-old"]).await.expect(0).document();
    let kept = report["kept_as"].as_str().unwrap();
    let count = sqlx::AssertSqlSafe(format!("select count(*) from {kept}"));
    let rows: i64 = sqlx::query_scalar(count).fetch_one(shop.database.pool()).await.unwrap();
    assert_eq!(rows, 1);
}

#[tokio::test]
async fn all_are_rebuilt_one_line_each() {
    let shop = Shop::projected().await;
    let answer = shop.run_json(&["rebuild", "--all"]).await.expect(0);
    let lines = answer.lines();
    assert_eq!(lines.len(), ReadModel::ALL.len());
    assert!(lines.iter().all(|line| line["compared"]["different"] == 0), "{}", answer.all());
    let answer = shop.run(&["rebuild", "--all"]).await.expect(0);
    assert!(answer.out.contains("audit: 9 rows from 9 events"), "{}", answer.all());
}

#[tokio::test]
async fn a_read_model_that_cannot_be_folded_stays_and_the_others_are_rebuilt() {
    let shop = Shop::projected().await;
    shop.tamper("update events set payload = '[]' where position = 8").await;
    let lines = shop.run_json(&["rebuild", "--all"]).await.expect(1).lines();
    let (failed, done): (Vec<_>, Vec<_>) = lines.iter().partition(|l| l["error"].is_string());
    let failed: Vec<_> = failed.iter().map(|line| line["model"].as_str().unwrap()).collect();
    assert_eq!(failed, ["orders", "deadlines"]);
    assert!(done.iter().all(|line| line["replaced"] == true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_works_while_a_projector_runs() {
    let shop = Shop::recorded().await;
    let projector = shop.project();
    shop.caught_up(&projector).await;
    let mug: Sku = "MUG".parse().unwrap();
    let rebuilt = shop.run_json(&["rebuild", "--all"]);
    tokio::pin!(rebuilt);
    let mut on_hand = 8;
    let answer = loop {
        on_hand += 1;
        tokio::select! {
            answer = &mut rebuilt => break answer.expect(0),
            _ = shop.record(mug.inventory(), vec![delivered(on_hand).into()]) => {}
        }
    };
    assert!(answer.lines().iter().all(|line| line["replaced"] == true), "{}", answer.all());
    shop.caught_up(&projector).await;
    within(projector.shutdown()).await;
    shop.run(&["verify"]).await.expect(0);
}

//! `status`: the positions of all projections and workers.

use projections::ReadModel;
use serde_json::json;

use crate::support::{Shop, within};

#[tokio::test]
async fn head_streams_and_projections_are_shown() {
    let shop = Shop::recorded().await;
    let status = shop.run_json(&["status"]).await.expect(0).document();
    assert_eq!((&status["head"], &status["streams"]), (&json!(9), &json!(4)));
    let products = &status["projections"][0];
    assert_eq!((&products["name"], &products["position"]), (&json!("products"), &json!(0)));
    assert_eq!((&products["lag_events"], &products["owner"]), (&json!(9), &json!(null)));

    let projector = shop.project();
    shop.caught_up(&projector).await;
    let status = shop.run_json(&["status"]).await.expect(0).document();
    let projections = status["projections"].as_array().unwrap();
    assert_eq!(projections.len(), ReadModel::ALL.len());
    assert!(projections.iter().all(|one| one["lag_events"] == 0 && one["owner"].is_string()));
    within(projector.shutdown()).await;
}

#[tokio::test]
async fn an_empty_shop_has_a_status() {
    let shop = Shop::recorded().await;
    shop.tamper("truncate events").await;
    let status = shop.run_json(&["status"]).await.expect(0).document();
    assert_eq!((&status["head"], &status["recorded_at"]), (&json!(0), &json!(null)));
}

#[tokio::test]
async fn parked_reactions_and_waiting_webhooks_are_counted_and_parked_ones_fail() {
    let shop = Shop::projected().await;
    shop.sql(
        "insert into inbox (provider, event_id, body) values ('simulator', 'evt_1', ''),
                                                             ('simulator', 'evt_2', '');
         update inbox set processed_at = now() where event_id = 'evt_2';
         insert into leases (name, owner, expires_at, position)
         values ('reactions', 'somebody', '-infinity', 4)",
    )
    .await;
    let status = shop.run_json(&["status"]).await.expect(0).document();
    assert_eq!(status["inbox_waiting"], 1);
    let reactions = &status["others"][0];
    assert_eq!((&reactions["name"], &reactions["lag_events"]), (&json!("reactions"), &json!(5)));

    shop.sql("insert into parked_reactions (position, reaction, reason) values (9, 'pay', 'why')")
        .await;
    let status = shop.run_json(&["status"]).await.expect(1).document();
    assert_eq!(status["parked_reactions"], 1);
}

#[tokio::test]
async fn workers_without_a_checkpoint_do_not_lag() {
    let shop = Shop::projected().await;
    shop.sql(
        "insert into leases (name, owner, expires_at)
         values ('deadlines_worker', 'node', 'infinity'), ('mail', 'node', 'infinity')",
    )
    .await;
    let status = shop.run_json(&["status"]).await.expect(0).document();
    for (worker, name) in
        status["others"].as_array().unwrap().iter().zip(["deadlines_worker", "mail"])
    {
        assert_eq!((&worker["name"], &worker["lag_events"]), (&json!(name), &json!(0)));
        assert_eq!(worker["lag_seconds"], json!(0.0));
    }
    let answer = shop.run(&["status", "--fail-over-lag", "0"]).await.expect(0);
    let line = answer.out.lines().find(|line| line.starts_with("mail")).unwrap();
    let fields: Vec<_> = line.split_whitespace().collect();
    assert_eq!(fields, ["mail", "-", "-", "1", "node"]);
}

#[tokio::test]
async fn a_lag_over_the_limit_fails() {
    let shop = Shop::recorded().await;
    shop.run(&["status"]).await.expect(0);
    shop.run(&["status", "--fail-over-lag", "9"]).await.expect(0);
    let answer = shop.run(&["status", "--fail-over-lag", "8"]).await.expect(1);
    let late = answer.out.matches("LATE: more than 8 events behind").count();
    assert_eq!(late, ReadModel::ALL.len(), "{}", answer.all());
    shop.run_json(&["status", "--fail-over-lag", "8"]).await.expect(1);
}

#[tokio::test]
async fn a_halted_projection_fails() {
    let shop = Shop::projected().await;
    shop.sql("update leases set stopped_because = 'poison' where name = 'projection:orders'").await;
    let answer = shop.run(&["status"]).await.expect(1);
    assert!(answer.out.contains("    STOPPED: poison\n"), "{}", answer.all());
}

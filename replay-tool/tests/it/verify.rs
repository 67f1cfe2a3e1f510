//! `verify`: it reports nothing for a good log, and finds every kind of damage.

use domain::inventory::InventoryEvent;
use domain::{OrderId, Sku};
use projections::ReadModel;
use serde_json::json;
use uuid::Uuid;

use crate::support::{ORDER, RunOutput, Shop, at, delivered};

/// Runs `verify` on the log of a new shop after these statements, with the log's trigger disabled.
async fn verified_after(statements: &'static str) -> RunOutput {
    let shop = Shop::projected().await;
    shop.tamper(statements).await;
    shop.run_json(&["verify"]).await.expect(1)
}

fn only(position: i64, message: &str) -> Vec<(Option<i64>, String)> {
    vec![(Some(position), message.to_owned())]
}

#[tokio::test]
async fn a_good_log_has_no_findings() {
    let shop = Shop::projected().await;
    let answer = shop.run_json(&["verify"]).await.expect(0);
    let summary = answer.document();
    assert_eq!(summary["is_well"], true);
    assert_eq!((&summary["head"], &summary["events"]), (&json!(9), &json!(9)));
    assert_eq!(summary["streams"], 4);
    assert_eq!(summary["findings"], json!({}));
    let models = summary["read_models"].as_array().unwrap();
    assert_eq!(models.len(), ReadModel::ALL.len());
    assert!(models.iter().all(|model| model["position"] == 9 && model["different"] == 0));

    let answer = shop.run(&["verify"]).await.expect(0);
    assert!(answer.out.ends_with("nothing is wrong\n"), "{}", answer.all());
    assert_eq!(answer.err, "", "progress is shown only on a terminal");
}

#[tokio::test]
async fn an_empty_log_and_one_without_projections_have_no_findings() {
    let shop = Shop::recorded().await;
    let summary = shop.run_json(&["verify"]).await.expect(0).document();
    assert_eq!(summary["read_models"][0]["position"], json!(null));
    shop.tamper("truncate events").await;
    assert_eq!(shop.run_json(&["verify"]).await.expect(0).document()["events"], 0);
}

#[tokio::test]
async fn a_hole_in_the_positions_is_found() {
    let answer = verified_after("delete from events where position in (4, 5)").await;
    assert_eq!(answer.findings("position"), only(6, "positions 4 to 5 are missing"));
    // The readers of the read models stop at the hole too.
    assert_eq!(answer.findings("read_model").len(), ReadModel::ALL.len());
}

#[tokio::test]
async fn a_log_that_does_not_begin_at_1_is_found() {
    let answer = verified_after("update events set position = -1 where position = 1").await;
    let found = answer.findings("position");
    assert_eq!(found[0], (Some(-1), "the log begins at position 1".to_owned()));
    assert_eq!(found[1], (Some(2), "positions 0 to 1 are missing".to_owned()));
}

#[tokio::test]
async fn a_log_that_lost_its_end_is_found_by_the_checkpoints() {
    let answer = verified_after("delete from events where position = 9").await;
    assert!(answer.findings("position").is_empty());
    let found = answer.findings("read_model");
    assert_eq!(found.len(), ReadModel::ALL.len(), "{}", answer.all());
    assert!(found[0].1.contains("the log ends at position 8"), "{found:?}");
}

#[tokio::test]
async fn a_gap_in_a_stream_is_found() {
    let answer =
        verified_after("update events set version = 4 where position = 5 and version = 3").await;
    assert_eq!(answer.findings("version"), only(5, "version 3 is missing"));
    let line = answer.lines().into_iter().find(|line| line["finding"] == "version").unwrap();
    let mug: Sku = "MUG".parse().unwrap();
    assert_eq!(line["stream"], json!(mug.inventory().id));
}

#[tokio::test]
async fn versions_in_the_wrong_order_are_found() {
    let answer = verified_after(
        "update events set version = 9 where position = 4;
         update events set version = 2 where position = 5;
         update events set version = 3 where position = 4;",
    )
    .await;
    let expected = "version 3 comes before version 2, which is at position 5";
    assert_eq!(answer.findings("version"), only(4, expected));
}

#[tokio::test]
async fn a_duplicate_version_is_found_if_the_unique_index_is_missing() {
    let answer = verified_after(
        "alter table events drop constraint events_stream_version;
         update events set version = 2 where position = 5",
    )
    .await;
    assert_eq!(answer.findings("version"), only(5, "version 2 occurs twice"));
    let guards = answer.findings("guard");
    assert_eq!(guards, [(None, "events_stream_version is missing".to_owned())]);
}

#[tokio::test]
async fn a_payload_that_cannot_be_read_is_found() {
    let answer =
        verified_after(r#"update events set payload = '{"order.lost":{}}' where position = 8"#)
            .await;
    let found = answer.findings("payload");
    assert_eq!(found.len(), 1, "{}", answer.all());
    assert_eq!(found[0].0, Some(8));
    assert!(found[0].1.contains("order.lost"), "{found:?}");
}

#[tokio::test]
async fn a_wrong_event_type_is_found() {
    let answer =
        verified_after("update events set event_type = 'order.expired' where position = 9").await;
    let found = answer.findings("event_type");
    assert_eq!(found.len(), 1, "{}", answer.all());
    assert!(found[0].1.contains("'order.expired'") && found[0].1.contains("'order.confirmed'"));
}

#[tokio::test]
async fn an_event_of_another_kind_is_found() {
    let answer = verified_after("update events set stream_type = 'cart' where position = 9").await;
    assert_eq!(
        answer.findings("stream"),
        only(9, "the event is of the kind 'cart', and its stream of the kind 'order'")
    );
    assert_eq!(answer.findings("payload").len(), 1);
}

#[tokio::test]
async fn time_that_runs_backwards_is_found() {
    let answer = verified_after(
        "update events set recorded_at = recorded_at - interval '1 day' where position = 7",
    )
    .await;
    let found = answer.findings("time");
    assert_eq!((found.len(), found[0].0), (1, Some(7)), "{}", answer.all());
}

#[tokio::test]
async fn a_duplicate_command_id_is_found() {
    let answer = verified_after(
        "drop index events_command;
         update events set command_id = (select command_id from events where position = 1)
         where position = 3",
    )
    .await;
    let found = answer.findings("command");
    assert_eq!((found.len(), found[0].0), (1, Some(3)), "{}", answer.all());
    assert!(found[0].1.ends_with("at positions [1, 3]"), "{found:?}");
    assert_eq!(answer.findings("guard").len(), 1);
}

/// Arithmetic overflow panics only if overflow checks are compiled in.
#[cfg(debug_assertions)]
#[tokio::test]
async fn a_stream_that_does_not_fold_is_found() {
    let shop = Shop::projected().await;
    let reserved = |order| InventoryEvent::Reserved {
        order: OrderId(Uuid::from_u128(order)),
        quantity: i64::MAX,
        expires_at: at(60),
        at: at(5),
    };
    let mug: Sku = "MUG".parse().unwrap();
    shop.record(mug.inventory(), vec![reserved(7).into(), reserved(8).into()]).await;
    let answer = shop.run_json(&["verify"]).await.expect(1);
    let found = answer.findings("fold");
    assert_eq!((found.len(), found[0].0), (1, Some(11)), "{}", answer.all());
}

#[tokio::test]
async fn a_disabled_guard_is_found() {
    let shop = Shop::projected().await;
    shop.sql("alter table events disable trigger events_are_final").await;
    let answer = shop.run(&["verify"]).await.expect(1);
    assert!(answer.out.contains("guard: events_are_final is disabled\n"), "{}", answer.all());
    assert!(answer.out.ends_with("1 FINDINGS: guard 1\n"), "{}", answer.all());
}

#[tokio::test]
async fn a_live_row_that_was_edited_is_found() {
    let shop = Shop::projected().await;
    shop.sql("update orders set total = 1").await;
    let answer = shop.run_json(&["verify"]).await.expect(1);
    let line = &answer.lines()[0];
    assert_eq!((&line["finding"], &line["read_model"]), (&json!("read_model"), &json!("orders")));
    assert_eq!(line["message"], format!("{ORDER} differs"));
}

#[tokio::test]
async fn a_halted_projection_is_found() {
    let shop = Shop::projected().await;
    shop.sql("update leases set stopped_because = 'poison' where name = 'projection:carts'").await;
    let answer = shop.run_json(&["verify"]).await.expect(1);
    assert_eq!(answer.findings("projection"), only(9, "it has stopped: poison"));
}

#[tokio::test]
async fn few_findings_are_printed_and_all_are_counted() {
    let shop = Shop::projected().await;
    shop.tamper("update events set payload = '[]'").await;
    let answer = shop.run_json(&["verify", "--show", "2"]).await.expect(1);
    assert_eq!(answer.findings("payload").len(), 2);
    assert_eq!(answer.lines().last().unwrap()["findings"]["payload"], 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_shop_is_verified_without_false_findings() {
    let shop = Shop::recorded().await;
    let projector = shop.project();
    let mug: Sku = "MUG".parse().unwrap();
    let verified = shop.run_json(&["verify"]);
    tokio::pin!(verified);
    let mut on_hand = 8;
    let answer = loop {
        on_hand += 1;
        tokio::select! {
            answer = &mut verified => break answer,
            _ = shop.record(mug.inventory(), vec![delivered(on_hand).into()]) => {}
        }
    };
    assert!(on_hand > 20, "the shop got many deliveries during the check");
    answer.expect(0);
    drop(projector);
}

//! Leases pass to other nodes, and a node that lost its lease cannot write.

use projections::{Projector, ReadModel};
use sqlx::AssertSqlSafe;

use crate::support::{BOUND, Shop, node, options, until, within};
use crate::traffic::traffic;

fn of_inventory() -> projections::ProjectorOptions {
    projections::ProjectorOptions { models: vec![ReadModel::Inventory], ..options() }
}

async fn waiting_writers(shop: &Shop) -> i64 {
    shop.count(
        "select count(*) from pg_locks l join pg_database d on d.oid = l.database
         where d.datname = current_database() and not granted
           and relation = 'inventory_items'::regclass",
    )
    .await
}

#[tokio::test]
async fn a_node_that_shuts_down_releases_its_leases() {
    let shop = Shop::open().await;
    traffic(&shop, 0..10).await;
    let projector = shop.project();
    shop.caught_up(&projector).await;
    within(projector.shutdown()).await;
    assert_eq!(shop.count("select count(*) from leases where expires_at > now()").await, 0);
}

#[tokio::test]
async fn a_node_takes_over_from_one_that_died() {
    let shop = Shop::open().await;
    traffic(&shop, 0..10).await;
    let first = shop.project();
    shop.caught_up(&first).await;
    let other = node(&shop.database).await;
    let second = Projector::start(other, options());
    traffic(&shop, 10..20).await;
    shop.caught_up(&first).await;
    drop(first);
    traffic(&shop, 20..30).await;
    shop.caught_up(&second).await;
    assert_eq!(
        shop.count("select count(*) from leases where epoch > 1").await,
        ReadModel::ALL.len() as i64
    );
    within(second.shutdown()).await;
    shop.assert_equal_to_rebuilds().await;
}

#[tokio::test]
async fn a_node_that_was_frozen_past_its_lease_cannot_write() {
    let shop = Shop::open().await;
    traffic(&shop, 0..10).await;
    let frozen = Projector::start(shop.store.clone(), of_inventory());
    let head = shop.store.head().await.unwrap();
    frozen.read_models().wait_for(&[ReadModel::Inventory], head, BOUND).await.unwrap();

    // The node is frozen while it writes: a lock on the table stops its statement.
    let mut gate = shop.database.pool().begin().await.unwrap();
    sqlx::raw_sql("lock table inventory_items in share row exclusive mode")
        .execute(&mut *gate)
        .await
        .unwrap();
    traffic(&shop, 10..20).await;
    until(async || waiting_writers(&shop).await == 1).await;

    // Its lease expires, and another node acquires it and would write the same rows.
    let other = node(&shop.database).await;
    let second = Projector::start(other, of_inventory());
    until(async || waiting_writers(&shop).await == 2).await;
    let owner = shop.count("select epoch from leases where name = 'projection:inventory'").await;
    assert_eq!(owner, 2);
    gate.rollback().await.unwrap();

    let head = shop.store.head().await.unwrap();
    second.read_models().wait_for(&[ReadModel::Inventory], head, BOUND).await.unwrap();
    let report =
        shop.rebuild(ReadModel::Inventory, projections::rebuild::RebuildMode::Verify).await;
    assert!(report.is_clean(), "{report:?}");
    let status = second.read_models().status().await.unwrap();
    assert!(status.iter().all(|status| status.stopped_because.is_none()), "{status:?}");
}

#[tokio::test]
async fn a_node_whose_lease_is_taken_while_it_writes_writes_nothing() {
    // One projection writes with a single statement; the other also removes rows and needs several.
    for (model, table) in [
        (ReadModel::Inventory, "inventory_items"),
        (ReadModel::Reservations, "inventory_reservations"),
    ] {
        let shop = Shop::open().await;
        traffic(&shop, 0..20).await;
        let rows = async || -> String {
            let rows =
                format!("select string_agg(row::text, ' ' order by row::text) from {table} row");
            let rows = sqlx::query_scalar(AssertSqlSafe(rows));
            rows.fetch_one(shop.database.pool()).await.unwrap()
        };
        let options = projections::ProjectorOptions { models: vec![model], ..options() };
        let projector = Projector::start(shop.store.clone(), options);
        let head = shop.store.head().await.unwrap();
        projector.read_models().wait_for(&[model], head, BOUND).await.unwrap();
        let before = rows().await;

        let mut gate = shop.database.pool().begin().await.unwrap();
        let lock = format!("lock table {table} in share row exclusive mode");
        sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut *gate).await.unwrap();
        traffic(&shop, 20..30).await;
        let writing = "select count(*) from pg_locks where not granted and relation is not null
                       and database = (select oid from pg_database where datname = current_database())";
        until(async || shop.count(writing).await == 1).await;
        shop.sql(
            "update leases set epoch = epoch + 1, owner = 'another',
                               expires_at = clock_timestamp() + interval '1 hour'",
        )
        .await;
        gate.rollback().await.unwrap();
        let at_work = "select count(*) from pg_stat_activity
                       where datname = current_database() and pid <> pg_backend_pid()
                         and state <> 'idle' and query ~ 'advance_lease|inventory_'";
        until(async || shop.count(at_work).await == 0).await;
        assert_eq!(rows().await, before, "{model}");
    }
}

#[tokio::test]
async fn rows_and_checkpoint_are_written_together_or_not_at_all() {
    let shop = Shop::open().await;
    traffic(&shop, 0..7).await;
    // The last statement of the transaction fails, after the rows were written.
    shop.sql(
        "create function refuse() returns trigger language plpgsql as
             $$ begin raise exception 'not now' using errcode = '57014'; end $$;
         create trigger refuse before update of position on leases
             for each row when (old.position <> new.position) execute function refuse()",
    )
    .await;
    let projector = Projector::start(shop.store.clone(), of_inventory());
    until(async || {
        // The transaction was rolled back at least twice.
        shop.count("select pg_stat_get_db_xact_rollback(oid) from pg_database where datname = current_database()").await >= 2
    })
    .await;
    assert_eq!(shop.count("select count(*) from inventory_items").await, 0);
    shop.sql("drop trigger refuse on leases").await;
    let head = shop.store.head().await.unwrap();
    projector.read_models().wait_for(&[ReadModel::Inventory], head, BOUND).await.unwrap();
    assert_eq!(shop.count("select count(*) from inventory_items").await, 7);
}

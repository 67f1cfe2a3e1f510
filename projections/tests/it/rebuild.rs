//! Rebuilding, comparing and swapping.

use domain::coupon::{CouponCode, CouponEvent, CouponTerms, Discount};
use domain::order::{CancelReason, OrderEvent};
use domain::{NotificationId, OrderId};
use event_store::StoreError;
use projections::ReadModel;
use projections::rebuild::{
    DifferenceKind, RebuildError, RebuildMode, RebuildOptions, rebuild, rebuild_all,
};
use sqlx::Connection;
use uuid::Uuid;

use crate::notifications::requested;
use crate::support::{Shop, at, id, node, within};
use crate::traffic::{traffic, traffic_in_few_appends};

const DEFINITION: &str = "
    select string_agg(line, E'\n' order by line) from (
        select pg_get_indexdef(indexrelid) as line from pg_index
        where indrelid = 'orders'::regclass
        union all
        select conname || ' ' || pg_get_constraintdef(oid) from pg_constraint
        where conrelid = 'orders'::regclass
        union all
        select attname || ' ' || format_type(atttypid, atttypmod) || attnotnull || attcollation
        from pg_attribute where attrelid = 'orders'::regclass and attnum > 0
        union all
        select reloptions::text from pg_class where oid = 'orders'::regclass
    ) as definition (line)";

async fn definition(shop: &Shop) -> String {
    sqlx::query_scalar(DEFINITION).fetch_one(shop.database.pool()).await.unwrap()
}

async fn shop() -> Shop {
    let shop = Shop::open().await;
    traffic(&shop, 0..100).await;
    shop.projected().await;
    shop
}

#[tokio::test]
async fn live_rows_equal_rebuilt_rows() {
    let shop = shop().await;
    shop.assert_equal_to_rebuilds().await;
    let report = shop.rebuild(ReadModel::Inventory, RebuildMode::Verify).await;
    assert_eq!((report.rows, report.position), (7, shop.store.head().await.unwrap()));
    assert!(!report.replaced);
    let left = shop.count("select count(*) from pg_namespace where nspname ~ '^rebuild'").await;
    assert_eq!(left, 0);
}

#[tokio::test]
async fn rows_edited_by_hand_are_found_and_repaired() {
    let shop = shop().await;
    shop.sql(
        "update inventory_items set state = replace(state::text, '\"on_hand\":', '\"on_hand\":1')::json
             where sku = 'SKU-3';
         delete from inventory_items where sku = 'SKU-4';
         update inventory_items set id = gen_random_uuid(), updated_at = now() where sku = 'SKU-5'",
    )
    .await;

    let report = shop.rebuild(ReadModel::Inventory, RebuildMode::Verify).await;

    assert!(!report.is_clean());
    let compared = report.compared.unwrap();
    assert_eq!(compared.different, 4);
    let count = |kind| compared.differences.iter().filter(|d| d.kind == kind).count();
    assert_eq!(
        (
            count(DifferenceKind::Changed),
            count(DifferenceKind::Missing),
            count(DifferenceKind::Surplus)
        ),
        (1, 2, 1)
    );

    let report = shop.rebuild(ReadModel::Inventory, RebuildMode::Replace).await;
    assert_eq!(report.compared.unwrap().different, 4);
    assert!(report.replaced);
    shop.assert_equal_to_rebuilds().await;
}

#[tokio::test]
async fn a_deadline_removed_by_hand_is_reported_with_its_whole_key() {
    let shop = shop().await;
    shop.sql("delete from deadlines").await;
    let compared = shop.rebuild(ReadModel::Deadlines, RebuildMode::Verify).await.compared.unwrap();
    assert!(compared.different > 0);
    assert!(compared.differences[0].to_string().starts_with("order_expiry/"));
}

#[tokio::test]
async fn the_new_table_has_the_definition_of_the_old_one() {
    let shop = shop().await;
    let before = definition(&shop).await;
    shop.rebuild(ReadModel::Orders, RebuildMode::Replace).await;
    assert_eq!(definition(&shop).await, before);
    assert!(before.contains("orders_placed") && before.contains("fillfactor"));
}

#[tokio::test]
async fn the_old_table_is_kept_if_asked_for() {
    let shop = shop().await;
    shop.sql("update orders set currency = 'EUR'").await;
    let first = shop.rebuild(ReadModel::Orders, RebuildMode::ReplaceAndKeep).await;
    let second = shop.rebuild(ReadModel::Orders, RebuildMode::ReplaceAndKeep).await;
    assert!(second.is_clean());
    let euros = async |table: Option<String>| {
        let count = format!("select count(*) from {} where currency = 'EUR'", table.unwrap());
        let count = sqlx::query_scalar(sqlx::AssertSqlSafe(count));
        count.fetch_one(shop.database.pool()).await
    };
    let first: i64 = euros(first.kept_as).await.unwrap();
    let second: i64 = euros(second.kept_as).await.unwrap();
    assert_eq!((first, second), (25, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn projectors_and_queries_continue_while_tables_are_swapped() {
    let shop = shop().await;
    let projector = shop.project();
    for round in 0..3 {
        let rebuilds = async {
            for report in shop.rebuild_all(RebuildMode::Replace).await {
                assert!(report.is_clean(), "{report:?}");
            }
        };
        let begins = 100 + round * 200;
        tokio::join!(rebuilds, traffic(&shop, begins..begins + 200));
    }
    let models = shop.caught_up(&projector).await;
    let stopped = models.status().await.unwrap();
    assert!(stopped.iter().all(|status| status.stopped_because.is_none()), "{stopped:?}");
    within(projector.shutdown()).await;
    shop.assert_equal_to_rebuilds().await;
}

#[tokio::test]
async fn a_projector_drops_its_rows_when_the_table_was_replaced() {
    let shop = shop().await;
    shop.sql(
        "update inventory_items set state =
             replace(state::text, '\"reorder_level\":1', '\"reorder_level\":77')::json",
    )
    .await;
    let projector = shop.project();
    // Loads the edited rows, and keeps them in memory.
    traffic(&shop, 100..120).await;
    shop.caught_up(&projector).await;
    let report = shop.rebuild(ReadModel::Inventory, RebuildMode::Replace).await;
    assert!(!report.is_clean());
    traffic(&shop, 120..140).await;
    shop.caught_up(&projector).await;
    within(projector.shutdown()).await;
    shop.assert_equal_to_rebuilds().await;
}

#[tokio::test]
async fn rows_of_another_version_are_replaced_without_being_compared() {
    let shop = shop().await;
    shop.sql("update leases set version = 0 where name = 'projection:orders'").await;
    traffic(&shop, 100..120).await;
    let report = shop.rebuild(ReadModel::Orders, RebuildMode::Replace).await;
    assert_eq!(report.compared, None);
    // There is nothing to compare with, so the rebuild includes the whole log.
    assert_eq!(report.position, shop.store.head().await.unwrap());
    shop.projected().await;
    shop.assert_equal_to_rebuilds().await;
}

#[tokio::test]
async fn a_read_model_is_rebuilt_by_one_process_at_a_time() {
    let shop = shop().await;
    let mut other = sqlx::PgConnection::connect(shop.database.url()).await.unwrap();
    sqlx::raw_sql("select pg_advisory_lock(hashtext('rebuild:orders'))")
        .execute(&mut other)
        .await
        .unwrap();
    let refused = rebuild(&shop.store, ReadModel::Orders, RebuildMode::Verify, |_| ()).await;
    assert!(matches!(refused, Err(RebuildError::Busy(ReadModel::Orders))));
    shop.rebuild(ReadModel::Carts, RebuildMode::Verify).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_with_little_memory_makes_the_same_rows() {
    let shop = Shop::open().await;
    traffic_in_few_appends(&shop, 0..1_500).await;
    // Streams and deadlines that begin in one page of the log continue in another.
    for n in (2_u32..1_500).step_by(4).filter(|n| !n.is_multiple_of(3)).take(50) {
        let order = OrderId(Uuid::from_u128(u128::from(n) + 1));
        let reason = CancelReason::Customer(None);
        shop.record(order.stream(), [OrderEvent::Cancelled { reason, at: at(9) }]).await;
    }
    let code: CouponCode = "SPRING".parse().unwrap();
    let (valid_from, valid_until, minimum, usage_limit) = Default::default();
    let discount = Discount::Percentage("10".parse().unwrap());
    let terms = CouponTerms { discount, valid_from, valid_until, minimum, usage_limit };
    shop.record(code.stream(), [CouponEvent::Created { code, terms, at: at(9) }]).await;
    shop.record(NotificationId(id()).stream(), [requested(None, None)]).await;
    assert!(shop.store.head().await.unwrap() > 3_000, "several pages");
    shop.projected().await;

    for mode in [RebuildMode::Verify, RebuildMode::Replace] {
        for report in shop.rebuild_all(RebuildOptions { mode, memory_bytes: 0 }).await {
            assert!(report.rows > 0 && report.compared.is_some());
            assert!(report.is_clean(), "{report:?}");
        }
    }
    shop.assert_equal_to_rebuilds().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hole_in_the_log_is_reported_and_no_table_is_swapped() {
    let shop = shop().await;
    let mut connection = sqlx::PgConnection::connect(shop.database.url()).await.unwrap();
    let hole = "set session_replication_role = replica; delete from events where position = 77";
    sqlx::raw_sql(hole).execute(&mut connection).await.unwrap();
    let epochs = "select sum(epoch)::bigint from leases";
    let before = shop.count(epochs).await;

    // A node that does not have the event in its tail.
    let store = node(&shop.database).await;
    for (model, rebuilt) in rebuild_all(&store, &ReadModel::ALL, RebuildMode::Replace, |_| ()).await
    {
        let error = rebuilt.unwrap_err();
        let hole = matches!(error, RebuildError::Store(StoreError::Hole { after: 76 }));
        assert!(hole, "{model}: {error}");
    }
    assert_eq!(shop.count(epochs).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_does_not_prevent_the_others() {
    let shop = shop().await;
    let mut other = sqlx::PgConnection::connect(shop.database.url()).await.unwrap();
    sqlx::raw_sql("select pg_advisory_lock(hashtext('rebuild:carts'))")
        .execute(&mut other)
        .await
        .unwrap();
    let mut last = None;
    let rebuilt =
        rebuild_all(&shop.store, &ReadModel::ALL, RebuildMode::Replace, |step| last = Some(step));
    let rebuilt = within(rebuilt).await;
    assert!(rebuilt.iter().map(|(model, _)| *model).eq(ReadModel::ALL), "in the order given");
    for (model, rebuilt) in rebuilt {
        match rebuilt {
            Ok(report) => assert!(report.replaced && report.is_clean(), "{report:?}"),
            Err(error) => {
                assert!(matches!(error, RebuildError::Busy(ReadModel::Carts)), "{model}: {error}");
            }
        }
    }
    let last = last.unwrap();
    assert_eq!((last.position, last.position), (last.target, shop.store.head().await.unwrap()));
}

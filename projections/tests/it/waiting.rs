//! Waiting for a read model, so that a client reads its own writes.

use std::time::Duration;

use projections::{Projector, ReadModel, ReadModels};

use crate::support::{BOUND, Shop, node, options, within};
use crate::traffic::traffic;

#[tokio::test]
async fn a_reader_that_waited_for_a_position_sees_its_rows() {
    let shop = Shop::open().await;
    let projector = shop.project();
    let models = projector.read_models();
    for n in 0..40 {
        traffic(&shop, n..n + 1).await;
        let head = shop.store.head().await.unwrap();
        models.wait_for(&[ReadModel::Inventory, ReadModel::Ledger], head, BOUND).await.unwrap();
        let lines = shop.count("select count(*) from inventory_ledger").await;
        assert_eq!(lines, i64::from(n) + 1);
    }
}

#[tokio::test]
async fn a_node_without_a_projector_reads_positions_from_the_database() {
    let shop = Shop::open().await;
    let other = node(&shop.database).await;
    let projector = Projector::start(other, options());
    let models = ReadModels::new(shop.store.pool().clone());
    traffic(&shop, 0..20).await;
    let head = shop.store.head().await.unwrap();
    // The same holds for models that ignore the last events.
    models.wait_for(&ReadModel::ALL, head, BOUND).await.unwrap();
    within(projector.shutdown()).await;
}

#[tokio::test]
async fn waiting_ends_with_the_position_that_the_read_model_reached() {
    let shop = Shop::open().await;
    traffic(&shop, 0..5).await;
    let models = shop.projected().await;
    let head = shop.store.head().await.unwrap();
    let wait = models.wait_for(&ReadModel::ALL, head + 1, Duration::from_millis(20));
    let stale = within(wait).await.unwrap_err();
    assert_eq!(stale.model, ReadModel::Products);
    assert_eq!((stale.reached, stale.wanted), (head, head + 1));
}

#[tokio::test]
async fn status_has_lag_and_owner() {
    let shop = Shop::open().await;
    traffic(&shop, 0..5).await;
    let models = ReadModels::new(shop.store.pool().clone());
    let head = shop.store.head().await.unwrap();
    for status in models.status().await.unwrap() {
        assert_eq!((status.position, status.lag_events, status.owner), (0, head, None));
        assert!(status.lag_time > Duration::ZERO);
    }
    let named = projections::ProjectorOptions { owner: "node-1".to_owned(), ..options() };
    let projector = Projector::start(shop.store.clone(), named);
    let models = shop.caught_up(&projector).await;
    for model in ReadModel::ALL {
        // All of this is known from the database alone.
        let known = ReadModels::new(shop.store.pool().clone());
        known.wait_for(&[model], head, BOUND).await.unwrap();
    }
    for status in models.status().await.unwrap() {
        assert_eq!((status.position, status.lag_events), (head, 0));
        assert_eq!(status.lag_time, Duration::ZERO);
        assert!(status.version >= 1);
        assert_eq!(status.owner.as_deref(), Some("node-1"));
    }
}

//! An event that cannot be applied halts the projections that read it, reports it, and halts no
//! other.

use cqrs_es::persist::{EventUpcaster, SerializedEvent};
use domain::CartId;
use domain::cart::{CartEvent, Owner};
use projections::{ProjectionStatus, Projector, ReadModel, ReadModels};

use crate::support::{BOUND, By, Shop, at, id, node_with, options, until, within};
use crate::traffic::traffic;

/// The projections that decode events of carts.
const POISONED: [ReadModel; 2] = [ReadModel::Carts, ReadModel::Deadlines];

/// An upcaster that makes the poison event readable.
struct Antidote;

impl EventUpcaster for Antidote {
    fn can_upcast(&self, event_type: &str, event_version: &str) -> bool {
        (event_type, event_version) == ("cart.cleared", "0")
    }

    fn upcast(&self, mut event: SerializedEvent) -> SerializedEvent {
        event.payload = serde_json::to_value(CartEvent::Cleared { at: at(1) }).unwrap();
        event.event_version = "1".to_owned();
        event
    }
}

/// Appends some events, one that cannot be decoded, and some more; returns the position of that
/// one.
async fn poisoned(shop: &Shop) -> i64 {
    traffic(shop, 0..10).await;
    let cart = CartId(id()).stream();
    shop.record(
        cart,
        [CartEvent::Created { owner: Owner::Guest, idle_seconds: 604_800, at: at(0) }],
    )
    .await;
    let poison = (cart, "cart.cleared", 0, r#"{"cart.cleared":"?"}"#.to_owned());
    let position = shop.record_raw(By::actor("system:test"), vec![poison]).await;
    traffic(shop, 10..20).await;
    position
}

async fn stopped(models: &ReadModels) -> Vec<ProjectionStatus> {
    let status = models.status().await.unwrap();
    status.into_iter().filter(|status| status.stopped_because.is_some()).collect()
}

async fn until_stopped(models: &ReadModels) {
    until(async || stopped(models).await.len() == POISONED.len()).await;
}

#[tokio::test]
async fn an_event_that_cannot_be_read_stops_only_the_projections_that_read_it() {
    let shop = Shop::open().await;
    let position = poisoned(&shop).await;
    let head = shop.store.head().await.unwrap();
    let projector = shop.project();
    let models = projector.read_models();

    until_stopped(models).await;
    for status in stopped(models).await {
        assert!(POISONED.contains(&status.model));
        // All events before it are in the rows.
        assert_eq!(status.position, position - 1);
        assert_eq!(status.lag_events, head - position + 1);
        let reason = status.stopped_because.unwrap();
        assert!(reason.contains(&format!("position {position}")), "{reason}");
    }
    let others: Vec<_> = ReadModel::ALL.into_iter().filter(|m| !POISONED.contains(m)).collect();
    models.wait_for(&others, head, BOUND).await.unwrap();
}

#[tokio::test]
async fn a_node_that_can_read_the_event_takes_over_and_clears_the_reason() {
    let shop = Shop::open().await;
    poisoned(&shop).await;
    let projector = shop.project();
    until_stopped(projector.read_models()).await;

    let newer = event_store::StoreOptions {
        upcasters: vec![Box::new(Antidote)],
        ..event_store::StoreOptions::default()
    };
    let newer = node_with(&shop.database, newer).await;
    let second = Projector::start(newer, options());

    let models = shop.caught_up(&second).await;
    assert_eq!(stopped(&models).await, []);
}

#[tokio::test]
async fn a_projection_whose_reason_was_cleared_tries_again() {
    let shop = Shop::open().await;
    traffic(&shop, 0..10).await;
    shop.sql("alter table carts add constraint temporary check (version < 0)").await;
    let projector = shop.project();
    let models = projector.read_models();
    until(async || stopped(models).await.len() == 1).await;
    let status = stopped(models).await.remove(0);
    // The one event that the table refuses was found among the others.
    assert_eq!(status.model, ReadModel::Carts);
    let first = shop.count("select min(position) from events where stream_type = 'cart'").await;
    assert_eq!(status.position, first - 1);

    shop.sql("alter table carts drop constraint temporary").await;
    shop.sql("update leases set stopped_because = null where name = 'projection:carts'").await;

    shop.caught_up(&projector).await;
    within(projector.shutdown()).await;
    shop.assert_equal_to_rebuilds().await;
}

#[tokio::test]
async fn a_hole_in_the_log_halts_every_projection() {
    let shop = Shop::open().await;
    traffic(&shop, 0..5).await;
    shop.sql(
        "insert into events select (select max(position) + 2 from events), stream_type, gen_random_uuid(), 1, event_type,
                schema_version, payload, null, null, null, correlation_id, null, actor, recorded_at
         from events where position = 1",
    )
    .await;
    let store = crate::support::node(&shop.database).await;
    let projector = Projector::start(store, options());
    let models = projector.read_models();
    until(async || stopped(models).await.len() == ReadModel::ALL.len()).await;
    for status in stopped(models).await {
        assert!(status.stopped_because.unwrap().contains("hole"));
    }
}

#[tokio::test]
async fn rows_of_another_version_are_not_changed() {
    let shop = Shop::open().await;
    traffic(&shop, 0..5).await;
    shop.projected().await;
    shop.sql("update leases set version = 0 where name = 'projection:orders'").await;
    traffic(&shop, 5..10).await;
    let projector = shop.project();
    let models = projector.read_models();
    until(async || stopped(models).await.len() == 1).await;
    let status = stopped(models).await.remove(0);
    assert_eq!(status.model, ReadModel::Orders);
    assert!(status.lag_events > 0);
    assert!(status.stopped_because.unwrap().contains("version 0"));
}

//! The audit trail: who did what, when and why.

use domain::product::ProductEvent;
use domain::{Event, Kind, StreamId};
use event_store::RecordedEvent;
use projections::ReadModels;
use projections::audit::Filter;

use crate::support::{By, Shop, at, id, items, page, sku, text, usd, walk};

fn product() -> StreamId {
    sku("A").product()
}

fn created() -> Event {
    ProductEvent::Created {
        sku: sku("A"),
        name: text("A thing"),
        description: None,
        image_url: None,
        price: usd(1),
        at: at(0),
    }
    .into()
}

fn repriced(price: i64) -> Event {
    ProductEvent::Repriced { price: usd(price), at: at(1) }.into()
}

fn positions(events: Vec<RecordedEvent>) -> Vec<i64> {
    events.iter().map(|event| event.position).collect()
}

async fn found(models: &ReadModels, filter: Filter) -> Vec<i64> {
    positions(items(models.events(&filter, &page(100)).await.unwrap()))
}

/// Events 1 and 2 are of one command. Event 3 reacts to 2, and 4 is of the same command as 3. Event
/// 5 reacts to 4. Event 6 is of another person's command.
async fn shop() -> (Shop, By) {
    let shop = Shop::open().await;
    let mary = By::actor("staff:mary");
    shop.record_by(mary.clone(), vec![(product(), created()), (product(), repriced(2))]).await;
    let reaction = |caused_by| By {
        correlation: mary.correlation,
        caused_by: Some(caused_by),
        ..By::actor("system:reactions")
    };
    shop.record_by(reaction(2), vec![(product(), repriced(3)), (product(), repriced(4))]).await;
    shop.record_by(reaction(4), vec![(product(), repriced(5))]).await;
    shop.record_by(By::actor("key:shop"), vec![(product(), repriced(6))]).await;
    (shop, mary)
}

#[tokio::test]
async fn events_are_found_by_each_field_of_their_envelope() {
    let (shop, mary) = shop().await;
    let models = shop.projected().await;
    let all = Filter::default();
    assert_eq!(found(&models, all.clone()).await, [6, 5, 4, 3, 2, 1]);
    let created = vec!["product.created".to_owned(), "order.placed".to_owned()];
    let types = Some(created.clone());
    assert_eq!(found(&models, Filter { types, ..all.clone() }).await, [1]);
    let types =
        Some(["product.created", "product.repriced", "product.created"].map(str::to_owned).into());
    assert_eq!(found(&models, Filter { types, ..all.clone() }).await, [6, 5, 4, 3, 2, 1]);
    let actor = Some("staff:mary".to_owned());
    assert_eq!(found(&models, Filter { actor, ..all.clone() }).await, [2, 1]);
    let (actor, types) = (Some("staff:mary".to_owned()), Some(created));
    assert_eq!(found(&models, Filter { actor, types, ..all.clone() }).await, [1]);
    let correlation_id = Some(mary.correlation);
    assert_eq!(found(&models, Filter { correlation_id, ..all.clone() }).await, [5, 4, 3, 2, 1]);
    // The command of a reaction is the root of no correlation.
    let correlation_id = shop.store.events_between(3, 3).await.unwrap()[0].command_id;
    assert!(found(&models, Filter { correlation_id, ..all.clone() }).await.is_empty());
    let command_id = Some(mary.command);
    assert_eq!(found(&models, Filter { command_id, ..all.clone() }).await, [2, 1]);
    let command_id = Some(id());
    assert!(found(&models, Filter { command_id, ..all.clone() }).await.is_empty());
    let kind = Some(Kind::Order);
    assert!(found(&models, Filter { kind, ..all.clone() }).await.is_empty());
    let stream_id = Some(product().id);
    assert_eq!(found(&models, Filter { stream_id, ..all.clone() }).await.len(), 6);

    let log = shop.store.events_between(1, 6).await.unwrap();
    for first in 0..6 {
        for last in first..6 {
            let (from, to) = (Some(log[first].recorded_at), Some(log[last].recorded_at));
            let wanted: Vec<i64> = (first as i64 + 1..=last as i64).rev().collect();
            assert_eq!(found(&models, Filter { from, to, ..all.clone() }).await, wanted);
        }
    }
    let microsecond = chrono::TimeDelta::microseconds(1);
    let from = Some(log[5].recorded_at + microsecond);
    assert!(found(&models, Filter { from, ..all.clone() }).await.is_empty());
    let (to, types) = (Some(log[2].recorded_at), Some(vec!["product.repriced".to_owned()]));
    assert_eq!(found(&models, Filter { to, types, ..all }).await, [2]);
}

#[tokio::test]
async fn events_are_returned_as_they_are_stored() {
    let (shop, _) = shop().await;
    let models = shop.projected().await;
    let all = walk(|page| {
        let models = models.clone();
        async move { models.events(&Filter::default(), &page).await.unwrap() }
    });
    let mut all = all.await;
    all.reverse();
    let log = shop.store.events_between(1, 6).await.unwrap();
    assert_eq!(all, log.iter().map(|event| (**event).clone()).collect::<Vec<_>>());
}

#[tokio::test]
async fn history_returns_a_stream_from_its_first_event() {
    let (shop, _) = shop().await;
    let models = shop.projected().await;
    let all = walk(|page| {
        let models = models.clone();
        async move { models.history(product(), &page).await.unwrap() }
    });
    assert_eq!(positions(all.await), [1, 2, 3, 4, 5, 6]);
    let order = StreamId::new(Kind::Order, product().id);
    assert_eq!(items(models.history(order, &page(9)).await.unwrap()), []);
}

#[tokio::test]
async fn causes_lead_back_to_the_first_event_of_the_command_that_began_the_chain() {
    let (shop, _) = shop().await;
    let models = shop.projected().await;
    for (position, chain) in [
        (5, vec![5, 4, 2, 1]),
        (3, vec![3, 2, 1]),
        (2, vec![2, 1]),
        (1, vec![1]),
        (6, vec![6]),
        (7, vec![]),
    ] {
        let why = models.causes(position).await.unwrap();
        assert_eq!(positions(why), chain, "{position}");
    }
}

#[tokio::test]
async fn pages_of_several_types_neither_skip_nor_repeat() {
    let (shop, _) = shop().await;
    let models = shop.projected().await;
    let types = Some(["product.created", "product.repriced"].map(str::to_owned).into());
    let filter = Filter { types, ..Filter::default() };
    let all = walk(|page| {
        let (models, filter) = (models.clone(), filter.clone());
        async move { models.events(&filter, &page).await.unwrap() }
    });
    assert_eq!(positions(all.await), [6, 5, 4, 3, 2, 1]);
}

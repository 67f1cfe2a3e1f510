//! One node's readers share what they read of the log.

use event_store::RecordedEvent;
use projections::Feed;

use crate::support::{Shop, within};
use crate::traffic::traffic;

async fn positions(feed: &Feed, after: i64, limit: usize) -> Vec<i64> {
    let entries = within(feed.read(after, limit)).await.unwrap();
    entries.iter().map(|entry| entry.position()).collect()
}

#[tokio::test]
async fn readers_at_different_places_each_read_on_without_a_hole() {
    let shop = Shop::open().await;
    traffic(&shop, 0..20).await;
    // Another node's: it reads from Postgres, not from the writer's memory.
    let feed = Feed::new(crate::support::node(&shop.database).await);
    for (after, limit) in [(10, 5), (10, 5), (12, 9), (15, 3), (0, 4), (30, 2), (18, 4), (31, 9)] {
        let mut read = vec![];
        while read.len() < limit {
            // Memory may hold the beginning only; the rest is asked for next.
            let last = read.last().copied().unwrap_or(after);
            read.extend(positions(&feed, last, limit - read.len()).await);
        }
        assert_eq!(read, (after + 1..=after + limit as i64).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn an_event_is_decoded_once_for_all_who_read_it() {
    let shop = Shop::open().await;
    traffic(&shop, 0..3).await;
    let feed = Feed::new(shop.store.clone());
    let first = feed.read(0, 1).await.unwrap().remove(0);
    let second = feed.read(0, 1).await.unwrap().remove(0);
    assert!(std::ptr::eq(first.decoded().unwrap(), second.decoded().unwrap()));
    let stored: &RecordedEvent = &first.raw;
    assert_eq!(&projections::decode(stored).unwrap(), second.decoded().unwrap());
}

//! The readers of one node share what they read from the log.

use event_store::RecordedEvent;
use projections::Feed;

use crate::support::{Shop, within};
use crate::traffic::traffic;

async fn positions(feed: &Feed, after: i64, limit: usize) -> Vec<i64> {
    let entries = within(feed.read(after, limit)).await.unwrap();
    entries.iter().map(|entry| entry.position()).collect()
}

#[tokio::test]
async fn readers_at_different_positions_each_read_all_events() {
    let shop = Shop::open().await;
    traffic(&shop, 0..20).await;
    // The events are of another node, so they are read from Postgres and not from the tail.
    let feed = Feed::new(crate::support::node(&shop.database).await);
    for (after, limit) in [(10, 5), (10, 5), (12, 9), (15, 3), (0, 4), (30, 2), (18, 4), (31, 9)] {
        let mut read = vec![];
        while read.len() < limit {
            // The tail may hold only the first events; the next call reads the others.
            let last = read.last().copied().unwrap_or(after);
            read.extend(positions(&feed, last, limit - read.len()).await);
        }
        assert_eq!(read, (after + 1..=after + limit as i64).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn an_event_is_decoded_once_for_all_its_readers() {
    let shop = Shop::open().await;
    traffic(&shop, 0..3).await;
    let feed = Feed::new(shop.store.clone());
    let first = feed.read(0, 1).await.unwrap().remove(0);
    let second = feed.read(0, 1).await.unwrap().remove(0);
    assert!(std::ptr::eq(first.decoded().unwrap(), second.decoded().unwrap()));
    let stored: &RecordedEvent = &first.raw;
    assert_eq!(&projections::decode(stored).unwrap(), second.decoded().unwrap());
}

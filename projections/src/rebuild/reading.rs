//! One reading of the log for all read models that are rebuilt.

use std::sync::Arc;

use event_store::{EventStore, RecordedEvent, StoreError};
use tokio::sync::mpsc;

use crate::feed::Entry;

/// Events one after the other, shared by all who fold them; nothing follows an error.
pub(super) type Page = Result<Arc<Vec<Arc<Entry>>>, StoreError>;
pub(super) type Pages = mpsc::Receiver<Page>;

/// Pages that wait for a fold which has something to write.
const AHEAD: usize = 4;

pub(super) fn channel() -> (mpsc::Sender<Page>, Pages) {
    mpsc::channel(AHEAD)
}

/// The events after a position up to another, or to the end of the log.
pub(super) fn read(store: &EventStore, after: i64, to: i64) -> Pages {
    prepared(store.copy(after, to), |_| ())
}

/// Likewise, and decoded: folds that ask for one event at the same time would only wait for one
/// another.
pub(super) fn read_decoded(store: &EventStore, after: i64, to: i64) -> Pages {
    prepared(store.copy(after, to), |entry| {
        // What cannot be decoded is told to whoever asks.
        let _ = entry.decoded();
    })
}

fn prepared(mut events: event_store::Pages, prepare: fn(&Entry)) -> Pages {
    let (pages, receiver) = channel();
    tokio::spawn(async move {
        while let Some(page) = events.recv().await {
            let page = page.map(|events| Arc::new(entries(events, prepare)));
            if pages.send(page).await.is_err() {
                return;
            }
        }
    });
    receiver
}

fn entries(events: Vec<Arc<RecordedEvent>>, prepare: fn(&Entry)) -> Vec<Arc<Entry>> {
    let entry = |event| {
        let entry = Entry::new(event);
        prepare(&entry);
        Arc::new(entry)
    };
    events.into_iter().map(entry).collect()
}

/// Hands every page to everybody, at the pace of the slowest, until nobody listens any more.
pub(super) async fn share(
    mut pages: Pages,
    mut listeners: Vec<mpsc::Sender<Page>>,
    mut progress: impl FnMut(i64),
) {
    while let Some(page) = pages.recv().await {
        let mut listening = Vec::with_capacity(listeners.len());
        for listener in listeners {
            if listener.send(page.clone()).await.is_ok() {
                listening.push(listener);
            }
        }
        if listening.is_empty() {
            return;
        }
        listeners = listening;
        if let Some(last) = page.iter().flat_map(|page| page.last()).next() {
            progress(last.position());
        }
    }
}

//! Reads the log once for all read models that are rebuilt.

use std::sync::Arc;

use event_store::{EventStore, RecordedEvent, StoreError};
use tokio::sync::mpsc;

use crate::feed::LogEntry;

/// The next events, shared by all folds. An error is the last item.
pub(super) type EntryPage = Result<Arc<Vec<Arc<LogEntry>>>, StoreError>;
pub(super) type EntryPages = mpsc::Receiver<EntryPage>;

/// How many pages may wait for a fold that is writing rows.
const PAGES_AHEAD_MAX: usize = 4;

pub(super) fn channel() -> (mpsc::Sender<EntryPage>, EntryPages) {
    mpsc::channel(PAGES_AHEAD_MAX)
}

/// Reads the events after a position up to another one, or to the end of the log.
pub(super) fn read(store: &EventStore, after: i64, to: i64) -> EntryPages {
    prepared(store.copy(after, to), |_| ())
}

/// As [`read`], but decodes the events first, since folds that decode the same event at the same
/// time would wait for each other.
pub(super) fn read_decoded(store: &EventStore, after: i64, to: i64) -> EntryPages {
    prepared(store.copy(after, to), |entry| {
        // The error is ignored here: a fold that needs the event gets it again.
        let _ = entry.decoded();
    })
}

fn prepared(mut events: event_store::Pages, prepare: fn(&LogEntry)) -> EntryPages {
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

fn entries(events: Vec<Arc<RecordedEvent>>, prepare: fn(&LogEntry)) -> Vec<Arc<LogEntry>> {
    let entry = |event| {
        let entry = LogEntry::new(event);
        prepare(&entry);
        Arc::new(entry)
    };
    events.into_iter().map(entry).collect()
}

/// Sends every page to all listeners, at the speed of the slowest, until all have closed their
/// channels.
pub(super) async fn share(
    mut pages: EntryPages,
    mut listeners: Vec<mpsc::Sender<EntryPage>>,
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

//! Every stream from its first event to its last: versions follow, events are read, states fold.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use domain::State;
use event_store::RecordedEvent;
use projections::{Recorded, decode};
use sqlx::{Connection, PgConnection};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::finding::{Check, Finding, Findings};
use crate::error::Error;
use crate::progress::Progress;

const PAGE: i64 = 5_000;

/// The stream whose events are being read; only one at a time, so one state is in memory.
struct Stream {
    id: Uuid,
    kind: Arc<str>,
    version: i32,
    position: i64,
    /// None once an event could not be read or folded: what follows would only be a consequence.
    state: Option<State>,
}

/// Reads all streams in the order of their ids; answers how many there are.
pub(super) async fn check(
    reader: PgConnection,
    head: i64,
    events: i64,
    findings: &mut Findings,
) -> Result<i64, Error> {
    let progress = Progress::of("reading the streams", events);
    let mut checker = Checker { progress: &progress, findings };
    let mut pages = read_ahead(reader, head);
    let (mut stream, mut streams, mut done) = (None::<Stream>, 0, 0);
    loop {
        let page = pages.recv().await.ok_or(Error::ReaderEnded)??;
        if page.is_empty() {
            return Ok(streams);
        }
        for event in &page {
            let current = match &mut stream {
                Some(current) if current.id == event.stream_id => current,
                other => {
                    streams += 1;
                    other.insert(Stream::begin(event))
                }
            };
            checker.event(current, event)?;
        }
        done += page.len() as i64;
        progress.at(done);
    }
}

type Page = Result<Vec<RecordedEvent>, sqlx::Error>;

/// Reads the next page while the last one is checked. The last page is empty.
fn read_ahead(mut reader: PgConnection, head: i64) -> mpsc::Receiver<Page> {
    let (pages, receiver) = mpsc::channel(2);
    tokio::spawn(async move {
        let mut after = (Uuid::nil(), i32::MIN, i64::MIN);
        loop {
            let page = page(&mut reader, after, head).await;
            let last = page.as_ref().ok().and_then(|page| page.last());
            let last = last.map(|event| (event.stream_id, event.version, event.position));
            if pages.send(page).await.is_err() {
                break;
            }
            match last {
                Some(last) => after = last,
                None => break,
            }
        }
        // Whatever became of it, nothing more is read.
        let _ = reader.close().await;
    });
    receiver
}

/// In the order of the index on streams and versions. The position only tells doubles apart, which
/// that index forbids, so no page is sorted.
async fn page(reader: &mut PgConnection, after: (Uuid, i32, i64), head: i64) -> Page {
    sqlx::query_as(
        "select position, stream_type, stream_id, version, event_type, schema_version, payload,
                command_id, request_hash, metadata, correlation_id, caused_by, actor, recorded_at
         from events
         where (stream_id, version, position) > ($1, $2, $3) and position <= $4
         order by stream_id, version, position limit $5",
    )
    .bind(after.0)
    .bind(after.1)
    .bind(after.2)
    .bind(head)
    .bind(PAGE)
    .fetch_all(reader)
    .await
}

impl Stream {
    fn begin(event: &RecordedEvent) -> Stream {
        Stream {
            id: event.stream_id,
            kind: event.stream_type.clone(),
            version: 0,
            position: 0,
            state: event.stream_type.parse().ok().map(State::absent),
        }
    }
}

struct Checker<'a> {
    progress: &'a Progress,
    findings: &'a mut Findings,
}

impl Checker<'_> {
    fn event(&mut self, stream: &mut Stream, event: &RecordedEvent) -> Result<(), Error> {
        self.place(stream, event)?;
        match decode(event) {
            Ok(recorded) => {
                self.name(event, &recorded)?;
                self.fold(stream, event, recorded)?;
            }
            Err(unreadable) => {
                stream.state = None;
                self.found(Check::Payload, event, unreadable.to_string())?;
            }
        }
        stream.version = event.version;
        stream.position = event.position;
        Ok(())
    }

    fn place(&mut self, stream: &mut Stream, event: &RecordedEvent) -> Result<(), Error> {
        let (version, before) = (event.version, stream.version);
        match version.saturating_sub(before) {
            1 => {}
            ..=0 => {
                self.found(Check::Version, event, format!("version {version} is there twice"))?
            }
            2 => self.found(Check::Version, event, format!("version {} is missing", before + 1))?,
            _ => {
                let message = format!("versions {} to {} are missing", before + 1, version - 1);
                self.found(Check::Version, event, message)?;
            }
        }
        if event.position <= stream.position {
            let message = format!(
                "version {version} stands before version {before}, which is at {}",
                stream.position
            );
            self.found(Check::Version, event, message)?;
        }
        if event.stream_type != stream.kind {
            let message = format!(
                "the event is of a '{}', its stream of a '{}'",
                event.stream_type, stream.kind
            );
            stream.state = None;
            self.found(Check::Stream, event, message)?;
        }
        Ok(())
    }

    fn name(&mut self, event: &RecordedEvent, recorded: &Recorded) -> Result<(), Error> {
        let (name, schema) = (recorded.event.name(), recorded.event.schema_version());
        if (&*event.event_type, event.schema_version) == (name, schema) {
            return Ok(());
        }
        let message = format!(
            "stored as '{}' of schema version {}, but it is '{name}' of schema version {schema}",
            event.event_type, event.schema_version
        );
        self.found(Check::EventType, event, message)
    }

    fn fold(
        &mut self,
        stream: &mut Stream,
        event: &RecordedEvent,
        recorded: Recorded,
    ) -> Result<(), Error> {
        let Some(mut state) = stream.state.take() else { return Ok(()) };
        let folded = catch_unwind(AssertUnwindSafe(|| {
            state.apply(recorded.event);
            state
        }));
        match folded {
            Ok(state) => stream.state = Some(state),
            Err(_) => {
                let message = format!("{} cannot be applied: the fold panicked", event.event_type);
                self.found(Check::Fold, event, message)?;
            }
        }
        Ok(())
    }

    fn found(&mut self, check: Check, event: &RecordedEvent, message: String) -> Result<(), Error> {
        let finding = Finding::new(check, message).at(event.position).of(event.stream_id);
        self.findings.add(self.progress, &finding)
    }
}

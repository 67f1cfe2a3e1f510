//! Checks every stream: versions are contiguous, events can be decoded, and the state can be
//! folded.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use domain::State;
use event_store::RecordedEvent;
use projections::{DecodedEvent, decode};
use sqlx::{Connection, PgConnection};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::finding::{CheckName, Finding, Findings};
use crate::error::Error;
use crate::progress::ProgressLine;

const PAGE: i64 = 5_000;

/// The stream whose events are being read. Streams are read one after the other, so only one state
/// is in memory.
struct Stream {
    id: Uuid,
    kind: Arc<str>,
    version: i32,
    position: i64,
    /// None after an event that could not be decoded or folded, since errors in later events would
    /// only follow from it.
    state: Option<State>,
}

/// Reads all streams ordered by id, and returns the number of streams.
pub(super) async fn check(
    reader: PgConnection,
    head: i64,
    events: i64,
    findings: &mut Findings,
) -> Result<i64, Error> {
    let progress = ProgressLine::new("reading the streams");
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
        progress.set(done, events);
    }
}

type EventPage = Result<Vec<RecordedEvent>, sqlx::Error>;

/// Reads the next pages while one is checked. The last page is empty.
fn read_ahead(mut reader: PgConnection, head: i64) -> mpsc::Receiver<EventPage> {
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
        // Nothing is read after this, so an error while closing is ignored.
        let _ = reader.close().await;
    });
    receiver
}

/// Reads in the order of the index on streams and versions, so no page is sorted. The position only
/// distinguishes events with the same version, which that index forbids.
async fn page(reader: &mut PgConnection, after: (Uuid, i32, i64), head: i64) -> EventPage {
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
    progress: &'a ProgressLine,
    findings: &'a mut Findings,
}

impl Checker<'_> {
    fn event(&mut self, stream: &mut Stream, event: &RecordedEvent) -> Result<(), Error> {
        self.check_order(stream, event)?;
        match decode(event) {
            Ok(decoded) => {
                self.check_name(event, &decoded)?;
                self.check_fold(stream, event, decoded)?;
            }
            Err(unreadable) => {
                stream.state = None;
                self.report(CheckName::Payload, event, unreadable.to_string())?;
            }
        }
        stream.version = event.version;
        stream.position = event.position;
        Ok(())
    }

    fn check_order(&mut self, stream: &mut Stream, event: &RecordedEvent) -> Result<(), Error> {
        let (version, before) = (event.version, stream.version);
        match version.saturating_sub(before) {
            1 => {}
            ..=0 => {
                self.report(CheckName::Version, event, format!("version {version} occurs twice"))?
            }
            2 => self.report(
                CheckName::Version,
                event,
                format!("version {} is missing", before + 1),
            )?,
            _ => {
                let message = format!("versions {} to {} are missing", before + 1, version - 1);
                self.report(CheckName::Version, event, message)?;
            }
        }
        if event.position <= stream.position {
            let message = format!(
                "version {version} comes before version {before}, which is at position {}",
                stream.position
            );
            self.report(CheckName::Version, event, message)?;
        }
        if event.stream_type != stream.kind {
            let message = format!(
                "the event is of the kind '{}', and its stream of the kind '{}'",
                event.stream_type, stream.kind
            );
            stream.state = None;
            self.report(CheckName::Stream, event, message)?;
        }
        Ok(())
    }

    fn check_name(&mut self, event: &RecordedEvent, decoded: &DecodedEvent) -> Result<(), Error> {
        let (name, schema) = (decoded.event.name(), decoded.event.schema_version());
        if (&*event.event_type, event.schema_version) == (name, schema) {
            return Ok(());
        }
        let message = format!(
            "stored as '{}' of schema version {}, but it is '{name}' of schema version {schema}",
            event.event_type, event.schema_version
        );
        self.report(CheckName::EventType, event, message)
    }

    fn check_fold(
        &mut self,
        stream: &mut Stream,
        event: &RecordedEvent,
        decoded: DecodedEvent,
    ) -> Result<(), Error> {
        let Some(mut state) = stream.state.take() else { return Ok(()) };
        let folded = catch_unwind(AssertUnwindSafe(|| {
            state.apply(decoded.event);
            state
        }));
        match folded {
            Ok(state) => stream.state = Some(state),
            Err(_) => {
                let message = format!("{} cannot be applied: the fold panicked", event.event_type);
                self.report(CheckName::Fold, event, message)?;
            }
        }
        Ok(())
    }

    fn report(
        &mut self,
        check: CheckName,
        event: &RecordedEvent,
        message: String,
    ) -> Result<(), Error> {
        let finding = Finding::new(check, message).at(event.position).in_stream(event.stream_id);
        self.findings.add(self.progress, &finding)
    }
}

//! A log that is generated in memory: it gives events their positions and times, and keeps the
//! states of open streams.

use std::collections::HashMap;
use std::fmt::Write;

use chrono::{SecondsFormat, TimeDelta};
use domain::checkout::Changes;
use domain::{Event, Refusal, State, StreamId, Timestamp};
use event_store::RecordedEvent;
use uuid::Uuid;

use crate::error::BenchError;

/// Time between two commands.
const PAUSE: TimeDelta = TimeDelta::milliseconds(50);

#[derive(Debug)]
pub struct HistoryLog {
    streams: HashMap<StreamId, (State, i32)>,
    position: i64,
    pub now: Timestamp,
    /// The events since the caller last took them.
    pub events: Vec<RecordedEvent>,
}

/// The command that a decision belongs to, and who sent it.
#[derive(Debug)]
pub struct Origin {
    pub command: &'static str,
    pub actor: String,
    /// The position of the event that caused the command, if one did.
    pub caused_by: Option<i64>,
}

impl HistoryLog {
    pub fn new(began: Timestamp) -> HistoryLog {
        HistoryLog { streams: HashMap::new(), position: 0, now: began, events: vec![] }
    }

    /// The current state of a stream that has events.
    pub fn state(&self, stream: StreamId) -> Option<&State> {
        self.streams.get(&stream).map(|(state, _)| state)
    }

    /// Drops the state of a stream that gets no more events.
    pub fn forget(&mut self, stream: StreamId) {
        self.streams.remove(&stream);
    }

    /// Appends the decided events, and returns the position of the last one.
    pub fn append(
        &mut self,
        origin: Origin,
        decided: Result<Changes, Refusal>,
    ) -> Result<i64, BenchError> {
        let command_id = Uuid::from_u128(rand::random());
        for (n, (stream, event)) in decided?.into_iter().enumerate() {
            let absent = || (State::absent(stream.kind), 0);
            let (state, version) = self.streams.entry(stream).or_insert_with(absent);
            *version += 1;
            self.position += 1;
            let first = n == 0;
            self.events.push(RecordedEvent {
                position: self.position,
                stream_type: stream.kind.as_str().into(),
                stream_id: stream.id,
                version: *version,
                event_type: event.name().into(),
                schema_version: event.schema_version(),
                payload: event.encode()?,
                command_id: first.then_some(command_id),
                request_hash: first.then_some([7; 32]),
                metadata: first.then(|| format!(r#"{{"command":"{}"}}"#, origin.command)),
                correlation_id: command_id,
                caused_by: origin.caused_by,
                actor: origin.actor.as_str().into(),
                recorded_at: self.now + TimeDelta::microseconds(n as i64),
            });
            state.apply(event);
        }
        self.now += PAUSE;
        Ok(self.position)
    }
}

/// Writes the event as a line of `COPY`'s text format.
pub fn write(event: &RecordedEvent, text: &mut String) {
    let RecordedEvent { position, stream_type, stream_id, version, event_type, .. } = event;
    let (schema_version, payload) = (event.schema_version, event.payload.replace('\\', r"\\"));
    let command_id = or_null(event.command_id);
    let hash = event.request_hash.map(|hash| {
        hash.iter().fold(r"\\x".to_owned(), |mut hex, byte| {
            // Writing to a string cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    });
    let (hash, metadata) = (or_null(hash), or_null(event.metadata.as_ref()));
    let (correlation_id, caused_by, actor) =
        (event.correlation_id, or_null(event.caused_by), &event.actor);
    let recorded_at = event.recorded_at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let _ = writeln!(
        text,
        "{position}\t{stream_type}\t{stream_id}\t{version}\t{event_type}\t{schema_version}\t\
         {payload}\t{command_id}\t{hash}\t{metadata}\t{correlation_id}\t{caused_by}\t{actor}\t\
         {recorded_at}",
    );
}

fn or_null(value: Option<impl ToString>) -> String {
    value.map_or_else(|| r"\N".to_owned(), |value| value.to_string())
}

/// The changes of a decision about one stream.
pub fn changes_of<E: Into<Event>, R: Into<Refusal>>(
    stream: StreamId,
    decided: Result<Vec<E>, R>,
) -> Result<Changes, Refusal> {
    let changes = |events: Vec<E>| events.into_iter().map(|event| (stream, event.into())).collect();
    decided.map(changes).map_err(Into::into)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use domain::cart::{CartEvent, Owner};
    use domain::{CartId, Event};

    use super::*;

    #[test]
    fn backslashes_are_escaped_for_copy() {
        let mut log = HistoryLog::new(DateTime::UNIX_EPOCH);
        let (cart, at) = (CartId(Uuid::nil()).stream(), DateTime::UNIX_EPOCH);
        let created =
            Event::from(CartEvent::Created { owner: Owner::Guest, idle_seconds: 604_800, at });
        let origin = Origin { command: "test", actor: "system:test".into(), caused_by: None };
        log.append(origin, Ok(vec![(cart, created)])).unwrap();
        let mut event = log.events.remove(0);
        event.payload = r#"{"a":"\n"}"#.to_owned();
        let mut text = String::new();
        write(&event, &mut text);
        assert!(text.contains(r#"{"a":"\\n"}"#), "{text}");
        assert_eq!(text.matches('\t').count(), 13);
        assert!(text.ends_with("\tsystem:test\t1970-01-01T00:00:00.000000Z\n"), "{text}");
    }
}

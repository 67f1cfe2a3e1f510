//! The state of one stream as this node knows it.

use domain::{Event, State, StreamId};
use event_store::{ExpectedHead, LoadedStream, RecordedEvent, Snapshot};

use crate::CommandError;

/// A snapshot of a stream is due when it has grown by this many events since the last one.
const EVENTS_BETWEEN_SNAPSHOTS: i32 = 500;

/// The state of a stream, and the head that the next decision expects.
#[derive(Clone)]
pub(super) struct StreamState {
    pub(super) state: State,
    /// The version of the last event in the state, durable or not; 0 if there is none.
    pub(super) version: i32,
    /// The last event in the state, durable or pending.
    pub(super) head: ExpectedHead,
    /// The version up to which a snapshot was taken or requested.
    snapshot_version: i32,
    /// True if the state may contain an event that the log refused, or lack one that the log has. A
    /// command that finds this must get the stream from the cache again.
    pub(super) is_invalidated: bool,
}

impl StreamState {
    pub(super) fn absent(stream: StreamId) -> StreamState {
        StreamState::new(State::absent(stream.kind), 0, 0)
    }

    fn new(state: State, version: i32, position: i64) -> StreamState {
        let head = ExpectedHead::Durable(position);
        StreamState { state, version, head, snapshot_version: version, is_invalidated: false }
    }

    /// The loaded stream, or `None` if its snapshot cannot be read.
    pub(super) fn restore(
        stream: StreamId,
        loaded: LoadedStream,
    ) -> Result<Option<StreamState>, CommandError> {
        let mut restored = match loaded.snapshot {
            None => StreamState::absent(stream),
            Some(Snapshot { version, position, state }) => match serde_json::from_str(&state) {
                Ok(state) => StreamState::new(state, version, position),
                Err(error) => {
                    tracing::warn!(
                        %stream, version, %error,
                        "a snapshot cannot be read; the stream is folded from its first event"
                    );
                    return Ok(None);
                }
            },
        };
        restored.catch_up(stream, &loaded.events)?;
        Ok(Some(restored))
    }

    /// Applies the events that the log has after this state's version.
    pub(super) fn catch_up<'e>(
        &mut self,
        stream: StreamId,
        events: impl IntoIterator<Item = &'e RecordedEvent>,
    ) -> Result<(), CommandError> {
        for recorded in events {
            let event = Event::decode(stream.kind, &recorded.payload).map_err(|error| {
                let reason = format!("position {}: {error}", recorded.position);
                CommandError::Corrupt { stream, reason }
            })?;
            self.state.apply(event);
            self.version = recorded.version;
            self.head = ExpectedHead::Durable(recorded.position);
        }
        Ok(())
    }

    /// Whether a snapshot is due. Returns `true` once for each snapshot, so the caller must request
    /// it.
    pub(super) fn take_snapshot_due(&mut self) -> bool {
        let is_due = self.version - self.snapshot_version >= EVENTS_BETWEEN_SNAPSHOTS;
        if is_due {
            self.snapshot_version = self.version;
        }
        is_due
    }
}

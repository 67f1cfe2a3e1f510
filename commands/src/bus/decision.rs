//! The decision of a command, and the states of streams that it was made on.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use domain::{Refusal, StreamId};
use event_store::{Append, ExpectedHead, NewEvent, PendingAppend};
use projections::DecodedEvent;
use uuid::Uuid;

use super::command::Changes;
use super::stream_state::StreamState;
use super::{Command, Context, Halt, Receipt, States, Subject};
use crate::CommandError;

pub(super) struct CommandDecision {
    answer: Result<Changes, Refused>,
    /// Every stream that was read or written, with its state before the decision.
    expected_heads: Vec<(StreamId, ExpectedHead)>,
    /// The version of each change in its stream, in the order of the changes.
    versions: Vec<i32>,
    /// The command's subject after the changes.
    subject: Option<Subject>,
}

/// A stream that a command was decided on moved before the decision was durable, or is contended.
pub(super) struct Conflict {
    /// The stream that moved or is contended.
    pub(super) moved: Option<StreamId>,
    /// All streams that the command was decided on, as far as they are known.
    pub(super) streams: Vec<StreamId>,
}

enum Refused {
    Rule(Refusal),
    Version { expected: i32, actual: i32 },
}

impl From<Refused> for CommandError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Rule(refusal) => CommandError::Refused(refusal),
            Refused::Version { expected, actual } => {
                CommandError::VersionConflict { expected, actual }
            }
        }
    }
}

impl CommandDecision {
    /// Decides on these states.
    ///
    /// # Errors
    /// The stream that the command asks for and that is not among them.
    pub(super) fn make(
        command: &dyn Command,
        context: &Context,
        states: &[(StreamId, &StreamState)],
    ) -> Result<CommandDecision, StreamId> {
        let answer = match unexpected_version(command, context, states)? {
            Some(refused) => Err(refused),
            None => {
                let states = states.iter().map(|(stream, state)| (*stream, &state.state));
                match command.decide(&States(states.collect()), now()) {
                    Ok(changes) => Ok(changes),
                    Err(Halt::Missing(stream)) => return Err(stream),
                    Err(Halt::Refused(refusal)) => Err(Refused::Rule(refusal)),
                }
            }
        };
        let expected_heads =
            states.iter().map(|(stream, state)| (*stream, state.head.clone())).collect();
        let mut decision =
            CommandDecision { answer, expected_heads, versions: vec![], subject: None };
        decision.number_changes(states);
        Ok(decision)
    }

    /// Gives every change its version. A stream that is written and was not read is a new one.
    fn number_changes(&mut self, states: &[(StreamId, &StreamState)]) {
        let Ok(changes) = &self.answer else { return };
        let mut heads: Vec<(StreamId, i32)> =
            states.iter().map(|(stream, state)| (*stream, state.version)).collect();
        for (stream, _) in changes {
            let version = match heads.iter_mut().find(|(id, _)| id == stream) {
                Some((_, head)) => {
                    *head += 1;
                    *head
                }
                None => {
                    heads.push((*stream, 1));
                    self.expected_heads.push((*stream, ExpectedHead::Durable(0)));
                    1
                }
            };
            self.versions.push(version);
        }
    }

    /// The append for the log. Without events it only checks that the streams have not moved.
    pub(super) fn append(
        &self,
        command: &dyn Command,
        context: &Context,
    ) -> Result<Append, CommandError> {
        let changes = self.answer.as_deref().unwrap_or_default();
        let mut events = Vec::with_capacity(changes.len());
        for ((stream, event), version) in changes.iter().zip(&self.versions) {
            let corrupt = |error: serde_json::Error| CommandError::Corrupt {
                stream: *stream,
                reason: error.to_string(),
            };
            events.push(NewEvent {
                stream_type: stream.kind.as_str(),
                stream_id: stream.id,
                version: *version,
                event_type: event.name(),
                schema_version: event.schema_version(),
                payload: event.encode().map_err(corrupt)?,
            });
        }
        let expected_heads =
            self.expected_heads.iter().map(|(stream, head)| (stream.id, head.clone())).collect();
        Ok(Append { command: context.record(command.name()), expected_heads, events })
    }

    /// Applies the changes to the states, whose head is then the pending append. Returns the states
    /// of the streams that are new.
    pub(super) fn apply(
        &mut self,
        pending: &PendingAppend,
        subject: Option<StreamId>,
        states: &mut [(StreamId, &mut StreamState)],
    ) -> Vec<(StreamId, StreamState)> {
        let mut new: Vec<(StreamId, StreamState)> = vec![];
        let changes = self.answer.as_deref().unwrap_or_default();
        for ((stream, event), version) in changes.iter().zip(&self.versions) {
            let known =
                states.iter_mut().find(|(id, _)| id == stream).map(|(_, state)| &mut **state);
            let state = match known {
                Some(state) => state,
                None => new_state(&mut new, *stream),
            };
            state.state.apply(event.clone());
            state.version = *version;
            state.head = ExpectedHead::Pending(pending.clone());
        }
        let known = states.iter().map(|(stream, state)| (*stream, &**state));
        let state = subject.and_then(|subject| {
            known.chain(new.iter().map(|(id, state)| (*id, state))).find(|(id, _)| *id == subject)
        });
        self.subject = state.map(|(stream, state)| Subject::new(stream, state));
        new
    }

    /// The position from which all states that the decision was made on are durable. Called once
    /// the log has confirmed the decision.
    pub(super) async fn durable_at(&self) -> i64 {
        let mut position = 0;
        for (_, head) in &self.expected_heads {
            position = position.max(match head {
                ExpectedHead::Durable(position) => *position,
                ExpectedHead::Pending(pending) => match pending.outcome().await {
                    Ok(event_store::AppendOutcome::Appended { last, .. }) => last,
                    _ => 0,
                },
            });
        }
        position
    }

    pub(super) fn conflict(&self, moved: Uuid) -> Conflict {
        let streams: Vec<_> = self.expected_heads.iter().map(|(stream, _)| *stream).collect();
        Conflict { moved: streams.iter().copied().find(|stream| stream.id == moved), streams }
    }

    /// The receipt of a decision whose events are durable from `first` on.
    pub(super) fn appended(
        self,
        context: &Context,
        first: i64,
        recorded_at: DateTime<Utc>,
    ) -> Receipt {
        let changes = self.answer.unwrap_or_default().into_iter().zip(self.versions);
        let events: Vec<_> = (0..)
            .zip(changes)
            .map(|(n, ((stream, event), version))| DecodedEvent {
                position: first + n,
                stream,
                version,
                event,
                recorded_at: recorded_at + TimeDelta::microseconds(n),
                actor: context.actor.clone(),
                command_id: (n == 0).then_some(context.command_id),
                correlation_id: context.correlation_id,
                caused_by: context.caused_by,
            })
            .collect();
        let position = events.last().map_or(first, |event| event.position);
        Receipt { events, position, subject: self.subject, replayed: false }
    }

    /// The answer of a decision without events, once the log has confirmed it.
    pub(super) fn confirmed(self, position: i64) -> Result<Receipt, CommandError> {
        self.answer?;
        Ok(Receipt { events: vec![], position, subject: self.subject, replayed: false })
    }
}

/// The current time, cut to the microsecond as Postgres stores it.
fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}

fn new_state(new: &mut Vec<(StreamId, StreamState)>, stream: StreamId) -> &mut StreamState {
    let at = match new.iter().position(|(id, _)| *id == stream) {
        Some(at) => at,
        None => {
            new.push((stream, StreamState::absent(stream)));
            new.len() - 1
        }
    };
    &mut new[at].1
}

/// Compares the version that the caller expects with the subject's, before anything is decided.
fn unexpected_version(
    command: &dyn Command,
    context: &Context,
    states: &[(StreamId, &StreamState)],
) -> Result<Option<Refused>, StreamId> {
    let (Some(subject), Some(expected)) = (command.subject(), context.expected_version) else {
        return Ok(None);
    };
    let state = states.iter().find(|(stream, _)| *stream == subject).ok_or(subject)?;
    let actual = state.1.version;
    Ok((actual != expected).then_some(Refused::Version { expected, actual }))
}

//! What was decided on some streams, and what it rests on.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use domain::{Refusal, StreamId};
use event_store::{Append, ExpectedHead, NewEvent, PendingAppend};
use projections::Recorded;
use uuid::Uuid;

use super::cache::Slot;
use super::command::Changes;
use super::{Command, Context, Halt, Receipt, States, Subject};
use crate::CommandError;

pub(super) struct Decision {
    answer: Result<Changes, Refused>,
    /// Every stream read or written, as it was.
    expected_heads: Vec<(StreamId, ExpectedHead)>,
    /// Of each change, in its stream.
    versions: Vec<i32>,
    /// The command's subject as the decision leaves it.
    subject: Option<Subject>,
}

/// Something that a command was decided on had moved, or is being fought over.
pub(super) struct Collision {
    /// The stream that had moved.
    pub(super) on: Option<StreamId>,
    /// All that it was decided on, as far as that is known.
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

impl Decision {
    /// Decides on these states, or names the stream that is missing.
    pub(super) fn make(
        command: &dyn Command,
        context: &Context,
        slots: &[(StreamId, &Slot)],
    ) -> Result<Decision, StreamId> {
        let answer = match unexpected_version(command, context, slots)? {
            Some(refused) => Err(refused),
            None => {
                let states = slots.iter().map(|(stream, slot)| (*stream, &slot.state));
                match command.decide(&States(states.collect()), now()) {
                    Ok(changes) => Ok(changes),
                    Err(Halt::Missing(stream)) => return Err(stream),
                    Err(Halt::Refused(refusal)) => Err(Refused::Rule(refusal)),
                }
            }
        };
        let expected_heads =
            slots.iter().map(|(stream, slot)| (*stream, slot.base.clone())).collect();
        let mut decision = Decision { answer, expected_heads, versions: vec![], subject: None };
        decision.number_changes(slots);
        Ok(decision)
    }

    /// Gives every change its version. A stream that was written and not read is a new one.
    fn number_changes(&mut self, slots: &[(StreamId, &Slot)]) {
        let Ok(changes) = &self.answer else { return };
        let mut heads: Vec<(StreamId, i32)> =
            slots.iter().map(|(stream, slot)| (*stream, slot.version)).collect();
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

    /// The item for the log; one without events only checks.
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
            self.expected_heads.iter().map(|(stream, base)| (stream.id, base.clone())).collect();
        Ok(Append { command: context.record(command.name()), expected_heads, events })
    }

    /// Folds the changes into the states, which now rest on the item. Answers with the streams that
    /// are new.
    pub(super) fn apply(
        &mut self,
        ticket: &PendingAppend,
        subject: Option<StreamId>,
        slots: &mut [(StreamId, &mut Slot)],
    ) -> Vec<(StreamId, Slot)> {
        let mut fresh: Vec<(StreamId, Slot)> = vec![];
        let changes = self.answer.as_deref().unwrap_or_default();
        for ((stream, event), version) in changes.iter().zip(&self.versions) {
            let known = slots.iter_mut().find(|(id, _)| id == stream).map(|(_, slot)| &mut **slot);
            let slot = match known {
                Some(slot) => slot,
                None => fresh_slot(&mut fresh, *stream),
            };
            slot.state.apply(event.clone());
            slot.version = *version;
            slot.base = ExpectedHead::Pending(ticket.clone());
        }
        let known = slots.iter().map(|(stream, slot)| (*stream, &**slot));
        let slot = subject.and_then(|subject| {
            known.chain(fresh.iter().map(|(id, slot)| (*id, slot))).find(|(id, _)| *id == subject)
        });
        self.subject = slot.map(|(stream, slot)| Subject::new(stream, slot));
        fresh
    }

    /// The position at which what it rests on is durable: asked once the log has confirmed it.
    pub(super) async fn durable_at(&self) -> i64 {
        let mut position = 0;
        for (_, base) in &self.expected_heads {
            position = position.max(match base {
                ExpectedHead::Durable(position) => *position,
                ExpectedHead::Pending(ticket) => match ticket.outcome().await {
                    Ok(event_store::AppendOutcome::Appended { last, .. }) => last,
                    _ => 0,
                },
            });
        }
        position
    }

    pub(super) fn collision(&self, moved: Uuid) -> Collision {
        let streams: Vec<_> = self.expected_heads.iter().map(|(stream, _)| *stream).collect();
        Collision { on: streams.iter().copied().find(|stream| stream.id == moved), streams }
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
            .map(|(n, ((stream, event), version))| Recorded {
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

    /// The answer of a decision without events, once what it rests on is durable and current.
    pub(super) fn confirmed(self, position: i64) -> Result<Receipt, CommandError> {
        self.answer?;
        Ok(Receipt { events: vec![], position, subject: self.subject, replayed: false })
    }
}

/// To the microsecond, as Postgres keeps it.
fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}

fn fresh_slot(fresh: &mut Vec<(StreamId, Slot)>, stream: StreamId) -> &mut Slot {
    let at = match fresh.iter().position(|(id, _)| *id == stream) {
        Some(at) => at,
        None => {
            fresh.push((stream, Slot::absent(stream)));
            fresh.len() - 1
        }
    };
    &mut fresh[at].1
}

/// What the caller has seen of the subject is compared before anything else is looked at.
fn unexpected_version(
    command: &dyn Command,
    context: &Context,
    slots: &[(StreamId, &Slot)],
) -> Result<Option<Refused>, StreamId> {
    let (Some(subject), Some(expected)) = (command.subject(), context.expected_version) else {
        return Ok(None);
    };
    let slot = slots.iter().find(|(stream, _)| *stream == subject).ok_or(subject)?;
    let actual = slot.1.version;
    Ok((actual != expected).then_some(Refused::Version { expected, actual }))
}

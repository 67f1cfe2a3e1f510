//! One attempt to execute a command: decide, send, wait, answer.

use std::sync::{Arc, MutexGuard};

use domain::StreamId;
use event_store::{AppendOutcome, PendingAppend, Permit};
use tracing::Instrument;

use super::cache::CachedStream;
use super::decision::{CommandDecision, Conflict};
use super::stream_state::StreamState;
use super::{Bus, Command, Context, Receipt, Subject};
use crate::CommandError;
use crate::trace::SPANS;

/// Why an attempt has no receipt.
pub(super) enum AttemptError {
    /// A stream moved after the decision, or is contended. The command has to be decided again.
    Conflict(Conflict),
    /// The caller gets this error.
    Final(CommandError),
}

impl<E: Into<CommandError>> From<E> for AttemptError {
    fn from(error: E) -> AttemptError {
        AttemptError::Final(error.into())
    }
}

/// A decision in the appender's queue.
struct Sent {
    decision: CommandDecision,
    pending: PendingAppend,
    /// Streams that did not exist before, as the decision leaves them.
    new: Vec<(StreamId, StreamState)>,
    /// Streams that need a snapshot once the decision is durable.
    snapshots_due: Vec<StreamId>,
}

impl Bus {
    /// `begins` is a stream that is assumed to be absent instead of being loaded.
    pub(super) async fn attempt(
        &self,
        command: &dyn Command,
        context: &Context,
        begins: Option<StreamId>,
    ) -> Result<Receipt, AttemptError> {
        let mut streams = vec![];
        let sent = self.decide_and_send(command, context, begins, &mut streams).await?;
        let new = sent.new.into_iter().map(|(stream, state)| self.0.cache.put(stream, state));
        streams.extend(new);

        let span = tracing::debug_span!(target: SPANS, "append");
        let outcome = sent.pending.outcome().instrument(span).await;
        if let Ok(AppendOutcome::Appended { .. } | AppendOutcome::Confirmed) = outcome {
            sent.snapshots_due
                .into_iter()
                .for_each(|stream| self.0.streams.ask_for_snapshot(stream));
        } else {
            streams.iter().for_each(|stream| self.0.cache.invalidate(stream));
        }
        self.answer(command, context, sent.decision, outcome?).await
    }

    /// Like [`Bus::attempt`], but the command is decided while this node holds the log's lock.
    pub(super) async fn attempt_under_lock(
        &self,
        command: &Arc<dyn Command>,
        context: &Arc<Context>,
        conflict: Conflict,
    ) -> Result<Receipt, AttemptError> {
        let path = &self.0.contended_path;
        let (decision, outcome) = path.decide(command.clone(), context.clone(), conflict).await?;
        self.answer(&**command, context, decision, outcome).await
    }

    /// Loads into `streams` every stream that the command asks for, decides, and sends the
    /// decision.
    async fn decide_and_send(
        &self,
        command: &dyn Command,
        context: &Context,
        begins: Option<StreamId>,
        streams: &mut Vec<Arc<CachedStream>>,
    ) -> Result<Sent, AttemptError> {
        let permit = self.store().reserve().await?;
        loop {
            let missing = match decide(command, context, streams) {
                Ok(decided) => return Ok(decided.send(permit, command, context)?),
                Err(missing) => missing,
            };
            self.add_stream(missing, begins, streams).await?;
        }
    }

    /// Adds a stream to those that the command is decided on, or replaces an invalidated one.
    ///
    /// # Errors
    /// A conflict if the stream is contended: then the command must be decided under the log's
    /// lock.
    async fn add_stream(
        &self,
        missing: StreamId,
        begins: Option<StreamId>,
        streams: &mut Vec<Arc<CachedStream>>,
    ) -> Result<(), AttemptError> {
        streams.retain(|cached| cached.stream != missing);
        if self.0.contended_path.is_contended(missing) {
            let known = streams.iter().map(|cached| cached.stream);
            let streams = known.chain([missing]).collect();
            return Err(AttemptError::Conflict(Conflict { moved: Some(missing), streams }));
        }
        let source = (begins != Some(missing)).then_some(&self.0.streams);
        streams.push(self.0.cache.get(source, missing).await?);
        // Every command locks its streams in this order, so no two commands wait for each other.
        streams.sort_by_key(|cached| cached.stream);
        Ok(())
    }

    /// Turns the log's outcome into the caller's answer.
    async fn answer(
        &self,
        command: &dyn Command,
        context: &Context,
        decision: CommandDecision,
        outcome: AppendOutcome,
    ) -> Result<Receipt, AttemptError> {
        match outcome {
            AppendOutcome::Appended { first, recorded_at, .. } => {
                Ok(decision.appended(context, first, recorded_at))
            }
            AppendOutcome::Confirmed => {
                let position = decision.durable_at().await;
                Ok(decision.confirmed(position)?)
            }
            AppendOutcome::Conflict { stream_id } => {
                Err(AttemptError::Conflict(decision.conflict(stream_id)))
            }
            AppendOutcome::Duplicate { request_hash, .. }
                if !context.repeats(request_hash.as_ref()) =>
            {
                Err(CommandError::KeyReused.into())
            }
            AppendOutcome::Duplicate { first, last, .. } => {
                Ok(self.replay(command, first, last).await?)
            }
        }
    }

    /// The first result of a command that is already in the log, with the current state of its
    /// subject.
    async fn replay(
        &self,
        command: &dyn Command,
        first: i64,
        last: i64,
    ) -> Result<Receipt, CommandError> {
        let mut events = vec![];
        for recorded in self.store().events_between(first, last).await? {
            events.push(projections::decode(&recorded)?);
        }
        // A repeated command that creates an object carries a new id; the object has the id of the
        // first command.
        let created = command.subject().and_then(|subject| {
            events.iter().map(|event| event.stream).find(|stream| stream.kind == subject.kind)
        });
        let subject = match created.or(command.subject()) {
            Some(stream) => Some(Subject::new(stream, &self.0.streams.load(stream).await?)),
            None => None,
        };
        Ok(Receipt { events, position: last, subject, replayed: true })
    }
}

/// A decision, together with the locks of the streams that it was made on. Until it is sent, no
/// other command is decided on these streams.
struct Decided<'s> {
    decision: CommandDecision,
    streams: &'s [Arc<CachedStream>],
    states: Vec<MutexGuard<'s, StreamState>>,
}

/// Locks the streams and decides on them.
///
/// # Errors
/// The stream that must be loaded first, because it is not in `streams` or was invalidated.
fn decide<'s>(
    command: &dyn Command,
    context: &Context,
    streams: &'s [Arc<CachedStream>],
) -> Result<Decided<'s>, StreamId> {
    let states: Vec<_> = streams.iter().map(|cached| cached.lock()).collect();
    if let Some(n) = states.iter().position(|state| state.is_invalidated) {
        return Err(streams[n].stream);
    }
    let ids = streams.iter().map(|cached| cached.stream);
    let known: Vec<_> = ids.zip(states.iter().map(|state| &**state)).collect();
    let decision = CommandDecision::make(command, context, &known)?;
    Ok(Decided { decision, streams, states })
}

impl Decided<'_> {
    /// Queues the decision and applies it to the cached states, so that the next command is decided
    /// on its result. Then releases the locks.
    fn send(
        mut self,
        permit: Permit,
        command: &dyn Command,
        context: &Context,
    ) -> Result<Sent, CommandError> {
        let pending = permit.send(self.decision.append(command, context)?);
        let ids = self.streams.iter().map(|cached| cached.stream);
        let mut states: Vec<_> =
            ids.zip(self.states.iter_mut().map(|state| &mut **state)).collect();
        let new = self.decision.apply(&pending, command.subject(), &mut states);
        let due = |(stream, state): (StreamId, &mut StreamState)| {
            state.take_snapshot_due().then_some(stream)
        };
        let snapshots_due = states.into_iter().filter_map(due).collect();
        Ok(Sent { decision: self.decision, pending, new, snapshots_due })
    }
}

//! One attempt to carry out a command: decide and queue under the streams' locks, then wait.

use std::sync::{Arc, MutexGuard};

use domain::StreamId;
use event_store::{AppendOutcome, PendingAppend};
use tracing::Instrument;

use super::cache::{Entry, Slot};
use super::decision::{Collision, Decision};
use super::{Bus, Command, Context, Receipt, Subject};
use crate::CommandError;
use crate::trace::SPANS;

pub(super) enum Attempt {
    Done(Box<Receipt>),
    Collided(Collision),
}

/// A decision on its way to the log.
struct Sent {
    decision: Box<Decision>,
    ticket: PendingAppend,
    entries: Vec<Arc<Entry>>,
    /// Streams of which a snapshot is due once it is durable.
    grown: Vec<StreamId>,
}

impl Bus {
    /// `begins` is a stream that is not looked for.
    pub(super) async fn attempt(
        &self,
        command: &dyn Command,
        context: &Context,
        begins: Option<StreamId>,
    ) -> Result<Attempt, CommandError> {
        let Sent { decision, ticket, entries, grown } =
            match self.decide_and_send(command, context, begins).await? {
                Ok(sent) => sent,
                Err(collision) => return Ok(Attempt::Collided(collision)),
            };
        let span = tracing::debug_span!(target: SPANS, "append");
        let outcome = ticket.outcome().instrument(span).await;
        match outcome {
            Ok(AppendOutcome::Appended { .. } | AppendOutcome::Confirmed) => {
                grown.into_iter().for_each(|stream| self.0.streams.ask_for_snapshot(stream));
            }
            _ => entries.iter().for_each(|entry| self.0.cache.retire(entry)),
        }
        self.answer(command, context, decision, outcome?).await
    }

    /// As [`Bus::attempt`], but decided under the log's lock.
    pub(super) async fn attempt_locked(
        &self,
        command: &Arc<dyn Command>,
        context: &Arc<Context>,
        collision: Collision,
    ) -> Result<Attempt, CommandError> {
        let decided = self.0.lane.decide(command.clone(), context.clone(), collision);
        let (decision, outcome) = decided.await?;
        self.answer(&**command, context, decision, outcome).await
    }

    /// What became of a decision.
    async fn answer(
        &self,
        command: &dyn Command,
        context: &Context,
        decision: Box<Decision>,
        outcome: AppendOutcome,
    ) -> Result<Attempt, CommandError> {
        let receipt = match outcome {
            AppendOutcome::Appended { first, recorded_at, .. } => {
                decision.appended(context, first, recorded_at)
            }
            AppendOutcome::Confirmed => {
                let position = decision.durable_at().await;
                decision.confirmed(position)?
            }
            AppendOutcome::Conflict { stream_id } => {
                return Ok(Attempt::Collided(decision.collision(stream_id)));
            }
            AppendOutcome::Duplicate { request_hash, .. }
                if request_hash != context.request_hash =>
            {
                return Err(CommandError::KeyReused);
            }
            AppendOutcome::Duplicate { first, last, .. } => {
                self.replay(command, first, last).await?
            }
        };
        Ok(Attempt::Done(Box::new(receipt)))
    }

    /// The inner error says that commands on one of the streams go to the lane.
    async fn decide_and_send(
        &self,
        command: &dyn Command,
        context: &Context,
        begins: Option<StreamId>,
    ) -> Result<Result<Sent, Collision>, CommandError> {
        let permit = self.store().reserve().await?;
        let mut entries: Vec<Arc<Entry>> = vec![];
        let (decision, ticket, fresh, grown) = loop {
            let stream = match decide(command, context, &entries) {
                Round::Decided(mut decision, mut slots) => {
                    let ticket = permit.send(decision.append(command, context)?);
                    let mut states = in_streams(&entries, &mut slots);
                    let fresh = decision.apply(&ticket, command.subject(), &mut states);
                    let grown = |(stream, slot): &mut (StreamId, &mut Slot)| {
                        slot.comes_due().then_some(*stream)
                    };
                    let grown = states.iter_mut().filter_map(grown).collect();
                    break (decision, ticket, fresh, grown);
                }
                Round::Missing(stream) => stream,
            };
            // An entry that was retired is missing again.
            entries.retain(|entry| entry.stream != stream);
            if self.0.lane.owns(stream) {
                let known = entries.iter().map(|entry| entry.stream);
                let streams = known.chain([stream]).collect();
                return Ok(Err(Collision { on: Some(stream), streams }));
            }
            let streams = (begins != Some(stream)).then_some(&self.0.streams);
            entries.push(self.0.cache.get(streams, stream).await?);
            // Locks are taken in the order of the streams, so nobody waits in a circle.
            entries.sort_by_key(|entry| entry.stream);
        };
        let fresh = fresh.into_iter().map(|(stream, slot)| self.0.cache.put(stream, slot));
        entries.extend(fresh);
        Ok(Ok(Sent { decision, ticket, entries, grown }))
    }

    /// The first result of a command that is in the log already, and its subject as it now stands.
    pub(super) async fn replay(
        &self,
        command: &dyn Command,
        first: i64,
        last: i64,
    ) -> Result<Receipt, CommandError> {
        let mut events = vec![];
        for recorded in self.store().events_between(first, last).await? {
            events.push(projections::decode(&recorded)?);
        }
        // A command that makes something new finds what the first one made.
        let made = command.subject().and_then(|subject| {
            events.iter().map(|event| event.stream).find(|stream| stream.kind == subject.kind)
        });
        let subject = match made.or(command.subject()) {
            Some(stream) => Some(Subject::new(stream, &self.0.streams.load(stream).await?)),
            None => None,
        };
        Ok(Receipt { events, position: last, subject, replayed: true })
    }
}

enum Round<'e> {
    /// This stream has to be loaded, for the first time or again.
    Missing(StreamId),
    Decided(Box<Decision>, Vec<MutexGuard<'e, Slot>>),
}

fn decide<'e>(command: &dyn Command, context: &Context, entries: &'e [Arc<Entry>]) -> Round<'e> {
    let slots: Vec<_> = entries.iter().map(|entry| entry.lock()).collect();
    if let Some(n) = slots.iter().position(|slot| slot.retired) {
        return Round::Missing(entries[n].stream);
    }
    let streams = entries.iter().map(|entry| entry.stream);
    let states: Vec<_> = streams.zip(slots.iter().map(|slot| &**slot)).collect();
    match Decision::make(command, context, &states) {
        Ok(decision) => Round::Decided(Box::new(decision), slots),
        Err(missing) => Round::Missing(missing),
    }
}

fn in_streams<'s>(
    entries: &[Arc<Entry>],
    slots: &'s mut [MutexGuard<'_, Slot>],
) -> Vec<(StreamId, &'s mut Slot)> {
    let streams = entries.iter().map(|entry| entry.stream);
    streams.zip(slots.iter_mut().map(|slot| &mut **slot)).collect()
}

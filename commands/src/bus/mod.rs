//! The command bus: validate, decide, append.
//!
//! Hot aggregates live in a bounded cache. Deciding and queueing are one short critical section
//! over the streams concerned; waiting for durability happens outside it. So the next command on a
//! stream decides on state that is not durable yet and queues behind it, and a hot SKU is limited
//! by batches, not by a commit each. Every item names what it was decided on, and the log refuses
//! it together with what it rests on. Nobody is answered before their events are durable; refusals
//! and no-ops are answered once what they rest on is durable and current.

mod attempt;
mod cache;
mod command;
mod context;
mod decision;
mod in_flight;
mod lane;
mod receipt;
mod states;
mod streams;

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::{State, StreamId};
use event_store::EventStore;
use tokio_util::task::TaskTracker;
use tracing::field::Empty;
use tracing::{Instrument, Span};

use self::attempt::Attempt;
use self::cache::{Cache, Slot};
pub(crate) use self::command::changes;
pub use self::command::{Changes, Command, Halt};
pub use self::context::Context;
use self::decision::Collision;
use self::in_flight::InFlight;
use self::lane::Lane;
pub use self::receipt::{Receipt, Subject};
pub use self::states::States;
use self::streams::Streams;
use crate::backoff::pause;
use crate::trace::SPANS;
use crate::{CommandError, Trace, metrics};

/// Carries out commands; cheap to clone.
#[derive(Clone)]
pub struct Bus(Arc<Inner>);

struct Inner {
    streams: Streams,
    cache: Cache,
    in_flight: InFlight,
    lane: Lane,
    tasks: TaskTracker,
}

/// After so many collisions a command is decided under the log's lock, where nothing can collide
/// with it but a neighbour that turns out to be a duplicate.
const TRIES_MAX: u32 = 2;

/// The caller's patience; the command itself goes on.
const PATIENCE: Duration = Duration::from_secs(15);

impl Bus {
    /// `cached` is the number of aggregates that are kept in memory.
    pub fn new(store: EventStore, cached: usize) -> Bus {
        let tasks = TaskTracker::new();
        let cache = Cache::new(cached);
        let streams = Streams::start(store, &tasks);
        let lane = Lane::start(streams.clone(), &tasks);
        Bus(Arc::new(Inner { streams, cache, in_flight: InFlight::default(), lane, tasks }))
    }

    pub fn store(&self) -> &EventStore {
        self.0.streams.store()
    }

    /// Carries out a command in a task of its own: a client that hangs up never leaves half of one
    /// behind.
    pub async fn execute(
        &self,
        command: impl Command,
        context: Context,
    ) -> Result<Receipt, CommandError> {
        let name = command.name();
        let span =
            tracing::debug_span!(target: SPANS, "command", otel.name = name, outcome = Empty);
        let context = Context { trace: Trace::enter(&span, None).or(context.trace), ..context };
        let bus = self.clone();
        let work = async move {
            let begun = Instant::now();
            let result = bus.run(Arc::new(command), Arc::new(context)).await;
            metrics::command_ended(name, &result, begun.elapsed());
            Span::current().record("outcome", metrics::outcome(&result));
            result
        };
        match tokio::time::timeout(PATIENCE, self.0.tasks.spawn(work.instrument(span))).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(CommandError::Interrupted),
            Err(_) => Err(CommandError::TimedOut),
        }
    }

    /// A stream's durable state and version; version 0 of a stream that does not exist.
    pub async fn load(&self, stream: StreamId) -> Result<(State, i32), CommandError> {
        let Slot { state, version, .. } = self.0.streams.load(stream).await?;
        Ok((state, version))
    }

    /// Looks at a stream's present state, which the next command on it would be decided on. It may
    /// not be durable yet, so this is for what can never change again, and for hints.
    pub async fn look<R>(
        &self,
        stream: StreamId,
        look: impl FnOnce(&State) -> R,
    ) -> Result<R, CommandError> {
        let entry = self.0.cache.get(Some(&self.0.streams), stream).await?;
        let slot = entry.lock();
        Ok(look(&slot.state))
    }

    /// Accepts nothing more and waits for what is under way.
    pub async fn shutdown(&self) {
        self.0.lane.close();
        self.0.streams.close();
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    async fn run(
        &self,
        command: Arc<dyn Command>,
        context: Arc<Context>,
    ) -> Result<Receipt, CommandError> {
        let _turn = self.0.in_flight.turn(&context).await;
        let mut collision: Option<Collision> = None;
        for tries in 0.. {
            let attempt = match collision {
                Some(collision) if tries >= TRIES_MAX || self.is_fought_over(&collision) => {
                    metrics::again(true);
                    self.attempt_locked(&command, &context, collision).await?
                }
                Some(_) => {
                    metrics::again(false);
                    self.attempt(&*command, &context, None).await?
                }
                None => self.attempt(&*command, &context, command.begins()).await?,
            };
            match attempt {
                Attempt::Done(receipt) => return Ok(*receipt),
                Attempt::Collided(on) => collision = Some(on),
            }
            let (first, most) = (Duration::from_micros(500), Duration::from_millis(5));
            tokio::time::sleep(pause(tries, first, most)).await;
        }
        Err(CommandError::Interrupted)
    }

    fn is_fought_over(&self, collision: &Collision) -> bool {
        collision.on.is_some_and(|stream| self.0.lane.owns(stream))
    }
}

impl std::fmt::Debug for Bus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bus").field("store", self.store()).finish_non_exhaustive()
    }
}

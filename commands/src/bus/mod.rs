//! The command bus: validate, decide, append.
//!
//! A bounded cache holds the most recently used aggregates. Deciding and queueing are one short
//! critical section under the locks of the streams; waiting for durability happens outside it. So
//! the next command on a stream is decided on state that is not durable yet, and queues behind it:
//! a stream that many commands write is limited by batches, not by one commit per command. Every
//! append names the states that it was decided on, and if the log refuses one of those, it refuses
//! the append too. A caller is answered when the events are durable; a refusal or a no-op is
//! answered when the states that it was decided on are durable and current.

mod attempt;
mod cache;
mod command;
mod command_locks;
mod contended;
mod context;
mod decision;
mod halt;
mod receipt;
mod request;
mod states;
mod stream_state;
mod streams;

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::{State, StreamId};
use event_store::{Backoff, EventStore, time_limits};
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;
use tracing::field::Empty;
use tracing::{Instrument, Span};

use self::attempt::AttemptError;
use self::cache::Cache;
pub(crate) use self::command::changes;
pub use self::command::{Changes, Command};
use self::command_locks::CommandLocks;
use self::contended::ContendedPath;
pub use self::context::Context;
use self::decision::Conflict;
pub use self::halt::Halt;
pub use self::receipt::{Receipt, Subject};
pub use self::request::RequestHash;
pub use self::states::States;
use self::stream_state::StreamState;
use self::streams::Streams;
use crate::trace::SPANS;
use crate::{CommandError, Trace, metrics};

/// Executes commands. Cheap to clone.
#[derive(Clone)]
pub struct Bus(Arc<Inner>);

struct Inner {
    streams: Streams,
    cache: Cache,
    command_locks: CommandLocks,
    contended_path: ContendedPath,
    tasks: TaskTracker,
}

/// After this many conflicts a command is decided under the log's lock. There it can only conflict
/// with a command of the same batch that turns out to be a duplicate.
const CONFLICTS_MAX: u32 = 2;

/// Pauses between the attempts of a command that conflicted.
const RETRIES: Backoff = Backoff::new(Duration::from_micros(500), Duration::from_millis(5));

impl Bus {
    /// `cached` is the largest number of aggregates in the cache.
    pub fn new(store: EventStore, cached: usize) -> Bus {
        let tasks = TaskTracker::new();
        let cache = Cache::new(cached);
        let streams = Streams::start(store, &tasks);
        let contended_path = ContendedPath::start(streams.clone(), &tasks);
        let command_locks = CommandLocks::default();
        Bus(Arc::new(Inner { streams, cache, command_locks, contended_path, tasks }))
    }

    pub fn store(&self) -> &EventStore {
        self.0.streams.store()
    }

    /// Executes a command in a task of its own, so it is completed even if the caller stops
    /// waiting.
    ///
    /// # Errors
    /// After [`CommandError::Refused`], [`CommandError::VersionConflict`] and
    /// [`CommandError::KeyReused`] nothing was written. After every other error it is unknown
    /// whether the command was executed: send it again with the same command id.
    pub async fn execute(
        &self,
        command: impl Command,
        context: Context,
    ) -> Result<Receipt, CommandError> {
        let answer = self.start(Arc::new(command), context);
        match tokio::time::timeout(time_limits::COMMAND, answer).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(CommandError::Interrupted),
            Err(_) => Err(CommandError::TimedOut),
        }
    }

    /// Starts the task of a command. It is not generic, so that the compiler generates its code once, and
    /// not again for each command and in each crate.
    fn start(
        &self,
        command: Arc<dyn Command>,
        context: Context,
    ) -> JoinHandle<Result<Receipt, CommandError>> {
        let name = command.name();
        let span =
            tracing::debug_span!(target: SPANS, "command", otel.name = name, outcome = Empty);
        let context = Context { trace: Trace::enter(&span, None).or(context.trace), ..context };
        let bus = self.clone();
        let work = async move {
            let begun = Instant::now();
            let result = bus.run(command, Arc::new(context)).await;
            metrics::command_ended(name, &result, begun.elapsed());
            Span::current().record("outcome", metrics::outcome(&result));
            result
        };
        self.0.tasks.spawn(work.instrument(span))
    }

    /// A stream's durable state and version. The version of a stream that does not exist is 0.
    pub async fn load(&self, stream: StreamId) -> Result<(State, i32), CommandError> {
        let StreamState { state, version, .. } = self.0.streams.load(stream).await?;
        Ok((state, version))
    }

    /// Reads the state that the next command on this stream would be decided on. It may not be
    /// durable yet, so rely on it only for facts that can never change again, or as a hint.
    pub async fn look<R>(
        &self,
        stream: StreamId,
        look: impl FnOnce(&State) -> R,
    ) -> Result<R, CommandError> {
        let cached = self.0.cache.get(Some(&self.0.streams), stream).await?;
        let state = cached.lock();
        Ok(look(&state.state))
    }

    /// Waits until every command that has started has ended.
    pub async fn shutdown(&self) {
        self.0.contended_path.close();
        self.0.streams.close();
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    /// Attempts the command until it has a receipt or an error that is final.
    async fn run(
        &self,
        command: Arc<dyn Command>,
        context: Arc<Context>,
    ) -> Result<Receipt, CommandError> {
        let _lock = self.0.command_locks.lock(&context).await;
        let mut result = self.attempt(&*command, &context, command.begins()).await;
        let mut conflicts = 0;
        loop {
            let conflict = match result {
                Ok(receipt) => return Ok(receipt),
                Err(AttemptError::Final(error)) => return Err(error),
                Err(AttemptError::Conflict(conflict)) => conflict,
            };
            tokio::time::sleep(RETRIES.pause_after(conflicts)).await;
            conflicts += 1;
            let under_lock = conflicts >= CONFLICTS_MAX || self.is_contended(&conflict);
            metrics::send_on_a_refused_base(under_lock);
            result = if under_lock {
                self.attempt_under_lock(&command, &context, conflict).await
            } else {
                self.attempt(&*command, &context, None).await
            };
        }
    }

    fn is_contended(&self, conflict: &Conflict) -> bool {
        conflict.moved.is_some_and(|stream| self.0.contended_path.is_contended(stream))
    }
}

impl std::fmt::Debug for Bus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bus").field("store", self.store()).finish_non_exhaustive()
    }
}

//! Reactions to the shop's own events: commands of the process manager, calls to the payment
//! provider, and requests for messages, which `mail` sends. One node does this at a time, by lease.
//! The reactions to one stream run in sequence, those to different streams concurrently. The
//! checkpoint is the highest position up to which all tasks are done. What a crash leaves
//! unfinished is done again, with the same command ids and idempotency keys.

mod effects;
mod queues;
mod runner;
mod status;

use domain::process::{
    Effect, NotificationRequest, Reaction, effects as effects_of, notification_request, react,
};
use projections::{DecodedEvent, Feed};
use uuid::Uuid;

pub use self::runner::run;
pub use self::status::{ReactionStatus, status};
use crate::payment::PaymentPolicy;
use crate::payments::Provider;
use crate::{Bus, Context, Trace};

/// Everything a reaction needs.
#[derive(Debug, Clone)]
pub struct Reactions {
    pub feed: Feed,
    pub bus: Bus,
    pub provider: Provider,
    pub policy: PaymentPolicy,
}

/// One thing to be done because of an event.
#[derive(Debug, Clone)]
struct Task {
    cause: Cause,
    kind: TaskKind,
}

#[derive(Debug, Clone)]
enum TaskKind {
    React(Reaction),
    Call(Effect),
    Notify(NotificationRequest),
}

/// The event that a task reacts to.
#[derive(Debug, Clone, Copy)]
struct Cause {
    position: i64,
    correlation_id: Uuid,
    /// The trace of the command that wrote the event.
    trace: Option<Trace>,
}

impl Cause {
    /// The context of a command that reacts to the event. `task` distinguishes the commands for one
    /// event. The command id is derived from both, so a repeated reaction is the same command.
    fn context(&self, task: &str) -> Context {
        let namespace = Uuid::new_v5(&Uuid::NAMESPACE_OID, b"cartulary/reactions");
        let id = Uuid::new_v5(&namespace, format!("{}/{task}", self.position).as_bytes());
        let context =
            Context::reaction("reactions", id, Some((self.position, self.correlation_id)));
        Context { trace: self.trace, ..context }
    }
}

fn tasks(event: &DecodedEvent, trace: Option<Trace>) -> Vec<Task> {
    let cause = Cause { position: event.position, correlation_id: event.correlation_id, trace };
    let reactions = react(event.stream, &event.event).into_iter().map(TaskKind::React);
    let calls = effects_of(event.stream, &event.event).into_iter().map(TaskKind::Call);
    let notices =
        notification_request(event.stream, &event.event).into_iter().map(TaskKind::Notify);
    reactions.chain(calls).chain(notices).map(|kind| Task { cause, kind }).collect()
}

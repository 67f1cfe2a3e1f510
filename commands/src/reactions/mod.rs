//! What the shop does in answer to its own events: the process manager's commands, calls to the
//! payment provider, and messages to people, which are asked for here and sent by `mail`.
//!
//! One node does this at a time, by lease. The streams run side by side, each in sequence; the
//! checkpoint moves up to the lowest position that is not finished. Whatever a crash leaves
//! unfinished is done again, under the same command ids and idempotency keys.

mod effects;
mod queues;
mod runner;
mod status;

use domain::process::{
    Effect, NotificationRequest, Reaction, effects as effects_of, notification_request, react,
};
use projections::Recorded;
use uuid::Uuid;

pub use self::runner::{Reactions, run};
pub use self::status::{ReactionStatus, status};
use crate::{Context, Trace};

/// One thing to be done in answer to an event.
#[derive(Debug, Clone)]
struct Task {
    cause: Cause,
    work: Work,
}

#[derive(Debug, Clone)]
enum Work {
    React(Reaction),
    Call(Effect),
    Notify(NotificationRequest),
}

/// The event that is answered.
#[derive(Debug, Clone, Copy)]
struct Cause {
    position: i64,
    correlation_id: Uuid,
    /// Of the command whose event it is.
    trace: Option<Trace>,
}

impl Cause {
    /// Answering the same event again is the same command. `what` names the answer among those to
    /// one event.
    fn context(&self, what: &str) -> Context {
        let namespace = Uuid::new_v5(&Uuid::NAMESPACE_OID, b"cartulary/reactions");
        let id = Uuid::new_v5(&namespace, format!("{}/{what}", self.position).as_bytes());
        let context =
            Context::reaction("reactions", id, Some((self.position, self.correlation_id)));
        Context { trace: self.trace, ..context }
    }
}

fn tasks(event: &Recorded, trace: Option<Trace>) -> Vec<Task> {
    let cause = Cause { position: event.position, correlation_id: event.correlation_id, trace };
    let reactions = react(event.stream, &event.event).into_iter().map(Work::React);
    let calls = effects_of(event.stream, &event.event).into_iter().map(Work::Call);
    let notices = notification_request(event.stream, &event.event).into_iter().map(Work::Notify);
    reactions.chain(calls).chain(notices).map(|work| Task { cause, work }).collect()
}

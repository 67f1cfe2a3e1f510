//! The decider: what the command bus asks of every aggregate.

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;

use crate::Timestamp;

/// An aggregate whose rules are one pure, synchronous function.
///
/// `decide` looks at the state and the command and answers with the events to append, or with
/// the reason why not. An empty answer means that what was asked is already so.
pub trait Decide: Aggregate + Clone {
    fn decide(
        &self,
        command: &Self::Command,
        now: Timestamp,
    ) -> Result<Vec<Self::Event>, Self::Error>;
}

/// What every `Aggregate::handle` does: decide, then write the events. The services of an
/// aggregate are just the time.
pub(crate) async fn handle<A>(
    aggregate: &mut A,
    command: &A::Command,
    now: Timestamp,
    sink: &EventSink<A>,
) -> Result<(), A::Error>
where
    A: Decide,
{
    for event in aggregate.decide(command, now)? {
        sink.write(event, aggregate).await;
    }
    Ok(())
}

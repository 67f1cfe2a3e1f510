//! The decider: the function that the command bus calls on every aggregate.

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;

use crate::Timestamp;

/// An aggregate whose rules are one pure, synchronous function.
///
/// `decide` takes the state and a command and returns the events to append, or the reason for
/// refusing the command. No events mean that nothing has to change.
pub trait Decide: Aggregate + Clone {
    fn decide(
        &self,
        command: &Self::Command,
        now: Timestamp,
    ) -> Result<Vec<Self::Event>, Self::Error>;
}

/// The body of every `Aggregate::handle`: it decides, then writes the events. The services of an
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

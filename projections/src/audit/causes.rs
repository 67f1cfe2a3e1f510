//! The chain of causes of an event.

use event_store::RecordedEvent;

use super::event_columns;
use crate::page::QueryError;
use crate::read_models::ReadModels;

impl ReadModels {
    /// The chain of causes of an event: the event itself, its cause, the cause of that, and so on
    /// back to the first event of the command that began the chain. It is read from the log, so it
    /// is never stale.
    pub async fn causes(&self, position: i64) -> Result<Vec<RecordedEvent>, QueryError> {
        // A cause has a lower position than its effect, so the chain ends. An event without a cause
        // was written by a command that nothing caused. The first event of that command is the last
        // event, up to this position, that has a command id.
        let chain = sqlx::query_as(concat!(
            "with recursive chain as (
                 select position, caused_by from events where position = $1
                 union all
                 select e.position, e.caused_by
                 from chain join events e on e.position = chain.caused_by
                 where e.position < chain.position
             ),
             root as (
                 select first.position from chain
                 cross join lateral (
                     select position from events
                     where position <= chain.position and command_id is not null
                     order by position desc limit 1
                 ) as first
                 where chain.caused_by is null
             )
             select ",
            event_columns!(),
            " from events e
              where e.position in (select position from chain union select position from root)
              order by e.position desc"
        ));
        Ok(chain.bind(position).fetch_all(self.pool()).await?)
    }
}

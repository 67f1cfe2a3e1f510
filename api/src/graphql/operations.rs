//! The query `projections`, which shows the state of the read models.

use async_graphql::{Context, Object, Result, SimpleObject};

use super::errors::query_error;
use super::position::Position;
use super::shop::shop;

/// A read model: tables that answer queries and follow the event log with a short delay.
#[derive(Debug, SimpleObject)]
pub struct Projection {
    /// Fixed name of the read model, such as `orders` or `ledger`.
    name: String,
    /// Position of the last event that the read model includes; `0` if it includes none.
    position: Position,
    /// Number of events in the log that the read model does not include yet.
    lag_events: i64,
    /// Age in milliseconds of the oldest event that is not included yet; 0 if there is none.
    lag_milliseconds: i64,
    /// Name of the server process that updates the read model now. Null if none does, for instance
    /// while another is taking over.
    owner: Option<String>,
    /// Version of the rules by which the stored rows were made. It grows when a release changes them.
    version: i32,
    /// Error that stopped the read model until a person repairs it; null while it works.
    stopped_because: Option<String>,
}

#[derive(Debug, Default)]
pub struct OperationsQuery;

#[Object]
impl OperationsQuery {
    /// The read models that answer the queries, and how far each is behind the event log.
    ///
    /// Only staff may call it.
    async fn projections(&self, ctx: &Context<'_>) -> Result<Vec<Projection>> {
        let status = shop(ctx).read_models.status().await.map_err(query_error)?;
        Ok(status
            .into_iter()
            .map(|status| Projection {
                name: status.model.to_string(),
                position: Position(status.position),
                lag_events: status.lag_events,
                lag_milliseconds: i64::try_from(status.lag_time.as_millis()).unwrap_or(i64::MAX),
                owner: status.owner,
                version: status.version,
                stopped_because: status.stopped_because,
            })
            .collect())
    }
}

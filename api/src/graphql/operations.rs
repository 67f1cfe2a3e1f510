//! How the shop is doing.

use async_graphql::{Context, Object, Result, SimpleObject};

use super::errors::query_fault;
use super::position::Position;
use super::shop::shop;

/// A read model, and how far it has come.
#[derive(Debug, SimpleObject)]
pub struct Projection {
    /// Its name.
    name: String,
    /// The last event that it shows.
    position: Position,
    /// Events that it does not show yet.
    lag_events: i64,
    /// For how many milliseconds the first of them has been waiting.
    lag_milliseconds: i64,
    /// The node that keeps it.
    owner: Option<String>,
    /// The version of the program that wrote its rows.
    version: i32,
    /// Why it has stopped until somebody looks, if it has.
    stopped_because: Option<String>,
}

#[derive(Debug, Default)]
pub struct OperationsQuery;

#[Object]
impl OperationsQuery {
    /// The read models, and how far each has come.
    async fn projections(&self, ctx: &Context<'_>) -> Result<Vec<Projection>> {
        let status = shop(ctx).read_models.status().await.map_err(query_fault)?;
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

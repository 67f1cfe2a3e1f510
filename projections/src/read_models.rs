//! The handle for queries, and the position of each read model.

use std::sync::Arc;
use std::time::Duration;

use event_store::time_limits;
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::model::{ReadModel, with_projection};
use crate::page::QueryError;
use crate::projection::Projection;

/// The handle for queries. The queries are defined next to their projections, in `products/`,
/// `orders/` and so on. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ReadModels {
    pool: PgPool,
    pub(crate) progress: ReadModelPositions,
}

/// The read model did not reach the position in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the read model '{model}' is at position {reached}, not yet at {wanted}")]
pub struct Stale {
    pub model: ReadModel,
    pub reached: i64,
    pub wanted: i64,
}

/// The state of a projection.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectionStatus {
    pub model: ReadModel,
    /// The version of the projection that wrote the rows.
    pub version: i32,
    /// The position of the last event that is in the rows.
    pub position: i64,
    /// How many events are not in the rows yet.
    pub lag_events: i64,
    /// How long ago the first of them was recorded.
    pub lag_time: Duration,
    /// The process that holds the lease. None if the lease has expired.
    pub owner: Option<String>,
    /// Why it has halted. It stays halted until a person clears this or rebuilds the read model.
    pub stopped_because: Option<String>,
}

impl ReadModels {
    /// For a process in which no projector runs: it reads positions from the database.
    pub fn new(pool: PgPool) -> ReadModels {
        ReadModels { pool, progress: ReadModelPositions::default() }
    }

    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Waits until the read models contain all events up to a position.
    ///
    /// # Errors
    /// [`Stale`] if one of them does not within `timeout`.
    pub async fn wait_for(
        &self,
        models: &[ReadModel],
        position: i64,
        timeout: Duration,
    ) -> Result<(), Stale> {
        let deadline = Instant::now() + timeout;
        for model in models {
            self.wait_for_one(*model, position, deadline).await?;
        }
        Ok(())
    }

    async fn wait_for_one(
        &self,
        model: ReadModel,
        wanted: i64,
        deadline: Instant,
    ) -> Result<(), Stale> {
        let mut reached = self.progress.sender(model).subscribe();
        let mut poll = FIRST_POLL_INTERVAL;
        loop {
            let known = *reached.borrow_and_update();
            if known.position >= wanted {
                return Ok(());
            }
            let now = Instant::now();
            if now >= deadline {
                return Err(Stale { model, reached: known.position, wanted });
            }
            // The projector of this node reports its progress; that of another node must be polled.
            let next = now + if known.is_local { POLL_INTERVAL_MAX } else { poll };
            tokio::select! {
                _ = reached.changed() => continue,
                () = sleep_until(next.min(deadline)) => poll = (poll * 2).min(POLL_INTERVAL_MAX),
            }
            // After an error the position is still unknown. The query that follows will report it.
            let limit = time_limits::CHECKPOINT_QUERY;
            if let Ok(Ok(position)) = tokio::time::timeout(limit, self.position(model)).await {
                self.progress.observe(model, position);
            }
        }
    }

    /// The checkpoint in the database.
    pub async fn position(&self, model: ReadModel) -> Result<i64, QueryError> {
        let position: Option<i64> =
            sqlx::query_scalar("select position from leases where name = $1")
                .bind(model.lease())
                .fetch_optional(&self.pool)
                .await?;
        Ok(position.unwrap_or_default())
    }

    /// The state of every projection, in the order of [`ReadModel::ALL`].
    pub async fn status(&self) -> Result<Vec<ProjectionStatus>, QueryError> {
        let rows: Vec<StatusRow> = sqlx::query_as(
            "select l.version, coalesce(l.position, 0), head.position - coalesce(l.position, 0),
                    coalesce(extract(epoch from clock_timestamp() - next.recorded_at), 0)::float8,
                    case when l.expires_at > clock_timestamp() then l.owner end,
                    l.stopped_because
             from unnest($1::text[]) with ordinality as p (name, n)
             cross join (select coalesce(max(position), 0) as position from events) as head
             left join leases l on l.name = p.name
             left join events next on next.position = coalesce(l.position, 0) + 1
             order by p.n",
        )
        .bind(ReadModel::ALL.map(ReadModel::lease).to_vec())
        .fetch_all(&self.pool)
        .await?;
        Ok(ReadModel::ALL.into_iter().zip(rows).map(|(model, row)| status(model, row)).collect())
    }
}

type StatusRow = (Option<i32>, i64, i64, f64, Option<String>, Option<String>);

fn status(model: ReadModel, row: StatusRow) -> ProjectionStatus {
    let (version, position, lag_events, lag_seconds, owner, stopped_because) = row;
    ProjectionStatus {
        model,
        version: version.unwrap_or(with_projection!(model, P => P::VERSION)),
        position,
        lag_events,
        lag_time: Duration::try_from_secs_f64(lag_seconds).unwrap_or_default(),
        owner,
        stopped_because,
    }
}

const FIRST_POLL_INTERVAL: Duration = Duration::from_millis(5);
const POLL_INTERVAL_MAX: Duration = Duration::from_millis(100);

/// The positions of the read models, as far as this node knows them.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReadModelPositions(Arc<[watch::Sender<Reached>; ReadModel::ALL.len()]>);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Reached {
    position: i64,
    /// Whether the projection runs on this node.
    is_local: bool,
}

impl ReadModelPositions {
    fn sender(&self, model: ReadModel) -> &watch::Sender<Reached> {
        &self.0[model as usize]
    }

    /// Records that this node's projector is at this position. After a crash of Postgres it can be
    /// lower than before.
    pub(crate) fn is_at(&self, model: ReadModel, position: i64) {
        self.sender(model).send_replace(Reached { position, is_local: true });
    }

    /// Records that this node's projector no longer leads the read model.
    pub(crate) fn left(&self, model: ReadModel) {
        self.sender(model).send_modify(|reached| reached.is_local = false);
    }

    fn observe(&self, model: ReadModel, position: i64) {
        self.sender(model).send_if_modified(|reached| {
            let is_news = position > reached.position;
            reached.position = position.max(reached.position);
            is_news
        });
    }
}

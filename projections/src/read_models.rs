//! The handle for questions, and how far each read model has come.

use std::sync::Arc;
use std::time::Duration;

use event_store::time_limits;
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::model::{ReadModel, with_projection};
use crate::page::QueryError;
use crate::projection::Projection;

/// Cheap to clone. The queries are beside their folds: `products/`, `orders/` and so on.
#[derive(Debug, Clone)]
pub struct ReadModels {
    pool: PgPool,
    pub(crate) progress: Progress,
}

/// The read model did not come as far in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("'{model}' has come to position {reached}, not yet to {wanted}")]
pub struct Stale {
    pub model: ReadModel,
    pub reached: i64,
    pub wanted: i64,
}

/// How a projection is doing.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectionStatus {
    pub model: ReadModel,
    /// Of the program that wrote the rows.
    pub version: i32,
    /// Of the last event that is in the rows.
    pub position: i64,
    /// How many events there are after it.
    pub lag_events: i64,
    /// How long the first of them has been waiting.
    pub lag_time: Duration,
    /// The node at work; none when the lease has run out.
    pub owner: Option<String>,
    /// It has stopped for good, until somebody looks.
    pub stopped_because: Option<String>,
}

impl ReadModels {
    /// For a node on which no projector runs, or a replica: progress is read from the database.
    pub fn new(pool: PgPool) -> ReadModels {
        ReadModels { pool, progress: Progress::default() }
    }

    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Waits until the read models hold everything up to a position.
    ///
    /// # Errors
    /// [`Stale`] when one of them does not within `at_most`.
    pub async fn wait_for(
        &self,
        models: &[ReadModel],
        position: i64,
        at_most: Duration,
    ) -> Result<(), Stale> {
        let deadline = Instant::now() + at_most;
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
        let mut reached = self.progress.of(model).subscribe();
        let mut poll = FIRST_POLL;
        loop {
            let known = *reached.borrow_and_update();
            if known.position >= wanted {
                return Ok(());
            }
            let now = Instant::now();
            if now >= deadline {
                return Err(Stale { model, reached: known.position, wanted });
            }
            // What this node's projector does is heard at once; of another's one has to ask.
            let next = now + if known.here { LONGEST_POLL } else { poll };
            tokio::select! {
                _ = reached.changed() => continue,
                () = sleep_until(next.min(deadline)) => poll = (poll * 2).min(LONGEST_POLL),
            }
            // An error is no news: what is behind it will be told to the query itself.
            let limit = time_limits::CHECKPOINT_QUESTION;
            if let Ok(Ok(position)) = tokio::time::timeout(limit, self.position(model)).await {
                self.progress.heard(model, position);
            }
        }
    }

    /// The checkpoint, as the database has it.
    pub async fn position(&self, model: ReadModel) -> Result<i64, QueryError> {
        let position: Option<i64> =
            sqlx::query_scalar("select position from leases where name = $1")
                .bind(model.lease())
                .fetch_optional(&self.pool)
                .await?;
        Ok(position.unwrap_or_default())
    }

    /// Every projection, in the order of [`ReadModel::ALL`].
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

const FIRST_POLL: Duration = Duration::from_millis(5);
const LONGEST_POLL: Duration = Duration::from_millis(100);

/// How far the read models have come, as far as this node knows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress(Arc<[watch::Sender<Reached>; ReadModel::ALL.len()]>);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Reached {
    position: i64,
    /// The projection runs on this node.
    here: bool,
}

impl Progress {
    fn of(&self, model: ReadModel) -> &watch::Sender<Reached> {
        &self.0[model as usize]
    }

    /// This node's projector is there now. A crash of Postgres may have thrown it back.
    pub(crate) fn is_at(&self, model: ReadModel, position: i64) {
        self.of(model).send_replace(Reached { position, here: true });
    }

    /// This node's projector has given it up.
    pub(crate) fn left(&self, model: ReadModel) {
        self.of(model).send_modify(|reached| reached.here = false);
    }

    fn heard(&self, model: ReadModel, position: i64) {
        self.of(model).send_if_modified(|reached| {
            let news = position > reached.position;
            reached.position = position.max(reached.position);
            news
        });
    }
}

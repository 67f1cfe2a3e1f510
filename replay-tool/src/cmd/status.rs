//! `status`: how far the log and everything that follows it have come.

use std::fmt;

use chrono::{DateTime, Utc};
use projections::{ProjectionStatus, ReadModels};
use serde::Serialize;
use sqlx::{FromRow, PgConnection};

use crate::cli::Verdict;
use crate::database::Database;
use crate::error::Error;
use crate::output::Output;

#[derive(Debug, Serialize)]
struct Status {
    /// The position of the last event.
    head: i64,
    /// When it was recorded.
    recorded_at: Option<DateTime<Utc>>,
    streams: i64,
    projections: Vec<Follower>,
    /// What else follows the log: reactions, deadlines and the like.
    others: Vec<Follower>,
    /// Events to which the shop should have reacted and could not.
    parked_reactions: i64,
    /// What payment providers have told us and is not processed yet.
    inbox_waiting: i64,
}

/// Whoever works along the log, with a checkpoint.
#[derive(Debug, Serialize, FromRow)]
struct Follower {
    name: String,
    position: i64,
    lag_events: i64,
    lag_seconds: f64,
    version: i32,
    /// The process at work; none when nobody holds the lease.
    owner: Option<String>,
    stopped_because: Option<String>,
}

pub(crate) async fn run(database: &Database, output: &Output) -> Result<Verdict, Error> {
    let mut reader = database.reader().await?;
    let store = database.store().await?;
    let projections = ReadModels::new(store.pool().clone()).status().await?;
    store.shutdown().await;
    let (head, recorded_at, streams, parked_reactions, inbox_waiting) =
        sqlx::query_as(COUNTS).fetch_one(&mut reader).await?;
    let status = Status {
        head,
        recorded_at,
        streams,
        projections: projections.into_iter().map(Follower::from).collect(),
        others: others(&mut reader).await?,
        parked_reactions,
        inbox_waiting,
    };
    output.show(&status)?;
    Ok(if status.is_well() { Verdict::Well } else { Verdict::Wrong })
}

/// Versions begin at 1, so the first ones count the streams, out of the index alone.
const COUNTS: &str = "
    select coalesce(max(position), 0), max(recorded_at),
           (select count(*) from events where version = 1),
           (select count(*) from parked_reactions),
           (select count(*) from inbox where processed_at is null)
    from (select position, recorded_at from events order by position desc limit 1) as last";

async fn others(reader: &mut PgConnection) -> Result<Vec<Follower>, sqlx::Error> {
    sqlx::query_as(
        "select l.name, l.position, head.position - l.position as lag_events,
                coalesce(extract(epoch from clock_timestamp() - next.recorded_at), 0)::float8
                    as lag_seconds,
                l.version, case when l.expires_at > clock_timestamp() then l.owner end as owner,
                l.stopped_because
         from leases l
         cross join (select coalesce(max(position), 0) as position from events) as head
         left join events next on next.position = l.position + 1
         where l.name not like 'projection:%'
         order by l.name",
    )
    .fetch_all(reader)
    .await
}

impl From<ProjectionStatus> for Follower {
    fn from(status: ProjectionStatus) -> Follower {
        Follower {
            name: status.model.name().to_owned(),
            position: status.position,
            lag_events: status.lag_events,
            lag_seconds: status.lag_time.as_secs_f64(),
            version: status.version,
            owner: status.owner,
            stopped_because: status.stopped_because,
        }
    }
}

impl Status {
    /// Lagging is no fault, and neither is a shop that is closed.
    fn is_well(&self) -> bool {
        let mut followers = self.projections.iter().chain(&self.others);
        self.parked_reactions == 0 && followers.all(|one| one.stopped_because.is_none())
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let recorded = self.recorded_at.map_or("never".to_owned(), |at| at.to_rfc3339());
        writeln!(f, "log head          {} (recorded {recorded})", self.head)?;
        writeln!(f, "streams           {}", self.streams)?;
        writeln!(f, "parked reactions  {}", self.parked_reactions)?;
        writeln!(f, "inbox waiting     {}", self.inbox_waiting)?;
        write!(
            f,
            "\n{:<14} {:>12} {:>10} {:>8}  owner",
            "projection", "position", "lag", "version"
        )?;
        self.projections.iter().chain(&self.others).try_for_each(|one| write!(f, "\n{one}"))
    }
}

impl fmt::Display for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let owner = self.owner.as_deref().unwrap_or("-");
        write!(
            f,
            "{:<14} {:>12} {:>10} {:>8}  {owner}",
            self.name, self.position, self.lag_events, self.version
        )?;
        match &self.stopped_because {
            Some(reason) => write!(f, "\n    STOPPED: {reason}"),
            None => Ok(()),
        }
    }
}

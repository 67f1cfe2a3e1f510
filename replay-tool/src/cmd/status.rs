//! `status`: the end of the log, and how far each projection and worker lags behind it.

use std::fmt;

use chrono::{DateTime, Utc};
use clap::Args;
use projections::{ProjectionStatus, ReadModels};
use serde::Serialize;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row};

use crate::database::Database;
use crate::error::Error;
use crate::output::Output;
use crate::verdict::Verdict;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// End with exit code 1 if anything lags by more than N events.
    #[arg(long, value_name = "N")]
    fail_over_lag: Option<u32>,
}

#[derive(Debug, Serialize)]
struct StatusReport {
    /// The position of the last event.
    head: i64,
    /// When the last event was recorded.
    recorded_at: Option<DateTime<Utc>>,
    streams: i64,
    projections: Vec<Follower>,
    /// The other workers that hold a lease: reactions, deadlines and so on.
    others: Vec<Follower>,
    /// Reactions that failed permanently and wait for a person.
    parked_reactions: i64,
    /// Webhooks of payment providers that are not processed yet.
    inbox_waiting: i64,
    #[serde(skip)]
    lag_events_max: Option<i64>,
}

/// A projection or a worker, which holds a lease while it works.
#[derive(Debug, Serialize)]
struct Follower {
    name: String,
    /// Its checkpoint in the log.
    position: i64,
    lag_events: i64,
    lag_seconds: f64,
    version: i32,
    /// The process that holds the lease. None if no process does.
    owner: Option<String>,
    stopped_because: Option<String>,
}

impl<'r> FromRow<'r, PgRow> for Follower {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        Ok(Follower {
            name: row.try_get("name")?,
            position: row.try_get("position")?,
            lag_events: row.try_get("lag_events")?,
            lag_seconds: row.try_get("lag_seconds")?,
            version: row.try_get("version")?,
            owner: row.try_get("owner")?,
            stopped_because: row.try_get("stopped_because")?,
        })
    }
}

/// The leases of workers that read due rows from the read models instead of the log. They have no
/// checkpoint, so their position stays 0 and they never lag behind the log.
const WITHOUT_CHECKPOINT: [&str; 2] = ["deadlines_worker", "mail"];

pub(crate) async fn run(
    database: &Database,
    options: Options,
    output: &Output,
) -> Result<Verdict, Error> {
    let mut reader = database.reader().await?;
    let store = database.store().await?;
    let projections = ReadModels::new(store.pool().clone()).status().await?;
    store.shutdown().await;
    let (head, recorded_at, streams, parked_reactions, inbox_waiting) =
        sqlx::query_as(COUNTS).fetch_one(&mut reader).await?;
    let status = StatusReport {
        head,
        recorded_at,
        streams,
        projections: projections.into_iter().map(Follower::from).collect(),
        others: others(&mut reader).await?,
        parked_reactions,
        inbox_waiting,
        lag_events_max: options.fail_over_lag.map(i64::from),
    };
    output.show(&status)?;
    Ok(if status.is_ok() { Verdict::Ok } else { Verdict::Failed })
}

/// Each stream has one event of version 1, so these are counted; the index alone is enough for
/// that.
const COUNTS: &str = "
    select coalesce(max(position), 0), max(recorded_at),
           (select count(*) from events where version = 1),
           (select count(*) from parked_reactions),
           (select count(*) from inbox where processed_at is null)
    from (select position, recorded_at from events order by position desc limit 1) as last";

async fn others(reader: &mut PgConnection) -> Result<Vec<Follower>, sqlx::Error> {
    sqlx::query_as(
        "select l.name, l.position,
                case when l.name = any($1) then 0 else head.position - l.position end
                    as lag_events,
                coalesce(extract(epoch from clock_timestamp() - next.recorded_at), 0)::float8
                    as lag_seconds,
                l.version, case when l.expires_at > clock_timestamp() then l.owner end as owner,
                l.stopped_because
         from leases l
         cross join (select coalesce(max(position), 0) as position from events) as head
         left join events next on next.position = l.position + 1 and not l.name = any($1)
         where l.name not like 'projection:%'
         order by l.name",
    )
    .bind(&WITHOUT_CHECKPOINT[..])
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

impl StatusReport {
    /// Without a limit, a lag is no failure, and neither is a server that does not run.
    fn is_ok(&self) -> bool {
        self.parked_reactions == 0
            && self.followers().all(|one| one.stopped_because.is_none() && !self.is_late(one))
    }

    fn followers(&self) -> impl Iterator<Item = &Follower> {
        self.projections.iter().chain(&self.others)
    }

    fn is_late(&self, follower: &Follower) -> bool {
        self.lag_events_max.is_some_and(|max| follower.lag_events > max)
    }
}

impl fmt::Display for StatusReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let recorded = self.recorded_at.map_or("never".to_owned(), |at| at.to_rfc3339());
        writeln!(f, "log head          {} (recorded {recorded})", self.head)?;
        writeln!(f, "streams           {}", self.streams)?;
        writeln!(f, "parked reactions  {}", self.parked_reactions)?;
        writeln!(f, "inbox waiting     {}", self.inbox_waiting)?;
        write!(f, "\n{:<16} {:>12} {:>10} {:>8}  owner", "name", "position", "lag", "version")?;
        for follower in self.followers() {
            write!(f, "\n{follower}")?;
            if let Some(max) = self.lag_events_max.filter(|_| self.is_late(follower)) {
                write!(f, "\n    LATE: more than {max} events behind")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let owner = self.owner.as_deref().unwrap_or("-");
        let has_checkpoint = !WITHOUT_CHECKPOINT.contains(&self.name.as_str());
        let number = |number: i64| if has_checkpoint { number.to_string() } else { "-".to_owned() };
        let (position, lag) = (number(self.position), number(self.lag_events));
        let (name, version) = (&self.name, self.version);
        write!(f, "{name:<16} {position:>12} {lag:>10} {version:>8}  {owner}")?;
        match &self.stopped_because {
            Some(reason) => write!(f, "\n    STOPPED: {reason}"),
            None => Ok(()),
        }
    }
}

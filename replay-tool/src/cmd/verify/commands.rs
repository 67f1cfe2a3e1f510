//! Checks that no command id occurs twice in the log.

use sqlx::PgConnection;
use uuid::Uuid;

use super::finding::{CheckName, Finding, Findings};
use crate::error::Error;
use crate::progress::ProgressLine;

/// The unique index alone is enough for this. If the index is missing, Postgres sorts on disk.
const REPEATED: &str = "
    select repeated.id, known.positions, repeated.all_of_them
    from (
        select command_id as id, count(*) over () as all_of_them from events
        where command_id is not null
        group by command_id having count(*) > 1
        limit 1000
    ) as repeated
    cross join lateral (
        select array_agg(position order by position) as positions from events
        where command_id = repeated.id
    ) as known
    order by known.positions";

pub(super) async fn check(reader: &mut PgConnection, findings: &mut Findings) -> Result<(), Error> {
    let progress = ProgressLine::new("comparing command ids");
    let repeated: Vec<(Uuid, Vec<i64>, i64)> = sqlx::query_as(REPEATED).fetch_all(reader).await?;
    let all = repeated.first().map_or(0, |(_, _, all)| *all);
    for (id, positions, _) in &repeated {
        let message = format!("the command {id} is in the log at positions {positions:?}");
        let last = positions.last().copied().unwrap_or_default();
        findings.add(&progress, &Finding::new(CheckName::Command, message).at(last))?;
    }
    findings.count_more(CheckName::Command, all.unsigned_abs() - repeated.len() as u64);
    Ok(())
}

//! Checks that positions have no hole and that `recorded_at` does not decrease.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::finding::{CheckName, Finding, Findings};
use crate::error::Error;
use crate::progress::ProgressLine;

const PAGE: i64 = 20_000;

/// The event before the one that is checked.
struct Last {
    position: i64,
    recorded_at: Option<DateTime<Utc>>,
}

/// Returns the number of events up to the head.
pub(super) async fn check(
    reader: &mut PgConnection,
    head: i64,
    findings: &mut Findings,
) -> Result<i64, Error> {
    let progress = ProgressLine::new("reading the log");
    let mut last = Last { position: 0, recorded_at: None };
    let (mut events, mut after) = (0, i64::MIN);
    loop {
        let page = page(reader, after, head).await?;
        let Some(&(reached, _)) = page.last() else { break };
        for (position, recorded_at) in page {
            last.check(position, recorded_at, &progress, findings)?;
            last = Last { position, recorded_at: Some(recorded_at) };
            events += 1;
        }
        after = reached;
        progress.set(events, head);
    }
    Ok(events)
}

async fn page(
    reader: &mut PgConnection,
    after: i64,
    head: i64,
) -> Result<Vec<(i64, DateTime<Utc>)>, sqlx::Error> {
    sqlx::query_as(
        "select position, recorded_at from events
         where position > $1 and position <= $2 order by position limit $3",
    )
    .bind(after)
    .bind(head)
    .bind(PAGE)
    .fetch_all(reader)
    .await
}

impl Last {
    fn check(
        &self,
        position: i64,
        recorded_at: DateTime<Utc>,
        progress: &ProgressLine,
        findings: &mut Findings,
    ) -> Result<(), Error> {
        if position != self.position + 1 {
            let message = hole(self.position, position);
            findings.add(progress, &Finding::new(CheckName::Position, message).at(position))?;
        }
        if let Some(before) = self.recorded_at.filter(|before| recorded_at < *before) {
            let message = format!("recorded at {recorded_at}, but the one before at {before}");
            findings.add(progress, &Finding::new(CheckName::Time, message).at(position))?;
        }
        Ok(())
    }
}

fn hole(before: i64, position: i64) -> String {
    match position - before {
        2 => format!("position {} is missing", before + 1),
        3.. => format!("positions {} to {} are missing", before + 1, position - 1),
        _ => "the log begins at position 1".to_owned(),
    }
}

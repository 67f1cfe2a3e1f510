//! Checks that the constraints and the trigger that protect the log are active.

use sqlx::PgConnection;

use super::finding::{CheckName, Finding, Findings};
use crate::error::Error;
use crate::progress::ProgressLine;

/// The names of guards that are missing or disabled, and which of the two is the case.
const WEAKENED: &str = "
    select name, coalesce(state, 'is missing')
    from unnest(array['events_position', 'events_stream_version', 'events_version_from_one',
                      'events_command', 'events_are_final']) with ordinality as guard (name, n)
    left join (
        select conname::text, case when not convalidated then 'is not validated' end
        from pg_constraint where conrelid = 'events'::regclass
        union all
        select indexrelid::regclass::text,
               case when not (indisunique and indisvalid) then 'is not unique and valid' end
        from pg_index where indrelid = 'events'::regclass and indpred is not null
        union all
        select tgname::text, case when tgenabled not in ('O', 'A') then 'is disabled' end
        from pg_trigger where tgrelid = 'events'::regclass
    ) as found (found, state) on found = name
    where found is null or state is not null
    order by n";

pub(super) async fn check(reader: &mut PgConnection, findings: &mut Findings) -> Result<(), Error> {
    let progress = ProgressLine::hidden();
    let weakened: Vec<(String, String)> = sqlx::query_as(WEAKENED).fetch_all(reader).await?;
    for (name, state) in weakened {
        findings.add(&progress, &Finding::new(CheckName::Guard, format!("{name} {state}")))?;
    }
    Ok(())
}

//! Compares live rows with rebuilt rows, to the byte.

use std::fmt;

use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, FromRow, Row};

use super::shadow::Shadow;

/// A row in which the two tables differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The columns of the primary key, joined by `/`.
    pub key: String,
    pub kind: DifferenceKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DifferenceKind {
    /// The rebuilt table has this row, and the live table does not.
    Missing,
    /// The live table has this row, and the rebuilt table does not.
    Surplus,
    /// Both tables have this row, with different values.
    Changed,
}

struct Found {
    key: String,
    is_live: bool,
    is_rebuilt: bool,
    different: i64,
}

impl<'r> FromRow<'r, PgRow> for Found {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        Ok(Found {
            key: row.try_get("key")?,
            is_live: row.try_get("is_live")?,
            is_rebuilt: row.try_get("is_rebuilt")?,
            different: row.try_get("different")?,
        })
    }
}

/// Counts the rows that differ, and lists the first hundred of them.
pub(super) async fn compare(
    shadow: &mut Shadow,
    key: &[&str],
) -> Result<(i64, Vec<Difference>), sqlx::Error> {
    let keys = key.join(", ");
    let (live, rebuilt) = (&shadow.live_table, &shadow.table);
    let compare = format!(
        "with compared as (
             select concat_ws('/', {keys}) as key,
                    (live.*)::text as live, (rebuilt.*)::text as rebuilt
             from {live} as live full join {rebuilt} as rebuilt using ({keys})
         )
         select key, live is not null as is_live, rebuilt is not null as is_rebuilt,
                count(*) over () as different
         from compared where live is distinct from rebuilt
         order by key limit 100"
    );
    // Both tables are read completely, so sequential scans are allowed.
    shadow.connection.run("set local enable_seqscan = on").await?;
    let found: Vec<Found> =
        sqlx::query_as(AssertSqlSafe(compare)).fetch_all(&mut *shadow.connection).await?;
    let different = found.first().map_or(0, |found| found.different);
    Ok((different, found.into_iter().map(Found::difference).collect()))
}

impl Found {
    fn difference(self) -> Difference {
        let kind = match (self.is_live, self.is_rebuilt) {
            (false, _) => DifferenceKind::Missing,
            (true, false) => DifferenceKind::Surplus,
            (true, true) => DifferenceKind::Changed,
        };
        Difference { key: self.key, kind }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            DifferenceKind::Missing => write!(f, "{} is missing", self.key),
            DifferenceKind::Surplus => write!(f, "{} should not be there", self.key),
            DifferenceKind::Changed => write!(f, "{} differs", self.key),
        }
    }
}

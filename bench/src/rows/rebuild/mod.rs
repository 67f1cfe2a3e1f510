//! `rebuild`: all read models with rows, rebuilt from the log of a shop; compared with
//! `limit_copy`. `rebuild_audit`: the same for the audit index alone.
//!
//! Each rebuild runs in a process of its own, so that its memory can be measured. It is timed from
//! the first read to the swap, indexes included; there are no live rows to compare with.

mod limit_copy;
pub mod process;

use projections::ReadModel;
use sqlx::PgPool;
use tokio::process::Command;

use self::process::Rebuilt;
use crate::error::{BenchError, check};
use crate::history;
use crate::program::output_of;
use crate::report::ReportLine;
use crate::sample::Sample;
use crate::shared_servers::SharedServers;

/// The read models that have one row for each stream of a type.
const STREAMS: [(ReadModel, &str); 5] = [
    (ReadModel::Products, "product"),
    (ReadModel::Carts, "cart"),
    (ReadModel::Orders, "order"),
    (ReadModel::Payments, "payment"),
    (ReadModel::Inventory, "inventory"),
];

pub async fn run(shared: &SharedServers) -> Result<Vec<ReportLine>, BenchError> {
    let rows = ReadModel::ALL.into_iter().filter(|model| *model != ReadModel::Audit).collect();
    measure(shared, "rebuild", "limit_copy", rows).await
}

pub async fn run_audit(shared: &SharedServers) -> Result<Vec<ReportLine>, BenchError> {
    measure(shared, "rebuild_audit", "limit_copy_audit", vec![ReadModel::Audit]).await
}

async fn measure(
    shared: &SharedServers,
    name: &str,
    limit: &str,
    models: Vec<ReadModel>,
) -> Result<Vec<ReportLine>, BenchError> {
    shared.message(format!("{name}: generating the history of a shop"));
    let (url, pool) = shared.database(name).await?;
    history::write(&pool, shared.sizes.rebuild).await?;
    let events: i64 =
        sqlx::query_scalar("select max(position) from events").fetch_one(&pool).await?;
    let (mut peak_mb, mut rows) = (0.0_f64, 0);
    let pairs = shared
        .interleave(
            name,
            async |_| limit_copy::run(&pool, events).await,
            async |_| {
                forget(&pool).await?;
                let rebuilt = rebuild(&url, &models).await?;
                complete(&pool, &rebuilt, events).await?;
                peak_mb = peak_mb.max(rebuilt.peak_mb);
                rows = rebuilt.rows.iter().map(|(_, rows)| rows).sum();
                let per_second = events as f64 / rebuilt.seconds;
                Ok(Sample { per_second, p50_ms: None, p99_ms: None })
            },
        )
        .await?;
    pool.close().await;
    let limit = (limit.to_owned(), format!("binary copy of {events} events to nowhere"));
    let conditions = format!(
        "{events} events to {rows} rows of {} read models, indexes included; {peak_mb:.0} MB of memory",
        models.len(),
    );
    Ok(ReportLine::of_pairs(limit, (name.to_owned(), conditions), "events/s", &pairs))
}

/// Resets the read models as if nothing had been projected, so that there are no live rows.
async fn forget(pool: &PgPool) -> Result<(), BenchError> {
    sqlx::query("delete from leases").execute(pool).await?;
    sqlx::raw_sql("checkpoint").execute(pool).await?;
    Ok(())
}

async fn rebuild(url: &str, models: &[ReadModel]) -> Result<Rebuilt, BenchError> {
    let mut program = Command::new(std::env::current_exe()?);
    program.arg("rebuild").args(models.iter().map(|model| model.name())).env("DATABASE_URL", url);
    Ok(serde_json::from_slice(&output_of("rebuild", &mut program).await?)?)
}

/// Checks that the rows include every event, and that every aggregate has its row.
async fn complete(pool: &PgPool, rebuilt: &Rebuilt, events: i64) -> Result<(), BenchError> {
    let behind: i64 = sqlx::query_scalar("select count(*) from leases where position <> $1")
        .bind(events)
        .fetch_one(pool)
        .await?;
    check(behind == 0, || format!("{behind} read models were not rebuilt to {events}"))?;
    for (model, rows) in &rebuilt.rows {
        let Some(expected) = expected_rows(pool, model, events).await? else { continue };
        check(*rows == expected, || format!("'{model}' has {rows} rows, not {expected}"))?;
    }
    Ok(())
}

/// The number of rows that the read model must have; None if it does not follow from streams or
/// events.
async fn expected_rows(pool: &PgPool, model: &str, events: i64) -> Result<Option<i64>, BenchError> {
    if model == ReadModel::Audit.name() {
        return Ok(Some(events));
    }
    let Some((_, kind)) = STREAMS.iter().find(|(known, _)| known.name() == model) else {
        return Ok(None);
    };
    let begun = "select count(*) from events where stream_type = $1 and version = 1";
    Ok(Some(sqlx::query_scalar(begun).bind(kind).fetch_one(pool).await?))
}

//! `cost`: what a command costs besides time, with 64 clients. Statements and WAL of the write path
//! are counted while no projection runs; processor time while all run, and compared with that of
//! `limit_http`.

use std::time::Duration;

use sqlx::PgPool;

use crate::error::{BenchError, check};
use crate::load::{Answered, Pacing};
use crate::process::{cpu, cpu_of_family};
use crate::report::ReportLine;
use crate::shared_servers::SharedServers;
use crate::shop::{Projections, Shop};

const CLIENTS: usize = 64;

pub async fn run(shared: &SharedServers) -> Result<Vec<ReportLine>, BenchError> {
    let write_path = write_path(shared).await?;
    Ok([write_path, processor_time(shared).await?].concat())
}

async fn write_path(shared: &SharedServers) -> Result<Vec<ReportLine>, BenchError> {
    shared.message("starting a shop without projections");
    let shop = Shop::start(shared, "cost", Projections::Paused).await?;
    let pool = &shop.log.pool;
    for extension in ["create extension pg_stat_statements", "create extension pg_walinspect"] {
        sqlx::raw_sql(extension).execute(pool).await?;
    }
    let costs = shared
        .repeat("cost", async |time| {
            let before = Meter::read(pool).await?;
            let answered = shop.fill_carts(CLIENTS, Pacing::Closed(time)).await?;
            let cost = before.until_now(pool, answered.acks.len()).await?;
            shop.check_cart_acks(&answered.acks).await?;
            Ok(cost)
        })
        .await?;
    shop.stop().await?;
    let (statements, wal): (Vec<f64>, Vec<f64>) = costs.into_iter().unzip();
    let all = "all statements of the database, what polls by time included".to_owned();
    let statements =
        ReportLine::of_figures(("cost_statements", all), "statements/command", &statements, None);
    let records = "all records of the cluster, without page images".to_owned();
    let wal = ReportLine::of_figures(("cost_wal", records), "bytes/command", &wal, None);
    Ok(statements.into_iter().chain(wal).collect())
}

/// Counters of Postgres at one moment.
struct Meter {
    statements: i64,
    wal: String,
}

impl Meter {
    async fn read(pool: &PgPool) -> Result<Meter, BenchError> {
        let (statements, wal) = sqlx::query_as(
            "select coalesce(sum(calls), 0)::bigint, pg_current_wal_flush_lsn()::text
             from pg_stat_statements
             where dbid = (select oid from pg_database where datname = current_database())",
        )
        .fetch_one(pool)
        .await?;
        Ok(Meter { statements, wal })
    }

    /// Statements and bytes of WAL for each of `commands` commands, since the counters were read.
    async fn until_now(&self, pool: &PgPool, commands: usize) -> Result<(f64, f64), BenchError> {
        let now = Meter::read(pool).await?;
        let wal: i64 = sqlx::query_scalar(
            "select sum(record_size)::bigint from pg_get_wal_stats($1::pg_lsn, $2::pg_lsn)",
        )
        .bind(&self.wal)
        .bind(&now.wal)
        .fetch_one(pool)
        .await?;
        let statements = now.statements - self.statements;
        check(statements > 0 && wal > 0, || "Postgres counted no statements or no WAL".to_owned())?;
        Ok((statements as f64 / commands as f64, wal as f64 / commands as f64))
    }
}

/// Microseconds of processor time for each command: of the server, and of Postgres.
type Times = (f64, f64);

async fn processor_time(shared: &SharedServers) -> Result<Vec<ReportLine>, BenchError> {
    let (limit, shop) = (shared.limit().await?, shared.shop().await?);
    let (mut limits, mut rows) = (vec![], vec![]);
    shared
        .interleave(
            "cost",
            async |time| {
                let run = limit.fill_carts(CLIENTS, time);
                let (answered, times) = timed(shared, limit.server.pid(), run).await?;
                limit.check_acks(&answered).await?;
                limits.push(times);
                Ok(answered.sample())
            },
            async |time| {
                let (answered, times) = timed(shared, shop.nodes[0].pid(), async {
                    let answered = shop.fill_carts(CLIENTS, Pacing::Closed(time)).await?;
                    shop.catch_up().await?;
                    Ok(answered)
                })
                .await?;
                shop.check_cart_acks(&answered.acks).await?;
                rows.push(times);
                Ok(answered.sample())
            },
        )
        .await?;
    let (server, postgres): (Vec<f64>, Vec<f64>) = rows.into_iter().unzip();
    let (limit_server, limit_postgres): (Vec<f64>, Vec<f64>) = limits.into_iter().unzip();
    let conditions = || "all projections, until they are complete".to_owned();
    let line = |name, row: &[f64], limit: &[f64]| {
        ReportLine::of_figures((name, conditions()), "µs CPU/command", row, Some(limit))
    };
    let server = line("cost_cpu_server", &server, &limit_server);
    let postgres = line("cost_cpu_postgres", &postgres, &limit_postgres);
    Ok(server.into_iter().chain(postgres).collect())
}

/// Runs a load, and measures the processor time of each of its commands.
async fn timed(
    shared: &SharedServers,
    server: Option<u32>,
    run: impl Future<Output = Result<Answered, BenchError>>,
) -> Result<(Answered, Times), BenchError> {
    let server = server.unwrap_or_default();
    let before = (cpu(server)?, cpu_of_family(shared.postgres())?);
    let answered = run.await?;
    let after = (cpu(server)?, cpu_of_family(shared.postgres())?);
    let each = |from: Duration, to: Duration| {
        to.saturating_sub(from).as_secs_f64() * 1e6 / answered.acks.len() as f64
    };
    let times = (each(before.0, after.0), each(before.1, after.1));
    Ok((answered, times))
}

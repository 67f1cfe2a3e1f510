//! What the rows play on: a private Postgres, the servers, and the clock of the runs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use event_store::MIGRATIONS;
use indicatif::{ProgressBar, ProgressStyle};
use local_postgres::Cluster;
use local_postgres::testing::Scratch;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::sync::OnceCell;

use crate::error::BenchError;
use crate::limit::Limit;
use crate::load::Shoppers;
use crate::market::{self, Market};
use crate::sample::Sample;
use crate::shop::{Projections, Shop};

/// Connections and time of the load that a server gets before it is measured.
pub const WARM_UP: (usize, Duration) = (64, Duration::from_millis(500));

/// How often a row and its limit are run, and for how long each.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    pub runs: usize,
    pub time: Duration,
    /// Only to see that everything works.
    pub quick: bool,
}

impl Pace {
    /// So many that a round of their orders takes about a second.
    fn buyers(&self) -> usize {
        if self.quick { 200 } else { 2_000 }
    }
}

/// How many events the rows have before them that ask what a long log costs.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// In the log from which the read models are rebuilt.
    pub rebuild: i64,
    /// In the stream that is loaded cold.
    pub cold_stream: i64,
    /// In the small log of `growth`, and in the large one.
    pub growth: (i64, i64),
}

impl Sizes {
    pub const FULL: Sizes =
        Sizes { rebuild: 1_000_000, cold_stream: 100_000, growth: (100_000, 10_000_000) };
    pub const QUICK: Sizes =
        Sizes { rebuild: 20_000, cold_stream: 10_000, growth: (20_000, 100_000) };
}

/// Everything that is started once and used by many rows.
#[derive(Debug)]
pub struct Stage {
    pub pace: Pace,
    pub sizes: Sizes,
    pub shoppers: Arc<Shoppers>,
    /// What the shop verifies tokens with.
    pub secret: String,
    progress: ProgressBar,
    shop: OnceCell<Shop>,
    market: OnceCell<Market>,
    limit: OnceCell<Limit>,
    cluster: Cluster,
    /// Removes everything below it, and ends the Postgres there, however this process ends.
    scratch: Scratch,
}

/// A row's run and the limit's run next to it.
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    pub limit: Sample,
    pub row: Sample,
}

impl Stage {
    /// Starts Postgres with the settings of a server: fsync and synchronous_commit are on.
    pub async fn raise(pace: Pace, sizes: Sizes, rows: usize) -> Result<Stage, BenchError> {
        let progress = ProgressBar::new((rows * pace.runs * 2) as u64);
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} {elapsed} {msg}");
        progress.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        progress.enable_steady_tick(Duration::from_millis(250));
        progress.set_message("starting Postgres");
        let scratch = Scratch::new();
        let cluster = Cluster::start(&scratch.path().join("cluster")).await?;
        let secret = format!("{:064x}", rand::random::<u128>());
        let shoppers = Arc::new(Shoppers::new(&secret, pace.buyers())?);
        let (shop, market, limit) = Default::default();
        Ok(Stage { pace, sizes, shoppers, secret, progress, shop, market, limit, cluster, scratch })
    }

    /// A directory for a server's own files.
    pub fn directory(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// A new database with nothing in it.
    pub async fn empty_database(&self, name: &str) -> Result<String, BenchError> {
        let root = PgPool::connect(&self.cluster.database_url("postgres")).await?;
        sqlx::raw_sql(AssertSqlSafe(format!("create database bench_{name}")))
            .execute(&root)
            .await?;
        root.close().await;
        Ok(self.cluster.database_url(&format!("bench_{name}")))
    }

    /// A new database with all tables, and a few connections to it.
    pub async fn database(&self, name: &str) -> Result<(String, PgPool), BenchError> {
        let url = self.empty_database(name).await?;
        let pool = PgPoolOptions::new().max_connections(2).connect(&url).await?;
        MIGRATIONS.run(&pool).await?;
        Ok((url, pool))
    }

    /// The shop with its projections running, started by the first row that asks.
    pub async fn shop(&self) -> Result<&Shop, BenchError> {
        self.message("starting the shop");
        self.shop.get_or_try_init(|| Shop::start(self, "shop", Projections::Running)).await
    }

    /// The shop in which orders are placed, opened by the first row that asks.
    pub async fn market(&self) -> Result<&Market, BenchError> {
        self.message("opening the market");
        self.market.get_or_try_init(|| Market::open(self, "market", 1, market::skus())).await
    }

    /// The bare server, started by the first row that asks.
    pub async fn limit(&self) -> Result<&Limit, BenchError> {
        self.message("starting the limit");
        self.limit.get_or_try_init(|| Limit::start(self)).await
    }

    /// The process id of the server, whose children do the work.
    pub fn postgres(&self) -> u32 {
        self.cluster.pid().unsigned_abs()
    }

    pub fn message(&self, text: impl Into<String>) {
        self.progress.set_message(text.into());
    }

    /// What must be seen, whether or not anybody watches the progress.
    pub fn warn(&self, text: &str) {
        self.progress.suspend(|| eprintln!("bench: {text}"));
    }

    /// Runs a row and its limit in turns.  Which of them goes first alternates, so that neither
    /// always has the better half of a machine that changes.
    pub async fn interleave(
        &self,
        name: &str,
        mut limit: impl AsyncFnMut(Duration) -> Result<Sample, BenchError>,
        mut row: impl AsyncFnMut(Duration) -> Result<Sample, BenchError>,
    ) -> Result<Vec<Pair>, BenchError> {
        self.message(name);
        let mut pairs = vec![];
        for n in 0..self.pace.runs {
            let time = self.pace.time;
            let pair = if n % 2 == 0 {
                let limit = self.run(limit(time)).await?;
                Pair { limit, row: self.run(row(time)).await? }
            } else {
                let row = self.run(row(time)).await?;
                Pair { limit: self.run(limit(time)).await?, row }
            };
            pairs.push(pair);
        }
        Ok(pairs)
    }

    /// Runs several contenders in turns, and answers with the samples of each.  Every time another
    /// one goes first, for the same reason.
    pub async fn take_turns(
        &self,
        name: &str,
        contenders: usize,
        mut run: impl AsyncFnMut(usize, Duration) -> Result<Sample, BenchError>,
    ) -> Result<Vec<Vec<Sample>>, BenchError> {
        self.message(name);
        // The row and one limit are in its length already.
        self.progress.inc_length((contenders.saturating_sub(2) * self.pace.runs) as u64);
        let mut samples = vec![vec![]; contenders];
        for n in 0..self.pace.runs {
            for contender in (0..contenders).map(|k| (n + k) % contenders) {
                samples[contender].push(self.run(run(contender, self.pace.time)).await?);
            }
        }
        Ok(samples)
    }

    /// Runs a row that has no limit.
    pub async fn repeat<T>(
        &self,
        name: &str,
        mut row: impl AsyncFnMut(Duration) -> Result<T, BenchError>,
    ) -> Result<Vec<T>, BenchError> {
        self.message(name);
        let mut results = vec![];
        for _ in 0..self.pace.runs {
            results.push(self.run(row(self.pace.time)).await?);
        }
        Ok(results)
    }

    async fn run<T>(
        &self,
        run: impl Future<Output = Result<T, BenchError>>,
    ) -> Result<T, BenchError> {
        let result = run.await;
        self.progress.inc(1);
        result
    }

    /// Stops everything and removes it.
    pub async fn strike(self) -> Result<(), BenchError> {
        self.message("checking that live rows equal rebuilt rows");
        let market = self.market.into_inner().map(|market| market.shop);
        for shop in self.shop.into_inner().into_iter().chain(market) {
            shop.stop().await?;
        }
        if let Some(limit) = self.limit.into_inner() {
            limit.stop().await?;
        }
        self.progress.finish_and_clear();
        Ok(self.cluster.stop().await?)
    }
}

//! What all servers of a run share: a private Postgres, directories, customers, and the progress
//! bar.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use event_store::MIGRATIONS;
use indicatif::{ProgressBar, ProgressStyle};
use local_postgres::Cluster;
use local_postgres::testing::Scratch;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool};

use crate::error::BenchError;
use crate::load::Shoppers;

/// Number of clients and duration of the load that warms up a server.
pub const WARM_UP: (usize, Duration) = (64, Duration::from_millis(500));

/// How often a row and its limit are run, and for how long each.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    pub runs: usize,
    pub time: Duration,
    /// A quick run only shows that everything works.
    pub quick: bool,
}

impl Pace {
    /// So many buyers that a round of their orders takes about a second.
    fn buyers(&self) -> usize {
        if self.quick { 200 } else { 2_000 }
    }
}

/// Numbers of events for the rows that measure long logs.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// In the log from which the read models are rebuilt.
    pub rebuild: i64,
    /// In the stream of `cold_load`.
    pub cold_stream: i64,
    /// In the small and in the large log of `growth`.
    pub growth: (i64, i64),
}

impl Sizes {
    pub const FULL: Sizes =
        Sizes { rebuild: 1_000_000, cold_stream: 100_000, growth: (100_000, 10_000_000) };
    pub const QUICK: Sizes =
        Sizes { rebuild: 20_000, cold_stream: 10_000, growth: (20_000, 100_000) };
}

/// The testbed of a run; it is removed at the end.
#[derive(Debug)]
pub struct Testbed {
    pub pace: Pace,
    pub sizes: Sizes,
    pub shoppers: Arc<Shoppers>,
    /// The secret with which the shop verifies tokens.
    pub secret: String,
    pub progress: ProgressBar,
    cluster: Cluster,
    /// When dropped, removes its directory and stops the Postgres in it; a helper process does so
    /// if this one is killed.
    scratch: Scratch,
}

impl Testbed {
    /// Starts Postgres with the settings of a server: fsync and synchronous_commit are on.
    pub async fn open(pace: Pace, sizes: Sizes, rows: usize) -> Result<Testbed, BenchError> {
        let progress = ProgressBar::new((rows * pace.runs * 2) as u64);
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} {elapsed} {msg}");
        progress.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        progress.enable_steady_tick(Duration::from_millis(250));
        progress.set_message("starting Postgres");
        let scratch = Scratch::new();
        let cluster = Cluster::start(&scratch.path().join("cluster")).await?;
        let secret = format!("{:064x}", rand::random::<u128>());
        let shoppers = Arc::new(Shoppers::new(&secret, pace.buyers())?);
        Ok(Testbed { pace, sizes, shoppers, secret, progress, cluster, scratch })
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

    /// The process id of the server, whose children do the work.
    pub fn postgres(&self) -> u32 {
        self.cluster.pid().unsigned_abs()
    }

    pub fn message(&self, text: impl Into<String>) {
        self.progress.set_message(text.into());
    }

    /// Prints a line that is also shown where the progress bar is not.
    pub fn warn(&self, text: &str) {
        self.progress.suspend(|| eprintln!("bench: {text}"));
    }

    /// Stops Postgres.
    pub async fn close(self) -> Result<(), BenchError> {
        self.progress.finish_and_clear();
        Ok(self.cluster.stop().await?)
    }
}

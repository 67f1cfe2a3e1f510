//! Throw-away clusters and databases for tests.
//!
//! ```no_run
//! # static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate::Migrator::DEFAULT;
//! # async fn a_test() {
//! let database = local_postgres::testing::database(&MIGRATIONS).await;
//! let one: i32 = sqlx::query_scalar("select 1").fetch_one(database.pool()).await.unwrap();
//! # }
//! ```
//!
//! Everything here panics where it fails, as a test should.

mod scratch;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection};
use tokio::sync::{Mutex, OnceCell};

use crate::account::Account;
use crate::cluster::{Cluster, connect};
use crate::home::Home;
use crate::postmaster;
use crate::settings::Purpose;

pub use scratch::Scratch;

/// The cluster all tests of this process share, started by the first that needs it.
static SHARED: OnceCell<TestCluster> = OnceCell::const_new();

/// The template made for each set of migrations, known by its address. The lock also serialises
/// cloning, as a template can be cloned by one at a time.
static TEMPLATES: Mutex<Option<HashMap<usize, String>>> = Mutex::const_new(None);

/// A test uses few connections, and many tests run at once.
const POOL_CONNECTIONS_MAX: u32 = 8;

/// One database for one test, gone with the test's process.
#[derive(Debug)]
pub struct TestDatabase {
    url: String,
    pool: PgPool,
}

impl TestDatabase {
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A pool of up to eight connections, connected as they are needed.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }
}

/// A new database with these migrations applied, in a cluster shared by the tests of this process.
pub async fn database(migrations: &'static Migrator) -> TestDatabase {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let cluster = shared().await;
    let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let mut templates = TEMPLATES.lock().await;
    let templates = templates.get_or_insert_default();
    let address = std::ptr::from_ref(migrations).addr();
    if !templates.contains_key(&address) {
        templates.insert(address, template(cluster, migrations, templates.len()).await);
    }
    create(cluster, &name, &templates[&address]).await;

    let url = cluster.database_url(&name);
    let pool = PgPoolOptions::new().max_connections(POOL_CONNECTIONS_MAX).connect_lazy(&url);
    TestDatabase { pool: pool.expect("our own URL is valid"), url }
}

/// The cluster the databases of this process are in.
pub async fn shared() -> &'static TestCluster {
    SHARED.get_or_init(cluster).await
}

/// An empty cluster of one's own, for tests that kill or restart Postgres.
pub async fn cluster() -> TestCluster {
    scratch::sweep();
    TestCluster::start_in(Scratch::new()).await
}

/// A throw-away cluster, which ends with this value or with the process.
#[derive(Debug)]
pub struct TestCluster {
    cluster: Option<Cluster>,
    url: String,
    scratch: Scratch,
}

impl TestCluster {
    async fn start_in(scratch: Scratch) -> TestCluster {
        let cluster = launch(&scratch).await;
        TestCluster { url: cluster.url(), cluster: Some(cluster), scratch }
    }

    /// The URL of the database `cartulary`; it stays the same over a restart.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The URL of another database of this cluster.
    pub fn database_url(&self, database: &str) -> String {
        self.running().database_url(database)
    }

    /// What a server would be given as `--data-dir` to find this cluster.
    pub fn data_dir(&self) -> &Path {
        self.scratch.path()
    }

    /// The server's process id.
    pub fn pid(&self) -> i32 {
        self.running().pid()
    }

    /// Kills the server as a crash would: no checkpoint, no farewell to its clients.
    pub async fn kill(&mut self) {
        let mut cluster = self.cluster.take().expect("the cluster is running");
        kill(Pid::from_raw(cluster.pid()), Signal::SIGKILL).expect("the server can be killed");
        let mut child: Option<Child> = cluster.take_child();
        postmaster::reap(child.as_mut(), Instant::now() + Duration::from_secs(10)).await;
    }

    /// Stops the server in order; its clients are disconnected.
    pub async fn stop(&mut self) {
        let cluster = self.cluster.take().expect("the cluster is running");
        cluster.stop().await.expect("the server stops");
    }

    /// Starts the server again after [`TestCluster::kill`] or [`TestCluster::stop`].
    pub async fn start(&mut self) {
        assert!(self.cluster.is_none(), "the cluster is running already");
        let cluster = launch(&self.scratch).await;
        assert_eq!(cluster.url(), self.url, "somebody took the port while the server was down");
        self.cluster = Some(cluster);
    }

    /// Stops the server and starts it again.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.start().await;
    }

    fn running(&self) -> &Cluster {
        self.cluster.as_ref().expect("the cluster is running")
    }
}

/// Where a server for throw-away clusters is fetched to: once for all tests, into the build's directory.
pub(crate) fn servers(home: &Home, account: &Account) -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    let built = program.ancestors().find(|directory| directory.join(".rustc_info.json").is_file());
    match built {
        Some(target) if account.can_enter(target) => target.join("postgresql"),
        _ => home.servers(account),
    }
}

async fn launch(scratch: &Scratch) -> Cluster {
    match Cluster::start_for(scratch.path(), Purpose::ThrowAway).await {
        Ok(cluster) => cluster,
        Err(error) => panic!("no throw-away cluster: {error}"),
    }
}

async fn template(cluster: &TestCluster, migrations: &Migrator, number: usize) -> String {
    let name = format!("template_{number}");
    create(cluster, &name, "template1").await;
    let mut connection =
        connect(&cluster.database_url(&name)).await.expect("the template accepts connections");
    migrations.run(&mut connection).await.expect("the migrations apply to an empty database");
    connection.close().await.expect("the connection closes");
    name
}

/// A connection of its own each time: one belongs to the runtime that made it, and each test has its own.
async fn create(cluster: &TestCluster, name: &str, template: &str) {
    let mut connection =
        connect(&cluster.database_url("postgres")).await.expect("the cluster accepts connections");
    // Copying files beats logging each page where nothing waits for the disk; before 15 it is the only way.
    let has_strategies = connection.server_version_num().is_some_and(|version| version >= 150_000);
    let strategy = if has_strategies { "strategy file_copy" } else { "" };
    let create = format!("create database {name} template {template} {strategy}");
    sqlx::raw_sql(AssertSqlSafe(create))
        .execute(&mut connection)
        .await
        .expect("the database is created");
    connection.close().await.expect("the connection closes");
}

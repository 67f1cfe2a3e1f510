//! Restores a release's dump into a new database.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use local_postgres::testing::TestDatabase;
use serde_json::Value;
use sqlx::AssertSqlSafe;
use sqlx::migrate::Migrator;

/// The releases whose dumps are kept, the oldest first.
pub(super) const RELEASES: [&str; 1] = ["0.1"];

/// No migrations, for an empty database.
static NOTHING: Migrator = Migrator::DEFAULT;

/// The files of one release.
pub(super) struct Release {
    pub(super) folder: PathBuf,
    /// The dump, as SQL.
    pub(super) sql: String,
    /// The values that queries use: ids and cart tokens by name, the last position and its time.
    pub(super) shop: Value,
}

impl Release {
    pub(super) fn read(name: &str) -> Release {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/releases").join(name);
        let gunzip = Command::new("gzip")
            .args(["--decompress", "--stdout"])
            .arg(folder.join("dump.sql.gz"))
            .stderr(Stdio::inherit())
            .output()
            .expect("gzip runs");
        assert!(gunzip.status.success(), "{name}: the dump cannot be decompressed");
        let sql = String::from_utf8(gunzip.stdout).unwrap();
        let shop = serde_json::from_slice(&fs::read(folder.join("shop.json")).unwrap()).unwrap();
        Release { folder, sql, shop }
    }

    pub(super) fn json(&self, file: &str) -> Value {
        serde_json::from_slice(&fs::read(self.folder.join(file)).unwrap()).unwrap()
    }

    /// The position of the dump's last event.
    pub(super) fn head(&self) -> i64 {
        self.shop["head"].as_i64().unwrap()
    }

    /// A database as the release left it, before any migration.
    pub(super) async fn restore(&self) -> TestDatabase {
        let database = empty_database().await;
        run(&database, self.sql.clone()).await;
        database
    }
}

/// A database without any table.
pub(super) async fn empty_database() -> TestDatabase {
    let database = local_postgres::testing::database(&NOTHING).await;
    // The table lists applied migrations; there were none.
    run(&database, "drop table if exists _sqlx_migrations".to_owned()).await;
    database
}

pub(super) async fn run(database: &TestDatabase, sql: String) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(database.pool()).await.unwrap();
}

//! The migrations, as `build.rs` lists them.

use std::sync::LazyLock;

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// Version, description and SQL of each file in `migrations/`.
const FILES: &[(i64, &str, &str)] = include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// Every migration of the workspace, in order.
pub static MIGRATIONS: LazyLock<Migrator> =
    LazyLock::new(|| Migrator::with_migrations(FILES.iter().map(migration).collect()));

fn migration(&(version, description, sql): &(i64, &'static str, &'static str)) -> Migration {
    // sqlx reads the same marker where it lists files by itself.
    let no_tx = sql.starts_with("-- no-transaction");
    let sql = sql.into_sql_str();
    Migration::new(version, description.into(), MigrationType::Simple, sql, no_tx)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Databases hold the checksums that sqlx computed from the files.
    #[tokio::test]
    async fn the_migrations_are_those_that_sqlx_reads_from_the_directory() {
        let read = Migrator::new(Path::new("../migrations")).await.unwrap();
        let facts = |migrator: &Migrator| -> Vec<_> {
            let each = migrator.iter().cloned();
            each.map(|m| (m.version, m.description, m.sql, m.checksum, m.no_tx)).collect()
        };
        assert!(!read.migrations.is_empty());
        assert_eq!(facts(&MIGRATIONS), facts(&read));
    }
}

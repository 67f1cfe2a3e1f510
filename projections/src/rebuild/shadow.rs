//! The shadow table: it has the definition of the live table, in a schema of its own.

use sqlx::{AssertSqlSafe, Executor, PgPool};

use super::RebuildError;
use crate::connection::ProjectorConnection;
use crate::fold::CHUNK;
use crate::model::ReadModel;
use crate::projection::Projection;
use crate::tuples::Tuples;

/// How many bytes of a COPY are sent at once.
const MESSAGE_BYTES: usize = 64 * 1024;
/// How long Postgres may take to end the statement of a connection.
const TERMINATION_MILLIS_MAX: i64 = 5_000;

pub(super) struct Shadow {
    /// On this connection the shadow table has the name of the live one.
    pub(super) connection: ProjectorConnection,
    /// The process id of the connection's backend.
    backend: i32,
    model: ReadModel,
    /// Quoted for use in a statement, as are the three below.
    schema: String,
    live_schema: String,
    pub(super) table: String,
    pub(super) live_table: String,
    /// Whether no row has been written yet.
    is_empty: bool,
    has_keys: bool,
}

/// The position, the version and the epoch of the live table.
pub(super) struct Live {
    pub(super) position: i64,
    pub(super) version: i32,
    pub(super) epoch: i64,
}

impl Shadow {
    /// Connects, but creates nothing in the database yet.
    pub(super) async fn open(
        pool: &PgPool,
        model: ReadModel,
        table: &str,
    ) -> Result<Shadow, RebuildError> {
        let mut connection = ProjectorConnection::open(pool).await?;
        if !lock(&mut connection, model).await? {
            return Err(RebuildError::Busy(model));
        }
        let backend =
            sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut *connection).await?;
        let (schema, live_schema, shadow_table, live_table) = sqlx::query_as(
            "select quote_ident(s), quote_ident(live), format('%I.%I', s, t),
                    format('%I.%I', live, t)
             from (values ($1, current_schema()::text, $2)) as n (s, live, t)",
        )
        .bind(format!("rebuild_{model}"))
        .bind(table)
        .fetch_one(&mut *connection)
        .await?;
        Ok(Shadow {
            connection,
            backend,
            model,
            schema,
            live_schema,
            table: shadow_table,
            live_table,
            is_empty: true,
            has_keys: false,
        })
    }

    /// Creates the table without keys and indexes; drops one that an earlier rebuild left.
    pub(super) async fn define(&mut self) -> Result<(), sqlx::Error> {
        let options: Option<String> = sqlx::query_scalar(
            "select 'with (' || array_to_string(reloptions, ', ') || ')'
             from pg_class where oid = $1::regclass",
        )
        .bind(&self.live_table)
        .fetch_one(&mut *self.connection)
        .await?;
        let options = options.unwrap_or_default();
        let Shadow { schema, live_schema, table, live_table, .. } = &*self;
        // The swap locks the lease's row, which does not exist if no event was ever projected.
        let define = format!(
            "set statement_timeout = 0;
             set idle_in_transaction_session_timeout = '60s';
             drop schema if exists {schema} cascade;
             create schema {schema};
             create table {table} (like {live_table} including all excluding indexes) {options};
             set search_path = {schema}, {live_schema};
             insert into leases (name, owner, expires_at)
             values ('{}', 'rebuild', '-infinity') on conflict do nothing",
            self.model.lease()
        );
        self.run(define).await
    }

    /// Creates the keys of the live table, by which rows are found again, unless they exist
    /// already.
    pub(super) async fn build_keys(&mut self) -> Result<(), sqlx::Error> {
        if self.has_keys {
            return Ok(());
        }
        let keys: Vec<String> = sqlx::query_scalar(
            "select format('alter table %s add constraint %I %s',
                           $2, conname, pg_get_constraintdef(oid))
             from pg_constraint where conrelid = $1::regclass and contype in ('p', 'u')
             order by conname",
        )
        .bind(&self.live_table)
        .bind(&self.table)
        .fetch_all(&mut *self.connection)
        .await?;
        self.run(keys.join(";")).await?;
        self.has_keys = true;
        Ok(())
    }

    /// Writes rows, whether or not they exist; None removes a row.
    pub(super) async fn write<P: Projection>(
        &mut self,
        changed: &[(P::Key, Option<&P::Row>)],
    ) -> Result<(), sqlx::Error> {
        if changed.is_empty() {
            return Ok(());
        }
        if !P::table().is_append_only && !self.is_empty {
            let keys: Vec<P::Key> = changed.iter().map(|(key, _)| key.clone()).collect();
            for keys in keys.chunks(CHUNK) {
                P::remove(&mut self.connection, keys).await?;
            }
        }
        self.copy::<P>(changed.iter().filter_map(|(_, row)| *row)).await?;
        self.is_empty = false;
        Ok(())
    }

    /// Adds rows that are not in the table yet.
    async fn copy<P: Projection>(
        &mut self,
        rows: impl Iterator<Item = &P::Row>,
    ) -> Result<(), sqlx::Error> {
        let table = P::table();
        let mut copy = self.connection.copy_in_raw(&table.copy_statement(&self.table)).await?;
        let mut tuples = Tuples::new();
        for row in rows {
            table.copy(row, &mut tuples)?;
            if tuples.bytes().len() >= MESSAGE_BYTES {
                copy.send(tuples.bytes()).await?;
                tuples.clear();
            }
        }
        tuples.end();
        copy.send(tuples.bytes()).await?;
        copy.finish().await?;
        Ok(())
    }

    /// Creates the live table's indexes, under their own names.
    pub(super) async fn build_indexes(&mut self) -> Result<(), sqlx::Error> {
        let indexes: Vec<String> = sqlx::query_scalar(
            "select replace(pg_get_indexdef(i.indexrelid),
                            format(' ON %s ', $1), format(' on %s ', $2))
             from pg_index i
             where i.indrelid = $1::regclass
               and not exists (select from pg_constraint c where c.conindid = i.indexrelid)
             order by i.indexrelid",
        )
        .bind(&self.live_table)
        .bind(&self.table)
        .fetch_all(&mut *self.connection)
        .await?;
        self.run(indexes.join(";")).await?;
        self.run(format!("analyze {}", self.table)).await
    }

    pub(super) async fn live(&mut self) -> Result<Live, sqlx::Error> {
        self.lease("select position, version, epoch from leases where name = $1").await
    }

    /// Begins the transaction in which the tables are swapped. It locks the live table against
    /// changes.
    pub(super) async fn begin_swap(&mut self) -> Result<Live, sqlx::Error> {
        // It locks the table before the lease, which is the order in which a projector locks them.
        self.run(format!(
            "begin; set local lock_timeout = '2s'; set local synchronous_commit = on;
             lock table {} in share row exclusive mode",
            self.live_table
        ))
        .await?;
        self.lease("select position, version, epoch from leases where name = $1 for update").await
    }

    async fn lease(&mut self, select: &'static str) -> Result<Live, sqlx::Error> {
        let lease = sqlx::query_as(select).bind(self.model.lease());
        let (position, version, epoch) = lease.fetch_one(&mut *self.connection).await?;
        Ok(Live { position, version, epoch })
    }

    /// Replaces the live table by the shadow table, within the transaction of
    /// [`Shadow::begin_swap`]. Returns the name of the old table, if it is kept.
    pub(super) async fn swap(
        &mut self,
        keep_as: Option<&str>,
        position: i64,
        version: i32,
    ) -> Result<Option<String>, sqlx::Error> {
        let Shadow { live_schema, table, live_table, .. } = &*self;
        let (retire, kept) = match keep_as {
            None => (format!("drop table {live_table}"), None),
            Some(schema) => {
                let name = live_table.rsplit('.').next().unwrap_or(live_table);
                let retire =
                    format!("create schema {schema}; alter table {live_table} set schema {schema}");
                (retire, Some(format!("{schema}.{name}")))
            }
        };
        self.run(format!("{retire}; alter table {table} set schema {live_schema}")).await?;
        // With a new epoch the leader loses its lease, and drops the rows that it has in memory,
        // which are those of the old table.
        sqlx::query(
            "update leases set position = $2, version = $3, epoch = epoch + 1,
                               stopped_because = null
             where name = $1",
        )
        .bind(self.model.lease())
        .bind(position)
        .bind(version)
        .execute(&mut *self.connection)
        .await?;
        Ok(kept)
    }

    /// Counts the rows, in the schema in which the table is now.
    pub(super) async fn rows(&mut self, is_live: bool) -> Result<i64, sqlx::Error> {
        let table = if is_live { &self.live_table } else { &self.table };
        let count = format!("select count(*) from {table}");
        sqlx::query_scalar(AssertSqlSafe(count)).fetch_one(&mut *self.connection).await
    }

    /// Drops the shadow's schema with everything in it, and allows the next rebuild.
    pub(super) async fn drop_schema(&mut self) -> Result<(), sqlx::Error> {
        // Postgres may notice late that the connection is closed, so the lock is released here.
        self.run(format!("drop schema {} cascade; select pg_advisory_unlock_all()", self.schema))
            .await
    }

    /// As [`Shadow::drop_schema`], but first ends the statement that the connection may be
    /// executing.
    pub(super) async fn discard(self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let Shadow { connection, backend, model, schema, .. } = self;
        drop(connection);
        let mut fresh = ProjectorConnection::open(pool).await?;
        sqlx::query("select pg_terminate_backend($1, $2)")
            .bind(backend)
            .bind(TERMINATION_MILLIS_MAX)
            .execute(&mut *fresh)
            .await?;
        // Another rebuild of this model may have begun meanwhile; then the schema belongs to it.
        if lock(&mut fresh, model).await? {
            let drop =
                format!("drop schema if exists {schema} cascade; select pg_advisory_unlock_all()");
            fresh.execute(sqlx::raw_sql(AssertSqlSafe(drop))).await?;
        }
        Ok(())
    }

    async fn run(&mut self, statements: String) -> Result<(), sqlx::Error> {
        self.connection.execute(sqlx::raw_sql(AssertSqlSafe(statements))).await?;
        Ok(())
    }
}

/// Locks the read model against other rebuilds while the connection is open. Returns false if
/// another process is rebuilding it.
async fn lock(connection: &mut ProjectorConnection, model: ReadModel) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("select pg_try_advisory_lock(hashtext($1))")
        .bind(format!("rebuild:{model}"))
        .fetch_one(&mut **connection)
        .await
}

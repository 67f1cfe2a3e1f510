//! The options of a store.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use cqrs_es::persist::EventUpcaster;
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;

use crate::{StoreError, time_limits};

/// Sizes and time limits of an [`EventStore`](crate::EventStore); the defaults suit a server.
pub struct StoreOptions {
    /// Connections of the pool. The appender, the notifier and the listener have one more each.
    pub max_connections: u32,
    /// Each upcaster that matches an event is applied, in this order.
    pub upcasters: Vec<Box<dyn EventUpcaster>>,
    /// The number of events at the log's end that are kept in memory.
    pub tail_events: usize,
    /// The number of appends that may wait in the queue; then [`crate::EventStore::reserve`] waits
    /// too.
    pub queue_items: usize,
    /// A batch is full at this many events, and also at this many items.
    pub batch_events: usize,
    /// A batch is full at this many bytes of payload.
    pub batch_bytes: usize,
    /// See [`time_limits::STATEMENT`].
    pub statement_timeout: Duration,
    /// See [`time_limits::LOCK`].
    pub lock_timeout: Duration,
    /// See [`time_limits::IDLE_TRANSACTION`].
    pub idle_in_transaction_timeout: Duration,
    /// See [`time_limits::TCP_ACKNOWLEDGEMENT`]; Postgres ignores it on a unix socket.
    pub tcp_user_timeout: Duration,
    /// See [`time_limits::POOL_CONNECTION`].
    pub acquire_timeout: Duration,
    /// Other nodes are notified of new events at most once in this time.
    pub notify_interval: Duration,
}

impl Default for StoreOptions {
    fn default() -> Self {
        StoreOptions {
            max_connections: 16,
            upcasters: Vec::new(),
            tail_events: 16_384,
            queue_items: 4_096,
            batch_events: 1_000,
            batch_bytes: 1 << 20,
            statement_timeout: time_limits::STATEMENT,
            lock_timeout: time_limits::LOCK,
            idle_in_transaction_timeout: time_limits::IDLE_TRANSACTION,
            tcp_user_timeout: time_limits::TCP_ACKNOWLEDGEMENT,
            acquire_timeout: time_limits::POOL_CONNECTION,
            notify_interval: Duration::from_millis(10),
        }
    }
}

impl StoreOptions {
    /// The settings of every connection.
    pub(crate) fn connection(&self, url: &str) -> Result<PgConnectOptions, StoreError> {
        let millis = |time: Duration| time.as_millis().to_string();
        let options = PgConnectOptions::from_str(url)?
            .application_name("cartulary")
            .options([
                ("statement_timeout", millis(self.statement_timeout)),
                ("lock_timeout", millis(self.lock_timeout)),
                ("idle_in_transaction_session_timeout", millis(self.idle_in_transaction_timeout)),
                ("tcp_user_timeout", millis(self.tcp_user_timeout)),
                // Every query has an index, so one plan is made, and never one that scans a whole
                // table: a plan that was made while a table was empty is still used when the table
                // has grown.
                ("plan_cache_mode", "force_generic_plan".to_owned()),
                ("enable_seqscan", "off".to_owned()),
                // A bitmap scan of an index visits dead entries and does not remove them, so each
                // scan visits them again.
                ("enable_bitmapscan", "off".to_owned()),
                ("jit", "off".to_owned()),
            ])
            .disable_statement_logging();
        Ok(options)
    }
}

impl fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreOptions")
            .field("max_connections", &self.max_connections)
            .field("upcasters", &self.upcasters.len())
            .field("tail_events", &self.tail_events)
            .field("queue_items", &self.queue_items)
            .field("batch_events", &self.batch_events)
            .field("batch_bytes", &self.batch_bytes)
            .finish_non_exhaustive()
    }
}

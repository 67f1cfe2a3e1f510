//! How a node talks to its log.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use cqrs_es::persist::EventUpcaster;
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;

use crate::StoreError;

/// Limits and time-outs; the defaults suit a server.
pub struct Options {
    /// Of the pool.  The appender, the notifier and the listener have a connection each besides.
    pub max_connections: u32,
    /// Asked in order; every one that matches lifts the event once.
    pub upcasters: Vec<Box<dyn EventUpcaster>>,
    /// Events of the log's end that are kept in memory.
    pub tail_events: usize,
    /// Items that may wait for the appender before [`crate::EventStore::reserve`] waits too.
    pub queue_items: usize,
    /// A batch is closed at this many events…
    pub batch_events: usize,
    /// …or at this many bytes of payload.
    pub batch_bytes: usize,
    pub statement_timeout: Duration,
    pub lock_timeout: Duration,
    /// Ends a node that froze while it held the log's lock.
    pub idle_in_transaction_timeout: Duration,
    pub tcp_user_timeout: Duration,
    /// How long to wait for a connection of the pool.
    pub acquire_timeout: Duration,
    /// Other nodes are notified at most once in this time.
    pub notify_interval: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            max_connections: 16,
            upcasters: Vec::new(),
            tail_events: 16_384,
            queue_items: 4_096,
            batch_events: 1_000,
            batch_bytes: 1 << 20,
            statement_timeout: Duration::from_secs(30),
            lock_timeout: Duration::from_secs(10),
            idle_in_transaction_timeout: Duration::from_secs(2),
            tcp_user_timeout: Duration::from_secs(10),
            acquire_timeout: Duration::from_secs(10),
            notify_interval: Duration::from_millis(10),
        }
    }
}

impl Options {
    /// The settings of every connection, so that nothing frozen can stall the shop.
    pub(crate) fn connection(&self, url: &str) -> Result<PgConnectOptions, StoreError> {
        let millis = |time: Duration| time.as_millis().to_string();
        let options = PgConnectOptions::from_str(url)?
            .application_name("cartulary")
            .options([
                ("statement_timeout", millis(self.statement_timeout)),
                ("lock_timeout", millis(self.lock_timeout)),
                ("idle_in_transaction_session_timeout", millis(self.idle_in_transaction_timeout)),
                // Postgres ignores it on a unix socket.
                ("tcp_user_timeout", millis(self.tcp_user_timeout)),
                // Each question has its index.  A plan is made once, and holds when a table that was
                // empty then has grown.
                ("plan_cache_mode", "force_generic_plan".to_owned()),
                ("enable_seqscan", "off".to_owned()),
                // A bitmap of an index visits what is dead there, and leaves it to be visited again.
                ("enable_bitmapscan", "off".to_owned()),
                ("jit", "off".to_owned()),
            ])
            .disable_statement_logging();
        Ok(options)
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("max_connections", &self.max_connections)
            .field("upcasters", &self.upcasters.len())
            .field("tail_events", &self.tail_events)
            .field("queue_items", &self.queue_items)
            .field("batch_events", &self.batch_events)
            .field("batch_bytes", &self.batch_bytes)
            .finish_non_exhaustive()
    }
}

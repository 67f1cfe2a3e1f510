//! How readers learn of new events: through memory on the node that wrote them, by NOTIFY on other
//! nodes.
//!
//! A notification is only a hint; it is sent outside the append's transaction, at most once per
//! interval. So a reader waits for one only for a limited time, and then reads the log.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgListener, PgPoolOptions};
use sqlx::{Connection, PgConnection};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use crate::backoff::Backoff;
use crate::shared::Shared;
use crate::{read, time_limits};

const CHANNEL: &str = "cartulary";
/// Interval at which a listener that receives nothing queries the head. This also finds a
/// connection that was lost without an error.
const HEAD_INTERVAL: Duration = Duration::from_secs(15);

/// Notifies the other nodes of how far this node has written, until the task is aborted.
pub(crate) async fn send_notifications(shared: Arc<Shared>, interval: Duration) {
    let mut written = shared.written_head.subscribe();
    let mut connection: Option<PgConnection> = None;
    let mut backoff = Backoff::DATABASE;
    while written.changed().await.is_ok() {
        let head = *written.borrow_and_update();
        match in_time(send(&shared, &mut connection, head)).await {
            Ok(()) => {
                backoff.reset();
                sleep(interval).await;
            }
            // The other nodes poll meanwhile, and the appender logs the failure; so this only
            // waits.
            Err(_) => {
                connection = None;
                backoff.wait().await;
                written.mark_changed();
            }
        }
    }
}

async fn send(
    shared: &Shared,
    connection: &mut Option<PgConnection>,
    head: i64,
) -> Result<(), sqlx::Error> {
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(PgConnection::connect_with(&shared.connection).await?),
    };
    sqlx::query("select pg_notify($1, $2)")
        .bind(CHANNEL)
        .bind(head.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// Receives the other nodes' notifications, until the task is aborted.
pub(crate) async fn receive_notifications(shared: Arc<Shared>) {
    let mut backoff = Backoff::DATABASE;
    let mut is_failing = false;
    loop {
        let error = match in_time(subscribe(&shared)).await {
            Ok(listener) => {
                if std::mem::take(&mut is_failing) {
                    info!("listening for other nodes' events again");
                }
                backoff.reset();
                receive(&shared, listener).await
            }
            Err(error) => error,
        };
        if !std::mem::replace(&mut is_failing, true) {
            warn!(%error, "not listening for other nodes' events; polling meanwhile");
        }
        backoff.wait().await;
    }
}

/// Creates a new listener each time, because sqlx's own reconnect handles only some errors.
async fn subscribe(shared: &Shared) -> Result<PgListener, sqlx::Error> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .max_lifetime(None)
        .idle_timeout(None)
        .connect_lazy_with(shared.connection.clone());
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.ignore_pool_close_event(true);
    listener.listen(CHANNEL).await?;
    // Notifications that were sent before this moment are lost.
    shared.raise_known_head(read::head(&mut listener).await?);
    Ok(listener)
}

/// Returns when the connection is lost.
async fn receive(shared: &Shared, mut listener: PgListener) -> sqlx::Error {
    loop {
        match timeout(HEAD_INTERVAL, listener.try_recv()).await {
            Ok(Ok(Some(notification))) => {
                if let Ok(head) = notification.payload().parse() {
                    shared.raise_known_head(head);
                }
            }
            // The listener has reconnected, or has received nothing for a while.
            Ok(Ok(None)) | Err(_) => match in_time(read::head(&mut listener)).await {
                Ok(head) => shared.raise_known_head(head),
                Err(error) => return error,
            },
            Ok(Err(error)) => return error,
        }
    }
}

async fn in_time<T>(
    question: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let late = || {
        let text = "Postgres did not answer in time";
        sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, text))
    };
    timeout(time_limits::NOTIFICATION, question).await.unwrap_or_else(|_| Err(late()))
}

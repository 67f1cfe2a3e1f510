//! How readers learn of new events: through memory on the writing node, by NOTIFY on the others.
//!
//! A notification is only a hint, sent outside the append and at most once in a while; whoever waits
//! for one also waits no longer than a given time.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgListener, PgPoolOptions};
use sqlx::{Connection, PgConnection};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use crate::backoff::Backoff;
use crate::read;
use crate::shared::Shared;

const CHANNEL: &str = "cartulary";
/// A silent listener asks for the head this often, which also finds a connection that died quietly.
const SILENCE: Duration = Duration::from_secs(15);
const PATIENCE: Duration = Duration::from_secs(5);

/// Tells the other nodes how far this node has written.
pub(crate) async fn notify(shared: Arc<Shared>, interval: Duration) {
    let mut written = shared.written.subscribe();
    let mut connection: Option<PgConnection> = None;
    let mut backoff = Backoff::new();
    while written.changed().await.is_ok() {
        let head = *written.borrow_and_update();
        match timeout(PATIENCE, send(&shared, &mut connection, head)).await {
            Ok(Ok(())) => {
                backoff = Backoff::new();
                sleep(interval).await;
            }
            // The other nodes poll, and the appender reports the trouble; only calm down.
            Ok(Err(_)) | Err(_) => {
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

/// Hears of the other nodes' events, for ever.
pub(crate) async fn listen(shared: Arc<Shared>) {
    let mut backoff = Backoff::new();
    let mut troubled = false;
    loop {
        let error = match timeout(PATIENCE, subscribe(&shared)).await {
            Ok(Ok(listener)) => {
                if std::mem::take(&mut troubled) {
                    info!("listening for other nodes' events again");
                }
                backoff = Backoff::new();
                hear(&shared, listener).await.to_string()
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        if !std::mem::replace(&mut troubled, true) {
            warn!(%error, "not listening for other nodes' events; polling meanwhile");
        }
        backoff.wait().await;
    }
}

/// A fresh listener each time: sqlx's own reconnects after some errors only.
async fn subscribe(shared: &Shared) -> Result<PgListener, sqlx::Error> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .max_lifetime(None)
        .idle_timeout(None)
        .connect_lazy_with(shared.connection.clone());
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.ignore_pool_close_event(true);
    listener.listen(CHANNEL).await?;
    // Notifications sent before this moment were missed.
    shared.heard(read::head(&mut listener).await?);
    Ok(listener)
}

async fn hear(shared: &Shared, mut listener: PgListener) -> sqlx::Error {
    loop {
        match timeout(SILENCE, listener.try_recv()).await {
            Ok(Ok(Some(notification))) => {
                if let Ok(head) = notification.payload().parse() {
                    shared.heard(head);
                }
            }
            // The connection was lost and made again.
            Ok(Ok(None)) | Err(_) => match timeout(PATIENCE, read::head(&mut listener)).await {
                Ok(Ok(head)) => shared.heard(head),
                Ok(Err(error)) => return error,
                Err(_) => return sqlx::Error::PoolTimedOut,
            },
            Ok(Err(error)) => return error,
        }
    }
}

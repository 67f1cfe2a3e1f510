//! The projector: one task per read model, each under a lease of its own.

use std::sync::Arc;
use std::time::Duration;

use event_store::EventStore;
use event_store::lease::{self, Lease};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tracing::{error, info, warn};
use uuid::Uuid;

use crate::backoff::{Backoff, jittered};
use crate::connection::Connection;
use crate::feed::Feed;
use crate::lead::{Fault, Lead, patiently};
use crate::model::{ReadModel, with_projection};
use crate::projection::Projection;
use crate::read_models::ReadModels;

#[derive(Debug, Clone)]
pub struct ProjectorOptions {
    /// Names this running process; a process that starts again is somebody else.
    pub owner: String,
    /// What to project.
    pub models: Vec<ReadModel>,
    /// A node that is silent this long loses its leases.
    pub lease_ttl: Duration,
    /// How often leases are renewed, and those of others asked for.
    pub renew_every: Duration,
    /// The most events of one transaction.
    pub batch_events: usize,
    /// The least time between two batches: under load it makes them larger, and fewer.
    pub pace: Duration,
    /// Rows that a projection keeps in memory.
    pub hot_rows: usize,
}

impl Default for ProjectorOptions {
    fn default() -> Self {
        ProjectorOptions {
            owner: format!("{}-{}", std::process::id(), Uuid::new_v4().simple()),
            models: ReadModel::ALL.to_vec(),
            lease_ttl: Duration::from_secs(5),
            renew_every: Duration::from_millis(1_500),
            batch_events: 1_000,
            pace: Duration::from_millis(10),
            hot_rows: 5_000,
        }
    }
}

/// Keeps the read models up to date. Dropping it ends its tasks where they are, which is safe;
/// its leases then run out by themselves.
#[derive(Debug)]
pub struct Projector {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    feed: Feed,
    read_models: ReadModels,
}

impl Projector {
    pub fn start(store: EventStore, options: ProjectorOptions) -> Projector {
        let read_models = ReadModels::new(store.pool().clone());
        let feed = Feed::new(store);
        let (stop, stopping) = watch::channel(false);
        let options = Arc::new(options);
        let mut tasks = JoinSet::new();
        for model in options.models.iter().copied() {
            let worker = Worker {
                model,
                feed: feed.clone(),
                read_models: read_models.clone(),
                options: options.clone(),
                stopping: stopping.clone(),
            };
            with_projection!(model, P => tasks.spawn(worker.run::<P>()));
        }
        Projector { stop, tasks, feed, read_models }
    }

    /// Knows at once what this projector does.
    pub fn read_models(&self) -> &ReadModels {
        &self.read_models
    }

    /// The log, decoded once for everybody on this node.
    pub fn feed(&self) -> &Feed {
        &self.feed
    }

    /// Ends the batches at work and gives the leases back.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                error!(%error, "a projection had ended before its time");
            }
        }
    }
}

/// What one projection's task holds.
pub(crate) struct Worker {
    pub(crate) model: ReadModel,
    pub(crate) feed: Feed,
    pub(crate) read_models: ReadModels,
    pub(crate) options: Arc<ProjectorOptions>,
    pub(crate) stopping: watch::Receiver<bool>,
}

impl Worker {
    async fn run<P: Projection>(self) {
        let mut backoff = Backoff::new();
        while !self.is_stopping() {
            match self.turn::<P>(&mut backoff).await {
                Ok(()) => {}
                Err(Fault::Lost) => info!(model = %self.model, "somebody else projects now"),
                Err(Fault::Passing(reason)) => {
                    warn!(model = %self.model, reason, "projecting failed and is tried again");
                    self.pause(backoff.next()).await;
                }
                Err(Fault::Stop { lease, position, reason }) => {
                    self.stop(lease, position, &reason).await;
                }
            }
        }
    }

    /// Projects for as long as the lease is ours, or waits a while for it.
    async fn turn<P: Projection>(&self, backoff: &mut Backoff) -> Result<(), Fault> {
        let Some((lease, has_stopped)) = patiently(self.take_lease::<P>()).await?? else {
            self.pause(jittered(self.options.renew_every)).await;
            return Ok(());
        };
        info!(model = %self.model, position = lease.checkpoint, epoch = lease.epoch, "projecting");
        let connection = patiently(Connection::open(self.feed.store().pool())).await??;
        let ended = Lead::<P>::new(self, connection, lease, has_stopped).work(backoff).await;
        self.read_models.progress.left(self.model);
        ended
    }

    /// The lease, and whether the projection had stopped under it.
    async fn take_lease<P: Projection>(&self) -> Result<Option<(Lease, bool)>, Fault> {
        let (pool, options) = (self.feed.store().pool(), &self.options);
        let name = self.model.lease();
        let Some(lease) = lease::acquire(pool, name, &options.owner, options.lease_ttl).await?
        else {
            return Ok(None);
        };
        // A table without rows yet is of whatever version fills it.
        let (version, has_stopped): (i32, bool) = sqlx::query_as(
            "update leases set version = case position when 0 then $3 else version end
             where name = $1 and epoch = $2
             returning version, stopped_because is not null",
        )
        .bind(name)
        .bind(lease.epoch)
        .bind(P::VERSION)
        .fetch_optional(pool)
        .await?
        .ok_or(Fault::Lost)?;
        if version != P::VERSION {
            let own = P::VERSION;
            let remedy = if version < own { "rebuild them" } else { "run a newer one" };
            let reason = format!(
                "the rows are of version {version} and this program is of version {own}: {remedy}"
            );
            return Err(Fault::Stop { position: lease.checkpoint, lease, reason });
        }
        Ok(Some((lease, has_stopped)))
    }

    /// Says so, leaves the lease to a node that may know better, and waits for a person.
    async fn stop(&self, lease: Lease, position: i64, reason: &str) {
        error!(model = %self.model, position, reason, "the projection has stopped");
        let pool = self.feed.store().pool();
        let mut backoff = Backoff::new();
        while !self.is_stopping() {
            let say = sqlx::query(
                "update leases set stopped_because = $3, expires_at = '-infinity'
                 where name = $1 and epoch = $2",
            )
            .bind(&lease.name)
            .bind(lease.epoch)
            .bind(reason)
            .execute(pool);
            match patiently(say).await {
                Ok(Ok(_)) => break,
                failed => warn!(model = %self.model, ?failed, "nobody could be told"),
            }
            self.pause(backoff.next()).await;
        }
        while !self.is_stopping() && self.stands().await {
            self.pause(jittered(self.options.renew_every)).await;
        }
    }

    /// Whether nobody has removed the reason to stop yet.
    async fn stands(&self) -> bool {
        let reason = sqlx::query_scalar("select stopped_because from leases where name = $1")
            .bind(self.model.lease())
            .fetch_optional(self.feed.store().pool());
        let reason: Result<Result<Option<Option<String>>, _>, _> = patiently(reason).await;
        !matches!(reason, Ok(Ok(None | Some(None))))
    }

    pub(crate) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Shorter when the projector is to stop.
    pub(crate) async fn pause(&self, time: Duration) {
        let mut stopping = self.stopping.clone();
        tokio::select! {
            () = sleep(time) => {}
            _ = stopping.wait_for(|stopping| *stopping) => {}
        }
    }
}

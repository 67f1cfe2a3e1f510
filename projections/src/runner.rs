//! The projector: one task per read model, each of which leads by a lease of its own.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use event_store::backoff::with_jitter;
use event_store::leader::{LeadError, Leader, LeaderWork, Leadership};
use event_store::{Backoff, EventStore};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use crate::connection::ProjectorConnection;
use crate::feed::Feed;
use crate::lead::{ProjectionError, ProjectionRun, in_time};
use crate::model::with_projection;
use crate::projection::Projection;
use crate::read_models::ReadModels;
use crate::worker::{ProjectionTask, ProjectorOptions};

/// Keeps the read models up to date. Dropping it ends its tasks at any point, which is safe; its
/// leases then expire.
#[derive(Debug)]
pub struct Projector {
    stop: CancellationToken,
    tasks: JoinSet<()>,
    feed: Feed,
    read_models: ReadModels,
}

impl Projector {
    pub fn start(store: EventStore, options: ProjectorOptions) -> Projector {
        let read_models = ReadModels::new(store.pool().clone());
        let feed = Feed::new(store);
        let stop = CancellationToken::new();
        let options = Arc::new(options);
        let mut tasks = JoinSet::new();
        for model in options.models.iter().copied() {
            let worker = ProjectionTask {
                model,
                feed: feed.clone(),
                read_models: read_models.clone(),
                options: options.clone(),
                stop: stop.clone(),
            };
            with_projection!(model, P => tasks.spawn(worker.run::<P>()));
        }
        Projector { stop, tasks, feed, read_models }
    }

    /// The read models. They learn of this projector's progress at once, without polling.
    pub fn read_models(&self) -> &ReadModels {
        &self.read_models
    }

    /// The log, decoded once for all readers of this node.
    pub fn feed(&self) -> &Feed {
        &self.feed
    }

    /// Finishes the batches that are being written, and releases the leases.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                error!(%error, "the task of a projection panicked");
            }
        }
    }
}

/// The work of a projection's leader.
struct ProjectionWork<'a, P>(&'a ProjectionTask, PhantomData<fn() -> P>);

impl<P: Projection> LeaderWork for ProjectionWork<'_, P> {
    type Error = ProjectionError;

    async fn lead(&mut self, leadership: &mut Leadership) -> Result<(), ProjectionError> {
        let worker = self.0;
        let ended = worker.project::<P>(leadership).await;
        if let Err(ProjectionError::Halt { position, reason }) = &ended {
            worker.record_halt(leadership, *position, reason).await;
        }
        ended
    }
}

impl ProjectionTask {
    async fn run<P: Projection>(self) {
        let options = &self.options;
        let mut leader = Leader::new(self.feed.store().pool().clone(), self.model.lease())
            .with_owner(&options.owner)
            .with_ttl(options.lease_ttl)
            .with_renewal(options.renew_every);
        let mut work = ProjectionWork::<P>(&self, PhantomData);
        while let Some(ended) = leader.lead(&self.stop, &mut work).await {
            self.read_models.progress.left(self.model);
            match ended {
                Ok(()) => {}
                Err(LeadError::Work(ProjectionError::LeaseLost)) => {
                    info!(model = %self.model, "another node projects now");
                }
                Err(LeadError::Work(ProjectionError::Halt { .. })) => {
                    self.wait_until_resumed().await;
                }
                Err(error) => {
                    warn!(model = %self.model, %error, "projecting failed and is tried again");
                }
            }
        }
    }

    async fn project<P: Projection>(
        &self,
        leadership: &mut Leadership,
    ) -> Result<(), ProjectionError> {
        let was_halted = in_time(self.check_version::<P>(leadership)).await?;
        let (position, epoch) = (leadership.checkpoint(), leadership.epoch());
        debug!(model = %self.model, position, epoch, "projecting");
        let connection = in_time(ProjectorConnection::open(self.feed.store().pool())).await?;
        ProjectionRun::<P>::new(self, leadership, connection, was_halted).project().await
    }

    /// Checks that the rows have this program's version, and returns whether the projection was
    /// halted.
    async fn check_version<P: Projection>(
        &self,
        leadership: &Leadership,
    ) -> Result<bool, ProjectionError> {
        // A table without rows gets the version of the program that fills it.
        let (version, was_halted): (i32, bool) = sqlx::query_as(
            "update leases set version = case position when 0 then $3 else version end
             where name = $1 and epoch = $2
             returning version, stopped_because is not null",
        )
        .bind(leadership.name())
        .bind(leadership.epoch())
        .bind(P::VERSION)
        .fetch_optional(self.feed.store().pool())
        .await?
        .ok_or(ProjectionError::LeaseLost)?;
        if version == P::VERSION {
            return Ok(was_halted);
        }
        let own = P::VERSION;
        let remedy = if version < own { "rebuild them" } else { "run a newer one" };
        let reason = format!(
            "the rows are of version {version} and this program is of version {own}: {remedy}"
        );
        Err(ProjectionError::Halt { position: leadership.checkpoint(), reason })
    }

    /// Records the reason in the lease, where people and other nodes can read it. The lease is
    /// released afterwards, since a node that runs another program may be able to continue.
    async fn record_halt(&self, leadership: &Leadership, position: i64, reason: &str) {
        error!(model = %self.model, position, reason, "the projection has halted");
        let pool = self.feed.store().pool();
        let mut backoff = Backoff::DATABASE;
        while !self.stop.is_cancelled() {
            let record = sqlx::query(
                "update leases set stopped_because = $3 where name = $1 and epoch = $2",
            )
            .bind(leadership.name())
            .bind(leadership.epoch())
            .bind(reason)
            .execute(pool);
            match in_time(record).await {
                Ok(_) => return,
                Err(error) => warn!(model = %self.model, %error, "cannot record why it halted"),
            }
            self.pause(backoff.next_pause()).await;
        }
    }

    /// Waits until the recorded reason was removed, by a person or by a node that could continue.
    async fn wait_until_resumed(&self) {
        while !self.stop.is_cancelled() && self.is_halted().await {
            self.pause(with_jitter(self.options.renew_every)).await;
        }
    }

    /// Returns true also if the database did not answer.
    async fn is_halted(&self) -> bool {
        let halted = sqlx::query_scalar(
            "select exists (select from leases where name = $1 and stopped_because is not null)",
        )
        .bind(self.model.lease())
        .fetch_one(self.feed.store().pool());
        in_time(halted).await.unwrap_or(true)
    }

    /// Sleeps until `time` has passed or the projector is asked to stop.
    pub(crate) async fn pause(&self, time: Duration) {
        self.stop.run_until_cancelled(sleep(time)).await;
    }
}

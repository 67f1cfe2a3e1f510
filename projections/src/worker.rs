//! The settings of the projector, and what each of its tasks holds.

use std::sync::Arc;
use std::time::Duration;

use event_store::time_limits;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::feed::Feed;
use crate::model::ReadModel;
use crate::read_models::ReadModels;

/// What a [`Projector`] projects, and how fast.
#[derive(Debug, Clone)]
pub struct ProjectorOptions {
    /// The owner of the leases. A process must use another name each time it starts.
    pub owner: String,
    /// The read models to project.
    pub models: Vec<ReadModel>,
    /// The time to live of a lease.
    pub lease_ttl: Duration,
    /// Interval at which a lease is renewed, or requested while another node leads.
    pub renew_every: Duration,
    /// The largest number of events in one transaction.
    pub batch_events: usize,
    /// The least time between two batches: under load it makes batches fewer and larger.
    pub pace: Duration,
    /// The number of rows that a projection keeps in memory.
    pub hot_rows: usize,
}

impl Default for ProjectorOptions {
    fn default() -> Self {
        ProjectorOptions {
            owner: format!("{}-{}", std::process::id(), Uuid::new_v4().simple()),
            models: ReadModel::ALL.to_vec(),
            lease_ttl: time_limits::LEASE_TTL,
            renew_every: time_limits::LEASE_RENEWAL,
            batch_events: 1_000,
            pace: Duration::from_millis(10),
            hot_rows: 5_000,
        }
    }
}

/// What the task of one projection holds.
pub(crate) struct ProjectionTask {
    pub(crate) model: ReadModel,
    pub(crate) feed: Feed,
    pub(crate) read_models: ReadModels,
    pub(crate) options: Arc<ProjectorOptions>,
    pub(crate) stop: CancellationToken,
}

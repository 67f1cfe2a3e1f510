//! Reads the gauges, by the same functions that `/health` and the query `projections` use.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use commands::inbox::Inbox;
use commands::payments::Provider;
use commands::{ReactionStatus, reaction_status};
use event_store::{EventStore, time_limits};
use futures::FutureExt;
use projections::{ProjectionStatus, ReadModels};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use sqlx::PgPool;

use super::{PREFIX, Sampler, process};

/// The parts of the shop that the gauges are read from.
#[derive(Debug, Clone)]
pub struct Sources {
    pub store: EventStore,
    pub read_models: ReadModels,
    pub inbox: Inbox,
    pub provider: Provider,
}

/// The figures that are read from the database.
struct Figures {
    projections: Vec<ProjectionStatus>,
    reactions: ReactionStatus,
    /// The number of overdue deadlines of each kind.
    due: Vec<(&'static str, i64)>,
    inbox_waiting: i64,
    inbox_overdue: i64,
}

impl Sources {
    pub fn sampler(self) -> Sampler {
        let started_at = Utc::now();
        Arc::new(move || self.clone().sample(started_at).boxed())
    }

    async fn sample(self, started_at: DateTime<Utc>) -> Registry {
        let mut all = Registry::default();
        process::register(&mut all, started_at);
        let registry = all.sub_registry_with_prefix(PREFIX);
        register_build(registry);
        self.register_local(registry);
        let figures =
            tokio::time::timeout(time_limits::METRICS_QUESTION, self.read_figures()).await;
        let figures = figures.unwrap_or_else(|_| Err("the database did not answer in time".into()));
        gauge(registry, "database_up", "Whether Postgres answers", i64::from(figures.is_ok()));
        match figures {
            Ok(figures) => figures.register(registry, self.store.known_head()),
            Err(error) => tracing::warn!(%error, "some metrics cannot be read"),
        }
        all
    }

    /// Registers the gauges that this process knows without asking the database.
    fn register_local(&self, registry: &mut Registry) {
        let head = self.store.known_head();
        gauge(registry, "log_head", "The position of the log's last event", head);
        let (waiting, limit) = self.store.queue_usage();
        let help = "Commands that wait to be appended";
        gauge(registry, "append_queue_items", help, waiting as i64);
        let help = "How many commands may wait to be appended";
        gauge(registry, "append_queue_items_limit", help, limit as i64);
        register_pool(registry, self.store.pool());
        let help = "1 while the circuit to the payment provider is open: it did not answer and is not called";
        gauge(registry, "payment_circuit_open", help, i64::from(self.provider.is_circuit_open()));
    }

    async fn read_figures(&self) -> Result<Figures, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Figures {
            projections: self.read_models.status().await?,
            reactions: reaction_status(self.store.pool()).await?,
            due: self.read_models.count_overdue(Utc::now()).await?,
            inbox_waiting: self.inbox.waiting().await?,
            inbox_overdue: self.inbox.overdue().await?,
        })
    }
}

impl Figures {
    fn register(self, registry: &mut Registry, head: i64) {
        let Figures { projections, reactions, due, inbox_waiting, inbox_overdue } = self;
        register_projections(registry, &projections);
        let ReactionStatus { position, parked } = reactions;
        let help = "The process managers have reacted to all events up to this position";
        gauge(registry, "reactions_position", help, position);
        let help = "Events that the process managers have not reacted to yet";
        gauge(registry, "reactions_lag_events", help, (head - position).max(0));
        gauge(
            registry,
            "reactions_parked",
            "Reactions that failed and wait for a person to repair them",
            parked,
        );
        let by_kind = due.into_iter().map(|(kind, count)| (Deadline { kind }, count));
        gauges(registry, "deadlines_due", "Deadlines that are due", by_kind);
        let help = "Webhooks that are not processed yet";
        gauge(registry, "inbox_waiting", help, inbox_waiting);
        let help = "Webhooks that have waited for more than a day";
        gauge(registry, "inbox_overdue", help, inbox_overdue);
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Projection {
    projection: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Deadline {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Connections {
    state: &'static str,
}

fn register_build(registry: &mut Registry) {
    let version = ("version", env!("CARGO_PKG_VERSION"));
    let build = ("build", option_env!("CARTULARY_BUILD").unwrap_or("unknown"));
    registry.register("build", "The program that runs", Info::new(vec![version, build]));
}

fn register_pool(registry: &mut Registry, pool: &PgPool) {
    let idle = pool.num_idle() as i64;
    let used = i64::from(pool.size()) - idle;
    let states = [("idle", idle), ("used", used.max(0))];
    let states = states.into_iter().map(|(state, count)| (Connections { state }, count));
    gauges(registry, "pool_connections", "Connections to Postgres", states);
    let limit = i64::from(pool.options().get_max_connections());
    gauge(
        registry,
        "pool_connections_limit",
        "How many connections to Postgres there may be",
        limit,
    );
}

fn register_projections(registry: &mut Registry, all: &[ProjectionStatus]) {
    let by_projection = |figure: fn(&ProjectionStatus) -> i64| {
        all.iter().map(move |one| (Projection { projection: one.model.name() }, figure(one)))
    };
    let help = "The position of the last event that the read model includes";
    gauges(registry, "projection_position", help, by_projection(|one| one.position));
    let help = "Events that the read model does not include yet";
    gauges(registry, "projection_lag_events", help, by_projection(|one| one.lag_events));
    let help = "1 if the read model has stopped until a person repairs and restarts it";
    gauges(
        registry,
        "projection_stopped",
        help,
        by_projection(|one| i64::from(one.stopped_because.is_some())),
    );
    let help = "1 if a node is the leader of the read model";
    gauges(registry, "projection_owned", help, by_projection(|one| i64::from(one.owner.is_some())));
    let family = Family::<Projection, Gauge<f64, std::sync::atomic::AtomicU64>>::default();
    for one in all {
        let projection = Projection { projection: one.model.name() };
        family.get_or_create(&projection).set(one.lag_time.as_secs_f64());
    }
    let help = "Age in seconds of the oldest event that the read model does not include yet";
    registry.register("projection_lag_seconds", help, family);
}

fn gauge(registry: &mut Registry, name: &str, help: &str, value: i64) {
    registry.register(name, help, ConstGauge::new(value));
}

fn gauges<L>(registry: &mut Registry, name: &str, help: &str, rows: impl Iterator<Item = (L, i64)>)
where
    L: Clone + std::fmt::Debug + Eq + std::hash::Hash + EncodeLabelSet + Send + Sync + 'static,
{
    let family = Family::<L, Gauge>::default();
    for (labels, value) in rows {
        family.get_or_create(&labels).set(value);
    }
    registry.register(name, help, family);
}

//! Gauges, read by the same functions that `/health` and the query `projections` use.

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

/// The parts of the shop that the figures are read from.
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
    /// By kind of deadline.
    due: Vec<(&'static str, i64)>,
    inbox_waiting: i64,
    inbox_overdue: i64,
}

impl Sources {
    pub fn sampler(self) -> Sampler {
        let began = Utc::now();
        Arc::new(move || self.clone().sample(began).boxed())
    }

    async fn sample(self, began: DateTime<Utc>) -> Registry {
        let mut all = Registry::default();
        process::register(&mut all, began);
        let registry = all.sub_registry_with_prefix(PREFIX);
        build(registry);
        self.register_known_here(registry);
        let figures = tokio::time::timeout(time_limits::METRICS_QUESTION, self.figures()).await;
        let figures = figures.unwrap_or_else(|_| Err("the database did not answer in time".into()));
        gauge(registry, "database_up", "Whether Postgres answers", i64::from(figures.is_ok()));
        match figures {
            Ok(figures) => figures.register(registry, self.store.known_head()),
            Err(error) => tracing::warn!(%error, "some metrics cannot be read"),
        }
        all
    }

    fn register_known_here(&self, registry: &mut Registry) {
        let head = self.store.known_head();
        gauge(registry, "log_head", "The position of the log's last event", head);
        let (waiting, most) = self.store.queue_usage();
        let help = "Commands that wait to be appended";
        gauge(registry, "append_queue_items", help, waiting as i64);
        let help = "How many commands may wait to be appended";
        gauge(registry, "append_queue_items_limit", help, most as i64);
        pool(registry, self.store.pool());
        let help = "1 while the circuit to the payment provider is open: it did not answer and is not called";
        gauge(registry, "payment_circuit_open", help, i64::from(self.provider.is_circuit_open()));
    }

    async fn figures(&self) -> Result<Figures, Box<dyn std::error::Error + Send + Sync>> {
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
        let help = "Everything up to this position was reacted to";
        gauge(registry, "reactions_position", help, position);
        let help = "Events that were not reacted to yet";
        gauge(registry, "reactions_lag_events", help, (head - position).max(0));
        gauge(registry, "reactions_parked", "Reactions that failed and need a person", parked);
        let of_kind = due.into_iter().map(|(kind, count)| (Deadline { kind }, count));
        gauges(registry, "deadlines_due", "Deadlines that are due", of_kind);
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

fn build(registry: &mut Registry) {
    let version = ("version", env!("CARGO_PKG_VERSION"));
    let build = ("build", option_env!("CARTULARY_BUILD").unwrap_or("unknown"));
    registry.register("build", "The program that runs", Info::new(vec![version, build]));
}

fn pool(registry: &mut Registry, pool: &PgPool) {
    let idle = pool.num_idle() as i64;
    let used = i64::from(pool.size()) - idle;
    let states = [("idle", idle), ("used", used.max(0))];
    let states = states.into_iter().map(|(state, count)| (Connections { state }, count));
    gauges(registry, "pool_connections", "Connections to Postgres", states);
    let most = i64::from(pool.options().get_max_connections());
    gauge(registry, "pool_connections_limit", "How many there may be", most);
}

fn register_projections(registry: &mut Registry, all: &[ProjectionStatus]) {
    let of = |figure: fn(&ProjectionStatus) -> i64| {
        all.iter().map(move |one| (Projection { projection: one.model.name() }, figure(one)))
    };
    let help = "The position of the last event in the read model";
    gauges(registry, "projection_position", help, of(|one| one.position));
    let help = "Events that are not in the read model yet";
    gauges(registry, "projection_lag_events", help, of(|one| one.lag_events));
    let help = "1 if a read model has stopped until a person restarts it";
    gauges(
        registry,
        "projection_stopped",
        help,
        of(|one| i64::from(one.stopped_because.is_some())),
    );
    let help = "1 if a node is the leader of the read model";
    gauges(registry, "projection_owned", help, of(|one| i64::from(one.owner.is_some())));
    let family = Family::<Projection, Gauge<f64, std::sync::atomic::AtomicU64>>::default();
    for one in all {
        let projection = Projection { projection: one.model.name() };
        family.get_or_create(&projection).set(one.lag_time.as_secs_f64());
    }
    let help = "How long the first event that is not in the read model has waited";
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

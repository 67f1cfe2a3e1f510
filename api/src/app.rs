//! The shop and its workers, started in order and stopped in reverse order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use commands::inbox::Inbox;
use commands::mail::{self, MailOutbox, Mailer};
use commands::payments::{BadStripeSettings, Provider, Signer, Simulator, Stripe};
use commands::relay::{self, BadNatsUrl, Broker, Relay};
use commands::{Bus, CommandError, OrderNumbers, PaymentPolicy, Reactions, Vault};
use event_store::{EventStore, StoreError, time_limits};
use projections::Projector;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::auth::Authenticator;
use crate::config::{Config, Payments};
use crate::demo;
use crate::graphql::{CurrentCarts, Policy, Shop};
use crate::secret::Secret;

/// The capacities of the caches of aggregates and of customers' current carts.
const CACHED_AGGREGATES: usize = 20_000;
const CACHED_CUSTOMERS: usize = 50_000;

/// The running shop.
#[derive(Debug)]
pub struct App {
    pub shop: Shop,
    pub inbox: Inbox,
    pub relay: Relay,
    projector: Projector,
    workers: TaskTracker,
    stop: CancellationToken,
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the event store: {0}")]
    Store(#[from] StoreError),
    #[error("the folder of the mail: {0}")]
    MailFolder(#[from] std::io::Error),
    #[error("SMTP_URL: {0}")]
    MailServer(#[from] mail::BadSmtpUrl),
    #[error("NATS_URL: {0}")]
    Broker(#[from] BadNatsUrl),
    #[error(transparent)]
    MailTemplates(#[from] mail::BadTemplates),
    #[error("the demo catalogue: {0}")]
    Demo(#[from] CommandError),
    #[error("the payment provider: {0}")]
    Provider(#[from] BadStripeSettings),
}

impl App {
    /// `address` is where the server listens; the simulator sends its webhooks there.
    pub async fn start(
        config: &Config,
        database_url: &Secret,
        auth: Arc<Authenticator>,
        address: SocketAddr,
    ) -> Result<App, StartError> {
        let upcasters = domain::upcasters();
        let options = event_store::StoreOptions { upcasters, ..Default::default() };
        let store = EventStore::connect(database_url.expose(), options).await?;
        let pool = store.pool().clone();
        let bus = Bus::new(store.clone(), CACHED_AGGREGATES);
        if config.demo && store.head().await? == 0 {
            demo::create_catalogue(&bus).await?;
        }
        let projector = Projector::start(store, projections::ProjectorOptions::default());
        let (provider, simulator) = provider(config, &pool)?;
        let payments = payment_policy(config);
        let inbox = Inbox::new(bus.clone(), provider.clone(), payments);
        let shop = Shop {
            bus: bus.clone(),
            read_models: projector.read_models().clone(),
            vault: Vault::new(pool.clone()),
            order_numbers: OrderNumbers::new(pool),
            provider: provider.clone(),
            authenticator: auth,
            policy: policy(config),
            current_carts: CurrentCarts::new(CACHED_CUSTOMERS),
        };

        let outbox = mail_outbox(config, &shop)?;
        let relay = Relay::new(projector.feed().clone(), broker(config)?);
        let (workers, stop) = (TaskTracker::new(), CancellationToken::new());
        let feed = projector.feed().clone();
        let reactions = Reactions { feed, bus: bus.clone(), provider, policy: payments };
        workers.spawn(commands::run_reactions(reactions, stop.clone()));
        workers.spawn(commands::run_deadlines(bus, shop.read_models.clone(), stop.clone()));
        workers.spawn(mail::run(outbox, stop.clone()));
        workers.spawn(relay::run(relay.clone(), stop.clone()));
        workers.spawn(inbox.clone().run(stop.clone()));
        if let Some(simulator) = simulator {
            workers.spawn(simulator.deliver(webhook_endpoint(address), stop.clone()));
        }
        workers.close();
        Ok(App { shop, inbox, relay, projector, workers, stop })
    }

    /// Finishes what is under way, from the outside in, and releases the leases.
    pub async fn stop(self) {
        self.stop.cancel();
        if tokio::time::timeout(time_limits::SHUTDOWN_OF_WORKERS, self.workers.wait())
            .await
            .is_err()
        {
            tracing::warn!("some workers did not stop in time; their work will be done again");
        }
        let bus = self.shop.bus.clone();
        let rest = async {
            bus.shutdown().await;
            self.projector.shutdown().await;
            bus.store().shutdown().await;
        };
        if tokio::time::timeout(time_limits::SHUTDOWN_OF_STORE, rest).await.is_err() {
            tracing::warn!(
                "appends and projections did not stop in time; what they left undone is done after the next start"
            );
        }
    }
}

/// The payment provider; and the simulator, if it is the provider, because it has webhooks to deliver.
fn provider(
    config: &Config,
    pool: &PgPool,
) -> Result<(Provider, Option<Simulator>), BadStripeSettings> {
    match &config.payments {
        Payments::Simulated { webhook_secret } => {
            let signer = Signer::new(webhook_secret.expose_bytes());
            // Long after the reservation has ended, which a payment extends by its own time.
            let late = config.reservation * 2 + Duration::from_secs(1);
            let simulator = Simulator::new(pool.clone(), signer, late);
            Ok((Provider::simulated(simulator.clone()), Some(simulator)))
        }
        Payments::Stripe(account) => {
            let signer = Signer::new(account.webhook_secret.expose_bytes());
            let (key, base) = (account.secret_key.expose(), account.api_base.expose());
            Ok((Provider::stripe(Stripe::new(key, base, signer)?), None))
        }
    }
}

fn mail_outbox(config: &Config, shop: &Shop) -> Result<MailOutbox, StartError> {
    let Shop { bus, read_models, vault, .. } = shop.clone();
    let mailer = match &config.mail.smtp_url {
        Some(url) => Mailer::smtp(url.expose())?,
        None => {
            let folder = config.mail_folder();
            if config.is_production() {
                tracing::warn!(folder = %folder.display(), "SMTP_URL is not set: mail is written to a folder and sent to nobody");
            }
            Mailer::folder(&folder)?
        }
    };
    Ok(MailOutbox::new(bus, read_models, vault, mailer, config.mail.settings.clone())?)
}

fn broker(config: &Config) -> Result<Broker, BadNatsUrl> {
    match &config.nats {
        Some(nats) => Broker::nats(nats.url.expose(), nats.stream.clone()),
        None => Ok(Broker::none()),
    }
}

fn delta(time: Duration) -> TimeDelta {
    TimeDelta::from_std(time).unwrap_or(TimeDelta::MAX)
}

fn payment_policy(config: &Config) -> PaymentPolicy {
    PaymentPolicy {
        reserve_at_most: delta(config.reservation_cap),
        hold_for: delta(config.authorization),
        retry_after: delta(config.payment_retry),
    }
}

fn policy(config: &Config) -> Policy {
    Policy {
        charges: config.charges.clone(),
        cart_idle_seconds: u32::try_from(config.cart_idle.as_secs()).unwrap_or(u32::MAX),
        reserve_for: delta(config.reservation),
        reserve_at_most: delta(config.reservation_cap),
        wait_for_command: time_limits::command_within(config.limits.execution_timeout),
        wait_for_position: time_limits::READ_MODEL_POSITION,
        wait_for_provider: time_limits::PROVIDER_IN_REQUEST,
    }
}

/// The URL of the simulator's webhooks; a server that listens on all addresses is reached on the loopback.
fn webhook_endpoint(mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        let loopback: [std::net::IpAddr; 2] =
            [std::net::Ipv4Addr::LOCALHOST.into(), std::net::Ipv6Addr::LOCALHOST.into()];
        address.set_ip(loopback[usize::from(address.is_ipv6())]);
    }
    format!("http://{address}/webhooks/simulator")
}

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

/// The number of aggregates that the command bus caches.
const CACHED_AGGREGATES: usize = 20_000;
/// The number of customers whose current cart is cached.
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

/// Why the shop cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the event store cannot be opened: {0}")]
    Store(#[from] StoreError),
    #[error("the folder for mail in the data directory cannot be created: {0}")]
    MailFolder(#[from] std::io::Error),
    #[error("SMTP_URL: {0}")]
    MailServer(#[from] mail::BadSmtpUrl),
    #[error("NATS_URL: {0}")]
    Broker(#[from] BadNatsUrl),
    #[error(transparent)]
    MailTemplates(#[from] mail::BadTemplates),
    #[error("the demo catalogue cannot be created: {0}")]
    Demo(#[from] CommandError),
    #[error("the payment provider cannot be used: {0}")]
    Provider(#[from] BadStripeSettings),
}

impl App {
    /// Starts the shop and its workers. `address` is where the server listens; the simulated payment provider sends
    /// its webhooks there.
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
        let (provider, simulator) = build_provider(config, &pool)?;
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

        let outbox = build_mail_outbox(config, &shop)?;
        let relay = Relay::new(projector.feed().clone(), build_broker(config)?);
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

    /// Stops the workers, then the projections, then the event store, and releases the leases. Each part is stopped
    /// before the part that it uses.
    pub async fn stop(self) {
        self.stop.cancel();
        if tokio::time::timeout(time_limits::SHUTDOWN_OF_WORKERS, self.workers.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                "some workers did not stop in time; the next leader repeats their unfinished work"
            );
        }
        let bus = self.shop.bus.clone();
        let shut_down = async {
            bus.shutdown().await;
            self.projector.shutdown().await;
            bus.store().shutdown().await;
        };
        if tokio::time::timeout(time_limits::SHUTDOWN_OF_STORE, shut_down).await.is_err() {
            tracing::warn!(
                "the projections or the event store did not stop in time; their unfinished work is done after the next start"
            );
        }
    }
}

/// Builds the payment provider. If it is the simulator, the simulator is also returned by itself, because a worker
/// delivers its webhooks.
fn build_provider(
    config: &Config,
    pool: &PgPool,
) -> Result<(Provider, Option<Simulator>), BadStripeSettings> {
    match &config.payments {
        Payments::Simulated { webhook_secret } => {
            let signer = Signer::new(webhook_secret.expose_bytes());
            // The simulated late success must arrive after the reservation has ended. Starting a payment extends the
            // reservation by its own length, so the delay is longer than two reservations.
            let late_success_after = config.reservation * 2 + Duration::from_secs(1);
            let simulator = Simulator::new(pool.clone(), signer, late_success_after);
            Ok((Provider::simulated(simulator.clone()), Some(simulator)))
        }
        Payments::Stripe(account) => {
            let signer = Signer::new(account.webhook_secret.expose_bytes());
            let (key, base) = (account.secret_key.expose(), account.api_base.expose());
            Ok((Provider::stripe(Stripe::new(key, base, signer)?), None))
        }
    }
}

fn build_mail_outbox(config: &Config, shop: &Shop) -> Result<MailOutbox, StartError> {
    let Shop { bus, read_models, vault, .. } = shop.clone();
    let mailer = match &config.mail.smtp_url {
        Some(url) => Mailer::smtp(url.expose())?,
        None => {
            let folder = config.mail_folder();
            if config.is_production() {
                tracing::warn!(folder = %folder.display(), "SMTP_URL is not set: mail is written to a folder and not sent");
            }
            Mailer::folder(&folder)?
        }
    };
    Ok(MailOutbox::new(bus, read_models, vault, mailer, config.mail.settings.clone())?)
}

fn build_broker(config: &Config) -> Result<Broker, BadNatsUrl> {
    match &config.nats {
        Some(nats) => Broker::nats(nats.url.expose(), nats.stream.clone()),
        None => Ok(Broker::none()),
    }
}

fn to_delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

fn payment_policy(config: &Config) -> PaymentPolicy {
    PaymentPolicy {
        reserve_at_most: to_delta(config.reservation_cap),
        hold_for: to_delta(config.authorization),
        retry_after: to_delta(config.payment_retry),
    }
}

fn policy(config: &Config) -> Policy {
    Policy {
        charges: config.charges.clone(),
        cart_idle_seconds: u32::try_from(config.cart_idle.as_secs()).unwrap_or(u32::MAX),
        reserve_for: to_delta(config.reservation),
        reserve_at_most: to_delta(config.reservation_cap),
        wait_for_command: time_limits::command_within(config.limits.execution_timeout),
        wait_for_position: time_limits::READ_MODEL_POSITION,
        wait_for_provider: time_limits::PROVIDER_IN_REQUEST,
    }
}

/// The URL that the simulator sends its webhooks to. If the server listens on all addresses, the loopback address
/// reaches it.
fn webhook_endpoint(mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        let loopback: [std::net::IpAddr; 2] =
            [std::net::Ipv4Addr::LOCALHOST.into(), std::net::Ipv6Addr::LOCALHOST.into()];
        address.set_ip(loopback[usize::from(address.is_ipv6())]);
    }
    format!("http://{address}/webhooks/simulator")
}

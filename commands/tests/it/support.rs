//! A shop on a database of its own, the commands that the tests send, and waiting with a time
//! limit.

use std::future::Future;
use std::time::Duration;

use chrono::TimeDelta;
use commands::cart::{AddLines, WantedLine};
use commands::{AggregateCommand, Bus, CommandError, Context, Receipt};
use domain::cart::Owner;
use domain::checkout::{CheckoutError, PlaceOrder, Shortage};
use domain::inventory::{AdjustmentKind, Inventory, InventoryCommand, Stock};
use domain::pricing::Charges;
use domain::product::ProductCommand;
use domain::{
    CartId, Currency, Money, OrderId, Personal, Quantity, Refusal, Sku, State, SubjectId,
};
use domain::{StreamId, Text};
use event_store::{EventStore, MIGRATIONS, StoreOptions};
use futures::FutureExt;
use futures::future::BoxFuture;
use local_postgres::testing::{TestDatabase, database};
use sqlx::{Connection, PgConnection};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// The longest that any step of a test may take.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(60);

/// A command that is sent when it is first polled.
pub(crate) type PendingCommand = BoxFuture<'static, Result<Receipt, CommandError>>;

pub(crate) struct Shop {
    pub(crate) database: TestDatabase,
}

impl Shop {
    pub(crate) async fn new() -> Shop {
        Shop { database: database(&MIGRATIONS).await }
    }

    /// Another node on the same database.
    pub(crate) async fn node(&self) -> Bus {
        let options = StoreOptions { max_connections: 6, ..StoreOptions::default() };
        Bus::new(EventStore::connect(self.database.url(), options).await.unwrap(), 1_000)
    }

    /// A shop with two nodes and one product at 9.99, with `on_hand` units of it.
    pub(crate) async fn selling(sku: &Sku, on_hand: u32) -> (Shop, Bus, Bus) {
        let shop = Shop::new().await;
        let (a, b) = (shop.node().await, shop.node().await);
        stock(&a, sku, on_hand).await;
        (shop, a, b)
    }

    /// A stream's state according to the log.
    pub(crate) async fn state(&self, stream: StreamId) -> State {
        self.node().await.load(stream).await.unwrap().0
    }

    pub(crate) async fn stock(&self, sku: &Sku) -> Stock {
        match self.state(sku.inventory()).await {
            State::Inventory(Inventory::Stocked(stock)) => stock,
            other => panic!("no stock: {other:?}"),
        }
    }

    /// How many events of this type the log has.
    pub(crate) async fn count(&self, event_type: &str) -> i64 {
        sqlx::query_scalar("select count(*) from events where event_type = $1")
            .bind(event_type)
            .fetch_one(self.database.pool())
            .await
            .unwrap()
    }
}

pub(crate) fn mug() -> Sku {
    "MUG".parse().unwrap()
}

pub(crate) fn usd(cents: i64) -> Money {
    Money::new(cents, Currency::USD)
}

/// The context of a command that is sent once.
pub(crate) fn once() -> Context {
    Context::once("system:test")
}

/// The context of a command under an idempotency key; `input` stands for its whole input.
pub(crate) fn keyed(key: &str, input: &str) -> Context {
    Context::keyed("customer:ada", key, "test", &input).unwrap()
}

pub(crate) async fn stock(bus: &Bus, sku: &Sku, on_hand: u32) {
    let create = ProductCommand::Create {
        sku: sku.clone(),
        name: text("A mug"),
        description: None,
        image_url: None,
        price: usd(999),
    };
    let register = InventoryCommand::Register {
        sku: sku.clone(),
        on_hand,
        reorder_level: 0,
        reorder_quantity: 1,
    };
    product(bus, sku, create, once()).await.unwrap();
    ask_inventory(bus, sku, register, once()).await.unwrap();
}

pub(crate) async fn product(
    bus: &Bus,
    sku: &Sku,
    command: ProductCommand,
    context: Context,
) -> Result<Receipt, CommandError> {
    let command = AggregateCommand { name: "test", id: sku.clone(), command };
    bus.execute(command, context).await
}

pub(crate) fn ask_inventory(
    bus: &Bus,
    sku: &Sku,
    command: InventoryCommand,
    context: Context,
) -> PendingCommand {
    let (bus, sku) = (bus.clone(), sku.clone());
    let command = AggregateCommand { name: "test", id: sku, command };
    async move { bus.execute(command, context).await }.boxed()
}

/// Adds units to the stock, or removes them if `quantity` is negative.
pub(crate) fn adjust(bus: &Bus, sku: &Sku, quantity: i64) -> PendingCommand {
    adjust_as(bus, sku, quantity, once())
}

pub(crate) fn adjust_as(bus: &Bus, sku: &Sku, quantity: i64, context: Context) -> PendingCommand {
    let reason = Some(text("counted"));
    let kind = AdjustmentKind::Adjustment;
    let command = InventoryCommand::Adjust { kind, quantity, reason, reference: None };
    ask_inventory(bus, sku, command, context)
}

pub(crate) fn add(cart: CartId, sku: &Sku, units: i64) -> AddLines {
    let quantity = Quantity::new(units).unwrap();
    let line = WantedLine { sku: sku.clone(), quantity, expected_unit_price: None };
    AddLines { cart, owner: Owner::Guest, idle_seconds: 604_800, lines: vec![line] }
}

/// A guest's cart with one line.
pub(crate) async fn filled_cart(bus: &Bus, sku: &Sku, units: i64) -> CartId {
    let cart = CartId(Uuid::now_v7());
    bus.execute(add(cart, sku, units), once()).await.unwrap();
    cart
}

pub(crate) fn place(cart: CartId) -> PlaceOrder {
    let order = OrderId(Uuid::now_v7());
    let sealed = Personal {
        subject: SubjectId(cart.0),
        nonce: "bm9uY2U=".to_owned(),
        ciphertext: "c2VhbGVk".to_owned(),
    };
    PlaceOrder {
        order,
        number: format!("C-{order}"),
        cart,
        contact: sealed.clone(),
        shipping_address: sealed,
        expected_total: None,
        charges: Charges::default(),
        reserve_for: TimeDelta::minutes(15),
    }
}

/// The shortages, if the command was refused because of them.
pub(crate) fn shortages(result: &Result<Receipt, CommandError>) -> Option<&[Shortage]> {
    match result {
        Err(CommandError::Refused(Refusal::Checkout(CheckoutError::InsufficientStock(all)))) => {
            Some(all)
        }
        _ => None,
    }
}

pub(crate) fn text(text: &str) -> Text {
    Text::new(text, Text::SHORT).unwrap()
}

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(TIME_LIMIT, future).await;
    done.expect("it ended within the time limit")
}

/// Starts all futures before it waits for any.
pub(crate) async fn all<T: Send + 'static>(
    futures: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let tasks: Vec<JoinHandle<T>> = futures.into_iter().map(tokio::spawn).collect();
    let mut done = Vec::with_capacity(tasks.len());
    for task in tasks {
        done.push(within(task).await.unwrap());
    }
    done
}

/// Checks again and again until the condition is true.
pub(crate) async fn until<F: Future<Output = bool>>(mut condition: impl FnMut() -> F) {
    within(async {
        while !condition().await {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Holds the log's lock: commands that are sent now are decided and queued, but not appended.
pub(crate) struct LogLock(PgConnection);

impl LogLock {
    pub(crate) async fn hold(shop: &Shop) -> LogLock {
        let mut connection = PgConnection::connect(shop.database.url()).await.unwrap();
        sqlx::raw_sql("begin; select lock_log()").execute(&mut connection).await.unwrap();
        LogLock(connection)
    }

    /// Waits until this many nodes have a batch that waits for the lock.
    pub(crate) async fn until_waiting(&self, shop: &Shop, nodes: i64) {
        let sql = "select count(*) from pg_locks l join pg_database d on d.oid = l.database
                   where d.datname = current_database() and locktype = 'advisory' and not granted";
        let pool = shop.database.pool();
        until(async || sqlx::query_scalar::<_, i64>(sql).fetch_one(pool).await.unwrap() == nodes)
            .await;
    }

    pub(crate) async fn release(mut self) {
        sqlx::raw_sql("rollback").execute(&mut self.0).await.unwrap();
    }
}

/// The units on hand that a node decides its next command on, durable or not.
pub(crate) async fn seen_on_hand(bus: &Bus, sku: &Sku) -> Option<i64> {
    let seen = bus.look(sku.inventory(), |state| match state {
        State::Inventory(inventory) => inventory.stock().map(|stock| stock.on_hand),
        _ => None,
    });
    seen.await.unwrap()
}

pub(crate) async fn until_seen_on_hand(bus: &Bus, sku: &Sku, on_hand: i64) {
    until(async || seen_on_hand(bus, sku).await == Some(on_hand)).await;
}

//! A shop with a history, and the binary that the tests run on it.

use std::collections::HashMap;
use std::future::Future;
use std::process::{Output, Stdio};
use std::time::Duration;

use domain::cart::{CartEvent, Owner};
use domain::inventory::{AdjustmentKind, InventoryEvent};
use domain::order::{OrderEvent, Placed, PlacedLine, Totals};
use domain::product::ProductEvent;
use domain::{
    CartId, Currency, Event, Money, OrderId, Personal, Quantity, Sku, StreamId, SubjectId, Text,
    Timestamp,
};
use event_store::{
    Append, AppendOutcome, CommandRecord, EventStore, ExpectedHead, MIGRATIONS, NewEvent,
};
use local_postgres::testing::{TestDatabase, database};
use projections::{Projector, ProjectorOptions, ReadModel, ReadModels};
use serde_json::Value;
use tokio::process::Command;
use tokio::sync::Mutex;
use uuid::Uuid;

/// Longer than any step of a test takes.
const BOUND: Duration = Duration::from_secs(120);

pub(crate) const CART: CartId = CartId(Uuid::from_u128(1));
pub(crate) const ORDER: OrderId = OrderId(Uuid::from_u128(2));

pub(crate) struct Shop {
    pub(crate) database: TestDatabase,
    pub(crate) store: EventStore,
    /// Version and position of every stream's last event.
    heads: Mutex<HashMap<Uuid, (i32, i64)>>,
}

impl Shop {
    /// A shop with nine events (a product, its stock, a cart, an order), of which none is
    /// projected.
    pub(crate) async fn recorded() -> Shop {
        let database = database(&MIGRATIONS).await;
        let store = node(&database).await;
        let shop = Shop { database, store, heads: Mutex::default() };
        shop.seed().await;
        shop
    }

    /// The same shop with all events projected.
    pub(crate) async fn projected() -> Shop {
        let shop = Shop::recorded().await;
        let projector = shop.project();
        shop.caught_up(&projector).await;
        within(projector.shutdown()).await;
        shop
    }

    async fn seed(&self) {
        let mug: Sku = "MUG".parse().unwrap();
        self.record(mug.product(), vec![created(&mug).into(), repriced(1_250).into()]).await;
        let registered = InventoryEvent::Registered {
            sku: mug.clone(),
            reorder_level: 1,
            reorder_quantity: 5,
            at: at(0),
        };
        let stock = vec![registered.into(), delivered(3).into(), delivered(8).into()];
        self.record(mug.inventory(), stock).await;
        let (quantity, unit_price) = (Quantity::ONE, usd(1_250));
        let added = CartEvent::LineAdded { sku: mug.clone(), quantity, unit_price, at: at(2) };
        let created = CartEvent::Created { owner: Owner::Guest, idle_seconds: 604_800, at: at(1) };
        self.record(CART.stream(), vec![created.into(), added.into()]).await;
        let placed = OrderEvent::Placed(Box::new(placed(mug)));
        let confirmed = OrderEvent::Confirmed { at: at(4) };
        self.record(ORDER.stream(), vec![placed.into(), confirmed.into()]).await;
    }

    /// Appends events of one stream as one command, and returns the position of the last.
    pub(crate) async fn record(&self, stream: StreamId, events: Vec<Event>) -> i64 {
        let mut heads = self.heads.lock().await;
        let (version, position) = heads.get(&stream.id).copied().unwrap_or_default();
        let count = i32::try_from(events.len()).unwrap();
        let events = events.iter().zip(version + 1..).map(|(event, version)| NewEvent {
            stream_type: stream.kind.as_str(),
            stream_id: stream.id,
            version,
            event_type: event.name(),
            schema_version: event.schema_version(),
            payload: event.encode().unwrap(),
        });
        let id = Uuid::now_v7();
        let append = Append {
            command: CommandRecord {
                id,
                request_hash: None,
                metadata: "{}".to_owned(),
                correlation_id: id,
                caused_by: (position > 0).then_some(position),
                actor: "staff:test".to_owned(),
            },
            expected_heads: vec![(stream.id, ExpectedHead::Durable(position))],
            events: events.collect(),
        };
        let outcome = within(self.store.append(append)).await.unwrap();
        let AppendOutcome::Appended { last, .. } = outcome else { panic!("{outcome:?}") };
        heads.insert(stream.id, (version + count, last));
        last
    }

    pub(crate) fn project(&self) -> Projector {
        Projector::start(self.store.clone(), ProjectorOptions::default())
    }

    pub(crate) async fn caught_up(&self, projector: &Projector) {
        let head = self.store.head().await.unwrap();
        projector.read_models().wait_for(&ReadModel::ALL, head, BOUND).await.unwrap();
        // Other processes see the checkpoint, which may be written a moment later.
        let from_outside = ReadModels::new(self.database.pool().clone());
        from_outside.wait_for(&ReadModel::ALL, head, BOUND).await.unwrap();
    }

    pub(crate) async fn sql(&self, statements: &'static str) {
        sqlx::raw_sql(statements).execute(self.database.pool()).await.unwrap();
    }

    /// Changes stored events, with the log's trigger disabled.
    pub(crate) async fn tamper(&self, statements: &'static str) {
        self.sql("alter table events disable trigger events_are_final").await;
        self.sql(statements).await;
        self.sql("alter table events enable trigger events_are_final").await;
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> RunOutput {
        run(&[arguments, &["--database-url", self.database.url()]].concat()).await
    }

    pub(crate) async fn run_json(&self, arguments: &[&str]) -> RunOutput {
        self.run(&[arguments, &["--json"]].concat()).await
    }
}

async fn node(database: &TestDatabase) -> EventStore {
    let options =
        event_store::StoreOptions { max_connections: 6, ..event_store::StoreOptions::default() };
    EventStore::connect(database.url(), options).await.unwrap()
}

const BINARY: &str = env!("CARGO_BIN_EXE_replay-tool");

/// The output of the binary and its exit code.
pub(crate) struct RunOutput {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl RunOutput {
    fn new(output: Output) -> RunOutput {
        RunOutput {
            code: output.status.code().expect("no signal ended the program"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Parses every line as one JSON object.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub(crate) fn document(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.all()))
    }

    /// The findings of one check, as `position` and message.
    pub(crate) fn findings(&self, check: &str) -> Vec<(Option<i64>, String)> {
        let lines = self.lines();
        let found = lines.iter().filter(|line| line["finding"] == check);
        found
            .map(|line| (line["position"].as_i64(), line["message"].as_str().unwrap().to_owned()))
            .collect()
    }

    pub(crate) fn all(&self) -> String {
        format!("exit code {}\n{}\n{}", self.code, self.out, self.err)
    }

    pub(crate) fn expect(self, code: i32) -> RunOutput {
        assert_eq!(self.code, code, "{}", self.all());
        self
    }
}

pub(crate) async fn run(arguments: &[&str]) -> RunOutput {
    RunOutput::new(within(command(arguments).output()).await.unwrap())
}

/// The command that runs the binary with captured output.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(arguments);
    alone(command)
}

/// Runs a line of a shell in which `$TOOL` is the binary.
pub(crate) async fn shell(line: &str) -> RunOutput {
    let mut command = Command::new("sh");
    command.args(["-c", line]).env("TOOL", BINARY).stdin(Stdio::null());
    RunOutput::new(within(alone(command).output()).await.unwrap())
}

/// Removes the environment variables of the test run.
fn alone(mut command: Command) -> Command {
    for variable in ["DATABASE_URL", "CARTULARY_DATA_DIR", "RUST_LOG"] {
        command.env_remove(variable);
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(BOUND, future).await.expect("it ended within the time limit")
}

pub(crate) fn created(sku: &Sku) -> ProductEvent {
    ProductEvent::Created {
        sku: sku.clone(),
        name: text("A mug"),
        description: None,
        image_url: None,
        price: usd(1_000),
        at: at(0),
    }
}

pub(crate) fn repriced(cents: i64) -> ProductEvent {
    ProductEvent::Repriced { price: usd(cents), at: at(1) }
}

/// Units were delivered; `on_hand` is the new quantity on hand.
pub(crate) fn delivered(on_hand: i64) -> InventoryEvent {
    let (kind, reason, reference) = (AdjustmentKind::Purchase, None, None);
    InventoryEvent::Adjusted { kind, quantity: 1, reason, reference, on_hand, at: at(1) }
}

fn placed(sku: Sku) -> Placed {
    let subject = SubjectId(Uuid::from_u128(3));
    let sealed = Personal { subject, nonce: "bm9uY2U=".into(), ciphertext: "c2VhbGVk".into() };
    Placed {
        number: "10001".into(),
        cart: CART,
        buyer: Owner::Guest,
        contact: sealed.clone(),
        shipping_address: sealed,
        lines: vec![PlacedLine {
            sku,
            name: text("A mug"),
            quantity: Quantity::ONE,
            unit_price: usd(1_250),
            total: usd(1_250),
            discount: usd(0),
            tax: usd(0),
        }],
        totals: Totals {
            subtotal: usd(1_250),
            shipping: usd(0),
            shipping_tax: usd(0),
            discount: usd(0),
            tax: usd(0),
            total: usd(1_250),
        },
        tax: Default::default(),
        coupon: None,
        reserved_until: at(900),
        at: at(3),
    }
}

/// A time this many seconds after a fixed one.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

fn text(text: &str) -> Text {
    Text::new(text, Text::LONG).unwrap()
}

fn usd(cents: i64) -> Money {
    Money::new(cents, Currency::USD)
}

//! The real server under load, and the checks that nothing was lost.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use event_store::lease::{self, Lease};
use futures::future::try_join_all;
use projections::ReadModel;
use serde_json::{Value, json};

use crate::check::{CheckedLog, check_live_rows_equal_rebuilt_rows};
use crate::error::{BenchError, check};
use crate::load::{Ack, Answered, HttpConnection, Load, Pacing, SHOPPERS, Shopper, Shoppers};
use crate::load::{add_to_carts, post, skus};
use crate::sample::Sample;
use crate::servers::ServerProcess;
use crate::testbed::{Testbed, WARM_UP};

/// Whether the projections run while the shop is under load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Projections {
    Running,
    /// The benchmark holds their leases, so they do not run.
    Paused,
}

/// Number of carts whose quantities are checked after each run.
const CARTS_CHECKED: usize = 50;
const CATCH_UP_MAX: Duration = Duration::from_secs(300);
const LEASE_TTL: Duration = Duration::from_secs(3_600);

/// One or more nodes on one database.
#[derive(Debug)]
pub struct Shop {
    pub nodes: Vec<ServerProcess>,
    pub log: CheckedLog,
    pub shoppers: Arc<Shoppers>,
    pub database_url: String,
    /// Number of acknowledged units of each shopper.
    units: Vec<AtomicI64>,
    /// Held while the projections are paused.
    leases: Vec<Lease>,
}

impl Shop {
    /// Starts a shop with a catalogue and an empty cart for each shopper, and warms it up.
    pub async fn start(
        testbed: &Testbed,
        name: &str,
        projections: Projections,
    ) -> Result<Shop, BenchError> {
        let shop = Shop::bare(testbed, name, projections).await?;
        shop.open().await?;
        shop.run(WARM_UP.0, WARM_UP.1).await?;
        Ok(shop)
    }

    /// Starts a shop on an empty database.
    pub async fn bare(
        testbed: &Testbed,
        name: &str,
        projections: Projections,
    ) -> Result<Shop, BenchError> {
        let (database_url, pool) = testbed.database(name).await?;
        let mut leases = vec![];
        if projections == Projections::Paused {
            for model in ReadModel::ALL {
                leases.extend(lease::acquire(&pool, model.lease(), "bench", LEASE_TTL).await?);
            }
        }
        let mut shop = Shop {
            nodes: vec![],
            log: CheckedLog::new(pool),
            shoppers: testbed.shoppers.clone(),
            database_url,
            units: (0..SHOPPERS).map(|_| AtomicI64::new(0)).collect(),
            leases,
        };
        shop.add_node(testbed, name).await?;
        Ok(shop)
    }

    /// Starts another server on the same database.
    pub async fn add_node(&mut self, testbed: &Testbed, name: &str) -> Result<(), BenchError> {
        let directory = testbed.directory(name);
        let settings = [
            ("DATABASE_URL", self.database_url.as_str()),
            ("JWT_SECRET", testbed.secret.as_str()),
            ("CARTULARY_LISTEN", "127.0.0.1:0"),
            ("CARTULARY_NO_DEMO", "true"),
            // A long reservation, so that no order of one row expires during another.
            ("CARTULARY_RESERVATION", "24h"),
            ("CARTULARY_RESERVATION_CAP", "24h"),
            // One caller may be the whole load, so the rate limit is very high; requests are
            // counted all the same.
            ("CARTULARY_RATE_LIMIT", "1000000"),
            ("CARTULARY_RATE_BURST", "1000000"),
            ("CARTULARY_DATA_DIR", &directory.to_string_lossy()),
        ];
        self.nodes.push(ServerProcess::start("serve-shop", &settings, &directory).await?);
        Ok(())
    }

    pub async fn stop_nodes(&mut self) -> Result<(), BenchError> {
        for node in self.nodes.drain(..) {
            node.stop().await?;
        }
        Ok(())
    }

    /// A connection to the first node.
    pub async fn connect(&self) -> Result<HttpConnection, BenchError> {
        Ok(HttpConnection::open(self.nodes[0].address).await?)
    }

    /// Clients of all nodes.
    pub fn load(&self, connections: usize, pacing: Pacing) -> Load {
        let nodes: Vec<SocketAddr> = self.nodes.iter().map(|node| node.address).collect();
        Load { nodes, connections, pacing }
    }

    /// Creates the products and the carts.
    pub async fn open(&self) -> Result<(), BenchError> {
        let mut connection = self.connect().await?;
        for sku in skus() {
            self.list(&mut connection, &sku).await?;
        }
        let carts = self.shoppers.all.chunks(SHOPPERS / 20).map(|shoppers| async move {
            let mut connection = self.connect().await?;
            for shopper in shoppers {
                let create = "mutation { cartCreate(input: {}) { cart { id } } }";
                let made = ask(&mut connection, &shopper.token, create, json!({})).await?;
                let made = &made["cartCreate"]["cart"]["id"];
                let id = shopper.cart.to_string();
                check(*made == json!(id), || format!("the cart {id} was not created: {made}"))?;
            }
            Ok::<(), BenchError>(())
        });
        try_join_all(carts).await?;
        Ok(())
    }

    /// Creates a product.
    pub async fn list(&self, connection: &mut HttpConnection, sku: &str) -> Result<(), BenchError> {
        let price = json!({ "amount": "1999", "currency": "USD" });
        let input = json!({ "sku": sku, "name": "Something to sell", "price": price });
        let create = "mutation($input: ProductCreateInput!) { productCreate(input: $input) \
            { errors { message } product { sku } } }";
        let made = ask(connection, &self.shoppers.admin, create, json!({ "input": input })).await?;
        let made = &made["productCreate"]["product"]["sku"];
        check(*made == json!(sku), || format!("{sku} was not created: {made}"))
    }

    /// Adds lines to carts, and checks that the log holds what was acknowledged.
    pub async fn run(&self, connections: usize, time: Duration) -> Result<Sample, BenchError> {
        let answered = self.fill_carts(connections, Pacing::Closed(time)).await?;
        self.check_cart_acks(&answered.acks).await?;
        Ok(answered.sample())
    }

    /// Adds lines to carts. The caller checks afterwards that the log holds them.
    pub async fn fill_carts(
        &self,
        connections: usize,
        pacing: Pacing,
    ) -> Result<Answered, BenchError> {
        let shoppers = self.shoppers.clone();
        let load = self.load(connections, pacing);
        load.run(async move |client| add_to_carts(client, &shoppers).await).await
    }

    /// Checks that the log holds the acknowledged commands of the shoppers.
    pub async fn check_cart_acks(&self, acks: &[Ack]) -> Result<(), BenchError> {
        for ack in acks {
            self.units[ack.shopper].fetch_add(1, Ordering::Relaxed);
        }
        self.check_acks(acks, &self.shoppers.all).await
    }

    /// Checks that the log holds the acknowledged commands of these shoppers.
    pub async fn check_acks(&self, acks: &[Ack], shoppers: &[Shopper]) -> Result<(), BenchError> {
        let command_id = |ack: &Ack| shoppers[ack.shopper].command_id(ack.key);
        let commands: Vec<_> = acks.iter().map(|ack| (command_id(ack), ack.position)).collect();
        self.log.check_acks(&commands).await
    }

    /// Waits until every read model has reached the head of the log, and returns how long that
    /// took.
    pub async fn catch_up(&self) -> Result<Duration, BenchError> {
        let head = self.log.head().await?;
        let began = Instant::now();
        let mut connection = self.connect().await?;
        loop {
            let query = "{ projections { name position stoppedBecause } }";
            let data = ask(&mut connection, &self.shoppers.admin, query, json!({})).await?;
            let models = data["projections"].as_array().map(Vec::as_slice).unwrap_or_default();
            let stopped = models.iter().find(|model| !model["stoppedBecause"].is_null());
            check(stopped.is_none(), || format!("a projection has stopped: {stopped:?}"))?;
            let position = |model: &Value| model["position"].as_str()?.parse::<i64>().ok();
            if models.len() == ReadModel::ALL.len()
                && models.iter().all(|model| position(model).is_some_and(|at| at >= head))
            {
                return Ok(began.elapsed());
            }
            check(began.elapsed() < CATCH_UP_MAX, || {
                format!(
                    "the read models did not catch up within {} s: {models:?}",
                    CATCH_UP_MAX.as_secs()
                )
            })?;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Checks the quantities of some carts in the read model.
    pub async fn check_cart_quantities(&self) -> Result<(), BenchError> {
        let mut connection = self.connect().await?;
        for n in (0..SHOPPERS).step_by(SHOPPERS / CARTS_CHECKED) {
            let shopper = &self.shoppers.all[n];
            let query = "query($id: ID!) { cart(id: $id) { itemCount } }";
            let id = json!({ "id": shopper.cart.to_string() });
            let data = ask(&mut connection, &shopper.token, query, id).await?;
            let units = self.units[n].load(Ordering::Relaxed);
            let shown = &data["cart"]["itemCount"];
            check(*shown == json!(units), || {
                format!("the cart {} shows {shown} units, not {units}", shopper.cart)
            })?;
        }
        Ok(())
    }

    /// Lets paused projections run, and returns how many events they still have to process.
    pub async fn resume(&mut self) -> Result<i64, BenchError> {
        for lease in self.leases.drain(..) {
            lease::release(&self.log.pool, &lease).await?;
        }
        self.log.head().await
    }

    /// Checks that the read models show all that was written, and stops the nodes.
    pub async fn stop(mut self) -> Result<(), BenchError> {
        self.resume().await?;
        self.catch_up().await?;
        check_live_rows_equal_rebuilt_rows(&self.database_url).await?;
        self.log.pool.close().await;
        self.stop_nodes().await
    }
}

/// Sends a query, and returns the data of an answer without errors.
pub async fn ask(
    connection: &mut HttpConnection,
    token: &str,
    query: &str,
    variables: Value,
) -> Result<Value, BenchError> {
    let request = post(token, &json!({ "query": query, "variables": variables }));
    let answer = connection.call(request.as_bytes()).await?;
    let mut value: Value =
        serde_json::from_slice(answer).map_err(|_| BenchError::answer("no JSON", answer))?;
    match value.get("errors") {
        None => Ok(value["data"].take()),
        Some(_) => Err(BenchError::answer("errors", answer)),
    }
}

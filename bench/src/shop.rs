//! The real server under load, and the questions whose answers show that nothing was lost.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use event_store::lease::{self, Lease};
use futures::future::try_join_all;
use projections::ReadModel;
use serde_json::{Value, json};

use crate::check::{Log, live_rows_equal_rebuilt_rows};
use crate::error::{BenchError, check};
use crate::load::{Ack, Answered, Connection, Load, SHOPPERS, Shopper, Shoppers, Turns};
use crate::load::{add_to_carts, post, skus};
use crate::sample::Sample;
use crate::servers::Server;
use crate::site::{Site, WARM_UP};

/// Whether the read models are kept up to date while the shop is under load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Projections {
    Running,
    /// Somebody else holds their leases and does nothing.
    Paused,
}

/// Carts whose quantities are added up after each run.
const CARTS_CHECKED: usize = 50;
const CATCH_UP_MAX: Duration = Duration::from_secs(300);
const LEASE_TTL: Duration = Duration::from_secs(3_600);

/// One or more nodes on one database.
#[derive(Debug)]
pub struct Shop {
    pub nodes: Vec<Server>,
    pub log: Log,
    pub shoppers: Arc<Shoppers>,
    pub database_url: String,
    /// Units that each shopper was told to have added.
    units: Vec<AtomicI64>,
    /// Held while the projections are paused.
    leases: Vec<Lease>,
}

impl Shop {
    /// With a catalogue, and an empty cart for everybody; warmed up.
    pub async fn start(
        site: &Site,
        name: &str,
        projections: Projections,
    ) -> Result<Shop, BenchError> {
        let shop = Shop::bare(site, name, projections).await?;
        shop.open().await?;
        shop.run(WARM_UP.0, WARM_UP.1).await?;
        Ok(shop)
    }

    /// With an empty database.
    pub async fn bare(
        site: &Site,
        name: &str,
        projections: Projections,
    ) -> Result<Shop, BenchError> {
        let (database_url, pool) = site.database(name).await?;
        let mut leases = vec![];
        if projections == Projections::Paused {
            for model in ReadModel::ALL {
                leases.extend(lease::acquire(&pool, model.lease(), "bench", LEASE_TTL).await?);
            }
        }
        let mut shop = Shop {
            nodes: vec![],
            log: Log::new(pool),
            shoppers: site.shoppers.clone(),
            database_url,
            units: (0..SHOPPERS).map(|_| AtomicI64::new(0)).collect(),
            leases,
        };
        shop.add_node(site, name).await?;
        Ok(shop)
    }

    /// Another server on the same database.
    pub async fn add_node(&mut self, site: &Site, name: &str) -> Result<(), BenchError> {
        let directory = site.directory(name);
        let settings = [
            ("DATABASE_URL", self.database_url.as_str()),
            ("JWT_SECRET", site.secret.as_str()),
            ("CARTULARY_LISTEN", "127.0.0.1:0"),
            ("CARTULARY_NO_DEMO", "true"),
            // So that no order of one row expires in the middle of another.
            ("CARTULARY_RESERVATION", "24h"),
            ("CARTULARY_RESERVATION_CAP", "24h"),
            // One caller is sometimes all the load there is. Everybody is counted all the same.
            ("CARTULARY_RATE_LIMIT", "1000000"),
            ("CARTULARY_RATE_BURST", "1000000"),
            ("CARTULARY_DATA_DIR", &directory.to_string_lossy()),
        ];
        self.nodes.push(Server::start("serve-shop", &settings, &directory).await?);
        Ok(())
    }

    pub async fn stop_nodes(&mut self) -> Result<(), BenchError> {
        for node in self.nodes.drain(..) {
            node.stop().await?;
        }
        Ok(())
    }

    /// A connection to the first node.
    pub async fn connect(&self) -> Result<Connection, BenchError> {
        Ok(Connection::open(self.nodes[0].address).await?)
    }

    /// Clients of all nodes.
    pub fn load(&self, connections: usize, turns: Turns) -> Load {
        let nodes: Vec<SocketAddr> = self.nodes.iter().map(|node| node.address).collect();
        Load { nodes, connections, turns }
    }

    /// Makes the products and the carts.
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

    /// Makes a product.
    pub async fn list(&self, connection: &mut Connection, sku: &str) -> Result<(), BenchError> {
        let price = json!({ "amount": "1999", "currency": "USD" });
        let input = json!({ "sku": sku, "name": "Something to sell", "price": price });
        let create = "mutation($input: ProductCreateInput!) { productCreate(input: $input) \
            { errors { message } product { sku } } }";
        let made = ask(connection, &self.shoppers.admin, create, json!({ "input": input })).await?;
        let made = &made["productCreate"]["product"]["sku"];
        check(*made == json!(sku), || format!("{sku} was not created: {made}"))
    }

    /// Puts things into carts, and checks that the log holds what was acknowledged.
    pub async fn run(&self, connections: usize, time: Duration) -> Result<Sample, BenchError> {
        let answered = self.fill_carts(connections, Turns::Closed(time)).await?;
        self.carts_hold(&answered.acks).await?;
        Ok(answered.sample())
    }

    /// Puts things into carts; what was acknowledged is still to be checked.
    pub async fn fill_carts(
        &self,
        connections: usize,
        turns: Turns,
    ) -> Result<Answered, BenchError> {
        let shoppers = self.shoppers.clone();
        let load = self.load(connections, turns);
        load.run(async move |client| add_to_carts(client, &shoppers).await).await
    }

    /// Checks that the log holds what the shoppers were told that they have put into their carts.
    pub async fn carts_hold(&self, acks: &[Ack]) -> Result<(), BenchError> {
        for ack in acks {
            self.units[ack.shopper].fetch_add(1, Ordering::Relaxed);
        }
        self.hold(acks, &self.shoppers.all).await
    }

    /// Checks that the log holds what these shoppers were told to be done.
    pub async fn hold(&self, acks: &[Ack], shoppers: &[Shopper]) -> Result<(), BenchError> {
        let command_id = |ack: &Ack| shoppers[ack.shopper].command_id(ack.key);
        let commands: Vec<_> = acks.iter().map(|ack| (command_id(ack), ack.position)).collect();
        self.log.holds(&commands).await
    }

    /// Waits until every read model holds the whole log, and tells how long that took.
    pub async fn catch_up(&self) -> Result<Duration, BenchError> {
        let head = self.log.head().await?;
        let began = Instant::now();
        let mut connection = self.connect().await?;
        loop {
            let question = "{ projections { name position stoppedBecause } }";
            let told = ask(&mut connection, &self.shoppers.admin, question, json!({})).await?;
            let models = told["projections"].as_array().map(Vec::as_slice).unwrap_or_default();
            let stopped = models.iter().find(|model| !model["stoppedBecause"].is_null());
            check(stopped.is_none(), || format!("a projection has stopped: {stopped:?}"))?;
            let position = |model: &Value| model["position"].as_str()?.parse::<i64>().ok();
            if models.len() == ReadModel::ALL.len()
                && models.iter().all(|model| position(model).is_some_and(|at| at >= head))
            {
                return Ok(began.elapsed());
            }
            check(began.elapsed() < CATCH_UP_MAX, || format!("no catching up: {models:?}"))?;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What is in a sample of the carts is what was put there.
    pub async fn carts_add_up(&self) -> Result<(), BenchError> {
        let mut connection = self.connect().await?;
        for n in (0..SHOPPERS).step_by(SHOPPERS / CARTS_CHECKED) {
            let shopper = &self.shoppers.all[n];
            let question = "query($id: ID!) { cart(id: $id) { itemCount } }";
            let id = json!({ "id": shopper.cart.to_string() });
            let told = ask(&mut connection, &shopper.token, question, id).await?;
            let units = self.units[n].load(Ordering::Relaxed);
            let shown = &told["cart"]["itemCount"];
            check(*shown == json!(units), || {
                format!("the cart {} shows {shown} units, not {units}", shopper.cart)
            })?;
        }
        Ok(())
    }

    /// Lets paused projections run; tells how many events they have before them.
    pub async fn resume(&mut self) -> Result<i64, BenchError> {
        for lease in self.leases.drain(..) {
            lease::release(&self.log.pool, &lease).await?;
        }
        self.log.head().await
    }

    /// Stops the nodes, once all that was written is shown, and shown as the log has it.
    pub async fn stop(mut self) -> Result<(), BenchError> {
        self.resume().await?;
        self.catch_up().await?;
        live_rows_equal_rebuilt_rows(&self.database_url).await?;
        self.log.pool.close().await;
        self.stop_nodes().await
    }
}

/// The data of an answer without errors.
pub async fn ask(
    connection: &mut Connection,
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

//! The real server under load, and the questions whose answers show that nothing was lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use event_store::lease::{self, Lease};
use futures::future::try_join_all;
use projections::ReadModel;
use serde_json::{Value, json};

use crate::check::Log;
use crate::error::{BenchError, check};
use crate::load::{Connection, Load, SHOPPERS, Shoppers, post, skus};
use crate::sample::Sample;
use crate::servers::Server;
use crate::stage::{Stage, WARM_UP};

/// Whether the read models are kept up to date while the shop is under load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Projections {
    Running,
    /// Somebody else holds their leases and does nothing.
    Paused,
}

/// Carts whose quantities are added up after each run.
const CARTS_CHECKED: usize = 50;
const CATCH_UP_MAX: Duration = Duration::from_secs(60);
const LEASE_TTL: Duration = Duration::from_secs(3_600);

#[derive(Debug)]
pub struct Shop {
    server: Server,
    log: Log,
    shoppers: Arc<Shoppers>,
    /// Units that each shopper was told to have added.
    units: Vec<AtomicI64>,
    /// Held while the projections are paused.
    leases: Vec<Lease>,
}

impl Shop {
    /// With an empty database, a catalogue, and an empty cart for everybody.
    pub async fn start(
        stage: &Stage,
        name: &str,
        projections: Projections,
    ) -> Result<Shop, BenchError> {
        let (url, pool) = stage.database(name).await?;
        let mut leases = vec![];
        if projections == Projections::Paused {
            for model in ReadModel::ALL {
                leases.extend(lease::acquire(&pool, model.lease(), "bench", LEASE_TTL).await?);
            }
        }
        let directory = stage.directory(name);
        let settings = [
            ("DATABASE_URL", url.as_str()),
            ("JWT_SECRET", stage.secret.as_str()),
            ("CARTULARY_LISTEN", "127.0.0.1:0"),
            ("CARTULARY_NO_DEMO", "true"),
            ("CARTULARY_DATA_DIR", &directory.to_string_lossy()),
        ];
        let server = Server::start("serve-shop", &settings, &directory).await?;
        let shop = Shop {
            server,
            log: Log::new(pool),
            shoppers: stage.shoppers.clone(),
            units: (0..SHOPPERS).map(|_| AtomicI64::new(0)).collect(),
            leases,
        };
        shop.open().await?;
        shop.run(WARM_UP.0, WARM_UP.1).await?;
        Ok(shop)
    }

    /// Makes the products and the carts.
    async fn open(&self) -> Result<(), BenchError> {
        let admin = &self.shoppers.admin;
        let mut connection = Connection::open(self.server.address).await?;
        for sku in skus() {
            let price = json!({ "amount": "1999", "currency": "USD" });
            let input = json!({ "sku": sku, "name": "Something to sell", "price": price });
            let create = "mutation($input: ProductCreateInput!) { productCreate(input: $input) \
                { errors { message } product { sku } } }";
            let made = ask(&mut connection, admin, create, json!({ "input": input })).await?;
            let made = &made["productCreate"]["product"]["sku"];
            check(*made == json!(sku), || format!("{sku} was not created: {made}"))?;
        }
        let carts = self.shoppers.all.chunks(SHOPPERS / 20).map(|shoppers| async move {
            let mut connection = Connection::open(self.server.address).await?;
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

    /// Puts things into carts, and checks that the log holds what was acknowledged.
    pub async fn run(&self, connections: usize, time: Duration) -> Result<Sample, BenchError> {
        let (address, shoppers) = (self.server.address, self.shoppers.clone());
        let answered = Load { address, shoppers, connections, time }.run().await?;
        let mut acks = Vec::with_capacity(answered.acks.len());
        for ack in &answered.acks {
            self.units[ack.shopper].fetch_add(1, Ordering::Relaxed);
            acks.push((self.shoppers.all[ack.shopper].command_id(ack.key), ack.position));
        }
        self.log.holds(&acks).await?;
        Ok(answered.sample)
    }

    /// Waits until every read model holds the whole log, and tells how long that took.
    pub async fn catch_up(&self) -> Result<Duration, BenchError> {
        let head = self.log.head().await?;
        let began = Instant::now();
        let mut connection = Connection::open(self.server.address).await?;
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
        let mut connection = Connection::open(self.server.address).await?;
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
            lease::release(&self.log.pool, lease).await?;
        }
        self.log.head().await
    }

    pub async fn stop(self) -> Result<(), BenchError> {
        self.log.pool.close().await;
        self.server.stop().await
    }
}

/// The data of an answer without errors.
async fn ask(
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

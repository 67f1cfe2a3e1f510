//! A shop with stock, and buyers who order what is in their carts.

use std::collections::HashSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures::future::try_join_all;
use serde_json::json;
use uuid::Uuid;

use crate::error::{BenchError, check};
use crate::load::{
    Answered, HttpConnection, LoadClient, Pacing, Round, cart_fill, check_out, order_place,
    send_round,
};
use crate::sample::{Sample, latencies};
use crate::shop::{Projections, Shop, ask};
use crate::testbed::Testbed;

/// Number of SKUs over which the orders of a spread load are distributed.
pub const SKUS: usize = 1_000;
/// The one SKU that all buyers order in the row `hot_sku`.
pub const HOT: &str = "STOCK-HOT";
/// Units of each SKU: more than all buyers together order.
const PLENTY: i64 = 1_000_000;

/// Number of clients that fill carts; filling is not measured.
const FILLERS: usize = 64;
const ROUND_MAX: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub struct OrderShop {
    pub shop: Shop,
    /// Number of orders that were acknowledged.
    placed: AtomicI64,
}

impl OrderShop {
    /// Starts a shop with enough stock of each SKU.
    pub async fn open(
        testbed: &Testbed,
        name: &str,
        nodes: usize,
        skus: impl Iterator<Item = String>,
    ) -> Result<OrderShop, BenchError> {
        let mut shop = Shop::start(testbed, name, Projections::Running).await?;
        for node in 1..nodes {
            shop.add_node(testbed, &format!("{name}_{node}")).await?;
        }
        let order_shop = OrderShop { shop, placed: AtomicI64::new(0) };
        let opening = &order_shop;
        let skus: Vec<String> = skus.collect();
        let chunks = skus.chunks(skus.len().div_ceil(20)).map(|skus| async move {
            let mut connection = opening.shop.connect().await?;
            for sku in skus {
                opening.register(&mut connection, sku, PLENTY).await?;
            }
            Ok::<(), BenchError>(())
        });
        try_join_all(chunks).await?;
        Ok(order_shop)
    }

    /// Creates a product and registers its stock.
    async fn register(
        &self,
        connection: &mut HttpConnection,
        sku: &str,
        units: i64,
    ) -> Result<(), BenchError> {
        self.shop.list(connection, sku).await?;
        let register = "mutation($input: InventoryRegisterInput!) { \
            inventoryRegister(input: $input) { errors { message } inventoryItem { onHand } } }";
        let input = json!({ "sku": sku, "onHand": units, "idempotencyKey": Uuid::new_v4() });
        let admin = &self.shop.shoppers.admin;
        let data = ask(connection, admin, register, json!({ "input": input })).await?;
        let on_hand = &data["inventoryRegister"]["inventoryItem"]["onHand"];
        check(*on_hand == json!(units), || format!("{sku} was not registered: {data}"))
    }

    async fn restock(&self, sku: &str, units: i64) -> Result<(), BenchError> {
        let adjust = "mutation($input: InventoryAdjustInput!) { \
            inventoryAdjust(input: $input) { errors { message } inventoryItem { sku } } }";
        let input = json!({ "sku": sku, "kind": "PURCHASE", "quantity": units,
            "reference": "PO-1", "idempotencyKey": Uuid::new_v4() });
        let (mut connection, admin) = (self.shop.connect().await?, &self.shop.shoppers.admin);
        let data = ask(&mut connection, admin, adjust, json!({ "input": input })).await?;
        let adjusted = &data["inventoryAdjust"]["inventoryItem"]["sku"];
        check(*adjusted == json!(sku), || format!("{sku} was not restocked: {data}"))
    }

    /// Lets all buyers place orders, round after round, until the placing alone has taken this
    /// long.
    pub async fn run(
        &self,
        connections: usize,
        time: Duration,
        skus: impl Fn(usize) -> Vec<String>,
    ) -> Result<Sample, BenchError> {
        let everybody = self.everybody();
        let (mut elapsed, mut latency) = (Duration::ZERO, latencies());
        while elapsed < time {
            self.fill(&everybody, &skus).await?;
            let answered = self.place(&everybody, connections).await?;
            check(answered.out_of_stock == 0, || "a SKU with enough stock was refused".to_owned())?;
            elapsed += answered.elapsed;
            latency += answered.latency;
        }
        Ok(Sample::new(latency.len(), elapsed, &latency))
    }

    /// Sells a new SKU that has half as many units as buyers: exactly that many orders
    /// succeed, and the others succeed once it is restocked.
    pub async fn sell_out(&self, connections: usize) -> Result<(), BenchError> {
        let everybody = self.everybody();
        let (sku, units) = (format!("SCARCE-{}", Uuid::new_v4().simple()), everybody.len() / 2);
        self.register(&mut self.shop.connect().await?, &sku, units as i64).await?;
        self.fill(&everybody, |_| vec![sku.clone()]).await?;
        let first = self.place(&everybody, connections).await?;
        check(first.acks.len() == units && first.out_of_stock == everybody.len() - units, || {
            let (sold, refused) = (first.acks.len(), first.out_of_stock);
            format!("of {units} units {sold} were sold, and {refused} buyers refused")
        })?;
        self.restock(&sku, units as i64).await?;
        let served: HashSet<usize> = first.acks.iter().map(|ack| ack.shopper).collect();
        let others: Vec<usize> =
            everybody.into_iter().filter(|buyer| !served.contains(buyer)).collect();
        let second = self.place(&others, connections).await?;
        check(second.out_of_stock == 0, || format!("{sku} is in stock and was refused"))
    }

    fn everybody(&self) -> Vec<usize> {
        (0..self.shop.shoppers.buyers.len()).collect()
    }

    /// Adds one unit of each SKU to the carts of these buyers.
    async fn fill(
        &self,
        buyers: &[usize],
        skus: impl Fn(usize) -> Vec<String>,
    ) -> Result<(), BenchError> {
        let all = &self.shop.shoppers.buyers;
        let request = |n: usize, key| cart_fill(&all[n], &skus(n), key);
        let round = Round::new(self.shop.nodes.len(), buyers.iter().copied(), request);
        let answered = self.send(round, FILLERS).await?;
        let filled = answered.acks.len();
        check(filled == buyers.len(), || format!("only {filled} of all carts were filled"))
    }

    /// Places the orders of these buyers.
    async fn place(&self, buyers: &[usize], connections: usize) -> Result<Answered, BenchError> {
        let all = &self.shop.shoppers.buyers;
        let request = |n: usize, key| order_place(&all[n], key);
        let round = Round::new(self.shop.nodes.len(), buyers.iter().copied(), request);
        let answered = self.send(round, connections).await?;
        let all_answered = answered.acks.len() + answered.out_of_stock == buyers.len();
        check(all_answered, || "some orders were not answered in time".to_owned())?;
        self.placed.fetch_add(answered.acks.len() as i64, Ordering::Relaxed);
        Ok(answered)
    }

    async fn send(&self, round: Round, connections: usize) -> Result<Answered, BenchError> {
        let load = self.shop.load(connections, Pacing::Closed(ROUND_MAX));
        let answered = load.run(async move |client| send_round(client, &round).await).await?;
        self.shop.check_acks(&answered.acks, &self.shop.shoppers.buyers).await?;
        Ok(answered)
    }

    /// Lets buyers fill their carts, order and pay, for this long.
    pub async fn check_out(
        &self,
        connections: usize,
        time: Duration,
    ) -> Result<Sample, BenchError> {
        let shoppers = self.shop.shoppers.clone();
        let load = self.shop.load(connections, Pacing::Closed(time));
        let scenario = async move |client: &mut LoadClient| {
            let all = shoppers.buyers.iter().enumerate();
            let own: Vec<_> = all.skip(client.number).step_by(connections).collect();
            check_out(client, &own, three_skus).await
        };
        let answered = load.run(scenario).await?;
        self.shop.check_acks(&answered.acks, &self.shop.shoppers.buyers).await?;
        self.placed.fetch_add(answered.latency.len() as i64, Ordering::Relaxed);
        Ok(answered.sample())
    }

    /// Checks that the log holds exactly the acknowledged orders, and that nothing was oversold.
    pub async fn check_orders(&self) -> Result<(), BenchError> {
        self.shop.catch_up().await?;
        self.shop.log.check_stock_was_never_negative().await?;
        let orders = self.shop.log.count("order.placed").await?;
        let placed = self.placed.load(Ordering::Relaxed);
        check(orders == placed, || format!("{placed} orders were placed, the log has {orders}"))
    }
}

/// The SKUs with enough stock.
pub fn skus() -> impl Iterator<Item = String> {
    (0..SKUS).map(sku).chain([HOT.to_owned()])
}

/// The `n`-th SKU with enough stock.
pub fn sku(n: usize) -> String {
    format!("STOCK-{:03}", n % SKUS)
}

/// The SKUs in a buyer's cart; the neighbours' carts hold others.
pub fn three_skus(buyer: usize) -> Vec<String> {
    (0..3).map(|n| sku(buyer * 3 + n)).collect()
}

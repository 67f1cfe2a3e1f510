//! The bare server under the shop's load.

use std::sync::Arc;
use std::time::Duration;

use crate::check::Log;
use crate::error::BenchError;
use crate::load::{Answered, Load, Shoppers, Turns, add_to_carts};
use crate::sample::Sample;
use crate::servers::Server;
use crate::site::{Site, WARM_UP};

#[derive(Debug)]
pub struct Limit {
    pub server: Server,
    log: Log,
    shoppers: Arc<Shoppers>,
}

impl Limit {
    pub async fn start(site: &Site) -> Result<Limit, BenchError> {
        let (url, pool) = site.database("limit").await?;
        let settings = [("DATABASE_URL", url.as_str())];
        let server = Server::start("serve-limit", &settings, &site.directory("limit")).await?;
        let limit = Limit { server, log: Log::new(pool), shoppers: site.shoppers.clone() };
        limit.run(WARM_UP.0, WARM_UP.1).await?;
        Ok(limit)
    }

    pub async fn run(&self, connections: usize, time: Duration) -> Result<Sample, BenchError> {
        let answered = self.fill_carts(connections, time).await?;
        self.holds(&answered).await?;
        Ok(answered.sample())
    }

    /// What was acknowledged is still to be checked.
    pub async fn fill_carts(
        &self,
        connections: usize,
        time: Duration,
    ) -> Result<Answered, BenchError> {
        let (nodes, shoppers) = (vec![self.server.address], self.shoppers.clone());
        let load = Load { nodes, connections, turns: Turns::Closed(time) };
        load.run(async move |client| add_to_carts(client, &shoppers).await).await
    }

    pub async fn holds(&self, answered: &Answered) -> Result<(), BenchError> {
        // The limit takes a key for the command's id as it is.
        let acks: Vec<_> = answered.acks.iter().map(|ack| (ack.key, ack.position)).collect();
        self.log.holds(&acks).await
    }

    pub async fn stop(self) -> Result<(), BenchError> {
        self.log.pool.close().await;
        self.server.stop().await
    }
}

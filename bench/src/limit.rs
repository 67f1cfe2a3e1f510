//! The bare server under the shop's load.

use std::sync::Arc;
use std::time::Duration;

use crate::check::Log;
use crate::error::BenchError;
use crate::load::{Load, Shoppers};
use crate::sample::Sample;
use crate::servers::Server;
use crate::stage::{Stage, WARM_UP};

#[derive(Debug)]
pub struct Limit {
    server: Server,
    log: Log,
    shoppers: Arc<Shoppers>,
}

impl Limit {
    pub async fn start(stage: &Stage) -> Result<Limit, BenchError> {
        let (url, pool) = stage.database("limit").await?;
        let settings = [("DATABASE_URL", url.as_str())];
        let server = Server::start("serve-limit", &settings, &stage.directory("limit")).await?;
        let limit = Limit { server, log: Log::new(pool), shoppers: stage.shoppers.clone() };
        limit.run(WARM_UP.0, WARM_UP.1).await?;
        Ok(limit)
    }

    pub async fn run(&self, connections: usize, time: Duration) -> Result<Sample, BenchError> {
        let (address, shoppers) = (self.server.address, self.shoppers.clone());
        let answered = Load { address, shoppers, connections, time }.run().await?;
        // The limit takes a key for the command's id as it is.
        let acks: Vec<_> = answered.acks.iter().map(|ack| (ack.key, ack.position)).collect();
        self.log.holds(&acks).await?;
        Ok(answered.sample)
    }

    pub async fn stop(self) -> Result<(), BenchError> {
        self.log.pool.close().await;
        self.server.stop().await
    }
}

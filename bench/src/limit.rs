//! The limit of a shop: a bare server that receives the same requests (see
//! [`crate::servers::limit`]).

use std::sync::Arc;
use std::time::Duration;

use crate::check::CheckedLog;
use crate::error::BenchError;
use crate::load::{Answered, Load, Pacing, Shoppers, add_to_carts};
use crate::sample::Sample;
use crate::servers::ServerProcess;
use crate::testbed::{Testbed, WARM_UP};

#[derive(Debug)]
pub struct Limit {
    pub server: ServerProcess,
    log: CheckedLog,
    shoppers: Arc<Shoppers>,
}

impl Limit {
    pub async fn start(testbed: &Testbed) -> Result<Limit, BenchError> {
        let (url, pool) = testbed.database("limit").await?;
        let settings = [("DATABASE_URL", url.as_str())];
        let server =
            ServerProcess::start("serve-limit", &settings, &testbed.directory("limit")).await?;
        let limit =
            Limit { server, log: CheckedLog::new(pool), shoppers: testbed.shoppers.clone() };
        limit.run(WARM_UP.0, WARM_UP.1).await?;
        Ok(limit)
    }

    pub async fn run(&self, connections: usize, time: Duration) -> Result<Sample, BenchError> {
        let answered = self.fill_carts(connections, time).await?;
        self.check_acks(&answered).await?;
        Ok(answered.sample())
    }

    /// Adds lines to carts. The caller checks afterwards that the log holds them.
    pub async fn fill_carts(
        &self,
        connections: usize,
        time: Duration,
    ) -> Result<Answered, BenchError> {
        let (nodes, shoppers) = (vec![self.server.address], self.shoppers.clone());
        let load = Load { nodes, connections, pacing: Pacing::Closed(time) };
        load.run(async move |client| add_to_carts(client, &shoppers).await).await
    }

    pub async fn check_acks(&self, answered: &Answered) -> Result<(), BenchError> {
        // The bare server uses the idempotency key itself as command id.
        let acks: Vec<_> = answered.acks.iter().map(|ack| (ack.key, ack.position)).collect();
        self.log.check_acks(&acks).await
    }

    pub async fn stop(self) -> Result<(), BenchError> {
        self.log.pool.close().await;
        self.server.stop().await
    }
}

//! What the rows run on: the testbed, the servers that rows share, and the order of the runs.

use std::ops::Deref;
use std::time::Duration;

use tokio::sync::OnceCell;

use crate::error::BenchError;
use crate::limit::Limit;
use crate::order_shop::{self, OrderShop};
use crate::sample::Sample;
use crate::shop::{Projections, Shop};
use crate::testbed::{Pace, Sizes, Testbed};

/// Everything that is started once and used by many rows.
#[derive(Debug)]
pub struct SharedServers {
    testbed: Testbed,
    shop: OnceCell<Shop>,
    order_shop: OnceCell<OrderShop>,
    limit: OnceCell<Limit>,
}

impl Deref for SharedServers {
    type Target = Testbed;

    fn deref(&self) -> &Testbed {
        &self.testbed
    }
}

/// A run of a row, and the run of its limit next to it.
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    pub limit: Sample,
    pub row: Sample,
}

impl SharedServers {
    /// Opens the testbed; the servers are started by the first rows that need them.
    pub async fn new(pace: Pace, sizes: Sizes, rows: usize) -> Result<SharedServers, BenchError> {
        let testbed = Testbed::open(pace, sizes, rows).await?;
        let (shop, order_shop, limit) = Default::default();
        Ok(SharedServers { testbed, shop, order_shop, limit })
    }

    /// The shop with its projections running, started by the first row that needs it.
    pub async fn shop(&self) -> Result<&Shop, BenchError> {
        self.message("starting the shop");
        self.shop.get_or_try_init(|| Shop::start(&self.testbed, "shop", Projections::Running)).await
    }

    /// The shop in which orders are placed, started by the first row that needs it.
    pub async fn order_shop(&self) -> Result<&OrderShop, BenchError> {
        self.message("opening the shop for orders");
        self.order_shop
            .get_or_try_init(|| OrderShop::open(&self.testbed, "order_shop", 1, order_shop::skus()))
            .await
    }

    /// The bare server, started by the first row that needs it.
    pub async fn limit(&self) -> Result<&Limit, BenchError> {
        self.message("starting the limit");
        self.limit.get_or_try_init(|| Limit::start(&self.testbed)).await
    }

    /// Runs a row and its limit alternately. The order alternates too, so that neither always has
    /// the better half of a machine whose speed changes.
    pub async fn interleave(
        &self,
        name: &str,
        mut limit: impl AsyncFnMut(Duration) -> Result<Sample, BenchError>,
        mut row: impl AsyncFnMut(Duration) -> Result<Sample, BenchError>,
    ) -> Result<Vec<Pair>, BenchError> {
        self.message(name);
        let mut pairs = vec![];
        for n in 0..self.pace.runs {
            let time = self.pace.time;
            let pair = if n % 2 == 0 {
                let limit = self.run(limit(time)).await?;
                Pair { limit, row: self.run(row(time)).await? }
            } else {
                let row = self.run(row(time)).await?;
                Pair { limit: self.run(limit(time)).await?, row }
            };
            pairs.push(pair);
        }
        Ok(pairs)
    }

    /// Runs several contenders in turns, each time beginning with another one, and returns the
    /// samples of each.
    pub async fn take_turns(
        &self,
        name: &str,
        contenders: usize,
        mut run: impl AsyncFnMut(usize, Duration) -> Result<Sample, BenchError>,
    ) -> Result<Vec<Vec<Sample>>, BenchError> {
        self.message(name);
        // The progress bar already counts the row and one limit.
        self.progress.inc_length((contenders.saturating_sub(2) * self.pace.runs) as u64);
        let mut samples = vec![vec![]; contenders];
        for n in 0..self.pace.runs {
            for contender in (0..contenders).map(|k| (n + k) % contenders) {
                samples[contender].push(self.run(run(contender, self.pace.time)).await?);
            }
        }
        Ok(samples)
    }

    /// Runs a row that has no limit.
    pub async fn repeat<T>(
        &self,
        name: &str,
        mut row: impl AsyncFnMut(Duration) -> Result<T, BenchError>,
    ) -> Result<Vec<T>, BenchError> {
        self.message(name);
        let mut results = vec![];
        for _ in 0..self.pace.runs {
            results.push(self.run(row(self.pace.time)).await?);
        }
        Ok(results)
    }

    async fn run<T>(
        &self,
        run: impl Future<Output = Result<T, BenchError>>,
    ) -> Result<T, BenchError> {
        let result = run.await;
        self.progress.inc(1);
        result
    }

    /// Checks the shops, stops everything and removes it.
    pub async fn stop(self) -> Result<(), BenchError> {
        self.message("checking that live rows equal rebuilt rows");
        let order_shop = self.order_shop.into_inner().map(|order_shop| order_shop.shop);
        for shop in self.shop.into_inner().into_iter().chain(order_shop) {
            shop.stop().await?;
        }
        if let Some(limit) = self.limit.into_inner() {
            limit.stop().await?;
        }
        self.testbed.close().await
    }
}

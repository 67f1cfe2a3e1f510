//! What the rows run on: the site, the servers, and the clock of the runs.

use std::ops::Deref;
use std::time::Duration;

use tokio::sync::OnceCell;

use crate::error::BenchError;
use crate::limit::Limit;
use crate::market::{self, Market};
use crate::sample::Sample;
use crate::shop::{Projections, Shop};
use crate::site::{Pace, Site, Sizes};

/// Everything that is started once and used by many rows.
#[derive(Debug)]
pub struct Stage {
    site: Site,
    shop: OnceCell<Shop>,
    market: OnceCell<Market>,
    limit: OnceCell<Limit>,
}

impl Deref for Stage {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

/// A row's run and the limit's run next to it.
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    pub limit: Sample,
    pub row: Sample,
}

impl Stage {
    /// Opens the site; the servers are started by the first rows that need them.
    pub async fn raise(pace: Pace, sizes: Sizes, rows: usize) -> Result<Stage, BenchError> {
        let site = Site::open(pace, sizes, rows).await?;
        let (shop, market, limit) = Default::default();
        Ok(Stage { site, shop, market, limit })
    }

    /// The shop with its projections running, started by the first row that asks.
    pub async fn shop(&self) -> Result<&Shop, BenchError> {
        self.message("starting the shop");
        self.shop.get_or_try_init(|| Shop::start(&self.site, "shop", Projections::Running)).await
    }

    /// The shop in which orders are placed, opened by the first row that asks.
    pub async fn market(&self) -> Result<&Market, BenchError> {
        self.message("opening the market");
        self.market.get_or_try_init(|| Market::open(&self.site, "market", 1, market::skus())).await
    }

    /// The bare server, started by the first row that asks.
    pub async fn limit(&self) -> Result<&Limit, BenchError> {
        self.message("starting the limit");
        self.limit.get_or_try_init(|| Limit::start(&self.site)).await
    }

    /// Runs a row and its limit in turns.  Which of them goes first alternates, so that neither
    /// always has the better half of a machine that changes.
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

    /// Runs several contenders in turns, and answers with the samples of each.  Every time another
    /// one goes first, for the same reason.
    pub async fn take_turns(
        &self,
        name: &str,
        contenders: usize,
        mut run: impl AsyncFnMut(usize, Duration) -> Result<Sample, BenchError>,
    ) -> Result<Vec<Vec<Sample>>, BenchError> {
        self.message(name);
        // The row and one limit are in its length already.
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

    /// Stops everything and removes it.
    pub async fn strike(self) -> Result<(), BenchError> {
        self.message("checking that live rows equal rebuilt rows");
        let market = self.market.into_inner().map(|market| market.shop);
        for shop in self.shop.into_inner().into_iter().chain(market) {
            shop.stop().await?;
        }
        if let Some(limit) = self.limit.into_inner() {
            limit.stop().await?;
        }
        self.site.close().await
    }
}

//! `lag`: the time from the acknowledgement of a command until the read model shows it, at half of
//! the peak rate of 64 clients. `lag_drain`: how fast the projections catch up with a burst of 256
//! clients; compared with how fast the burst was written.

use std::time::{Duration, Instant};

use projections::ReadModel;

use crate::error::{BenchError, check};
use crate::load::{Pacing, add_and_look};
use crate::report::ReportLine;
use crate::sample::Spread;
use crate::shared_servers::SharedServers;
use crate::shop::Shop;

const CLIENTS: usize = 64;
const BURST_CLIENTS: usize = 256;
/// The share of the peak rate.
const SHARE: f64 = 0.5;
/// The burst must end before this: a projection waits for a lock for ten seconds, then fails.
const BURST_MAX: Duration = Duration::from_secs(7);
const DRAINED_WITHIN: Duration = Duration::from_secs(120);

pub async fn run(shared: &SharedServers) -> Result<Vec<ReportLine>, BenchError> {
    let shop = shared.shop().await?;
    let peak = shop.run(CLIENTS, shared.pace.time).await?.per_second;
    let per_second = peak * SHARE;
    let samples = shared
        .repeat("lag", async |time| {
            let shoppers = shop.shoppers.clone();
            let answered = shop
                .load(CLIENTS, Pacing::Open { per_second, time })
                .run(async move |client| add_and_look(client, &shoppers).await)
                .await?;
            shop.check_cart_acks(&answered.acks).await?;
            Ok(answered.sample())
        })
        .await?;
    let p99s: Vec<_> = samples.iter().filter_map(|sample| sample.p99_ms).collect();
    let conditions = format!(
        "p99; open loop, {per_second:.0} commands/s, half of the peak; from the acknowledgement to the \
         answer of cart(minPosition), round trip included"
    );
    let mut line = ReportLine::of(("lag".to_owned(), conditions), "ms", samples.iter());
    if let (Some(line), Some(p99s)) = (&mut line, Spread::of(p99s)) {
        line.value = p99s;
    }
    Ok(line.into_iter().collect())
}

pub async fn run_drain(shared: &SharedServers) -> Result<Vec<ReportLine>, BenchError> {
    let shop = shared.shop().await?;
    let drains = shared.repeat("lag_drain", async |time| drain(shop, time).await).await?;
    let (written, drained): (Vec<f64>, Vec<f64>) = drains.into_iter().unzip();
    let unit = "events/s";
    let limit =
        ("limit_lag_drain", format!("written by {BURST_CLIENTS} clients, projections held up"));
    let row = ("lag_drain", "then shown by all projections, nothing else being done".to_owned());
    let limit = ReportLine::of_figures(limit, unit, &written, None);
    let row = ReportLine::of_figures(row, unit, &drained, Some(&written));
    Ok(limit.into_iter().chain(row).collect())
}

/// Measures how many events a second were written while no checkpoint could move, and then
/// projected.
async fn drain(shop: &Shop, time: Duration) -> Result<(f64, f64), BenchError> {
    shop.catch_up().await?;
    let pool = &shop.log.pool;
    let before = shop.log.head().await?;
    let mut hold = pool.begin().await?;
    sqlx::query("lock table leases in exclusive mode").execute(&mut *hold).await?;
    let answered = shop.fill_carts(BURST_CLIENTS, Pacing::Closed(time.min(BURST_MAX))).await?;
    let head = shop.log.head().await?;
    let events = (head - before) as f64;
    hold.commit().await?;

    let began = Instant::now();
    let names: Vec<&str> = ReadModel::ALL.iter().map(|model| model.lease()).collect();
    let slowest = "select min(position) from leases where name = any($1)";
    while sqlx::query_scalar::<_, i64>(slowest).bind(&names).fetch_one(pool).await? < head {
        check(began.elapsed() < DRAINED_WITHIN, || {
            format!("the projections did not catch up within {} s", DRAINED_WITHIN.as_secs())
        })?;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let drained = events / began.elapsed().as_secs_f64();
    shop.check_cart_acks(&answered.acks).await?;
    Ok((events / answered.elapsed.as_secs_f64(), drained))
}

//! `lag`: how long an acknowledged command takes to be shown by the read model, at half of the peak of
//! 64 clients; and `lag_drain`: how fast the projections catch up with a burst of 256 clients, beside
//! how fast it was written.

use std::time::{Duration, Instant};

use projections::ReadModel;

use crate::error::{BenchError, check};
use crate::load::{Turns, add_and_look};
use crate::report::Line;
use crate::sample::Spread;
use crate::shop::Shop;
use crate::stage::Stage;

const CLIENTS: usize = 64;
const BURST_CLIENTS: usize = 256;
/// Of the peak.
const SHARE: f64 = 0.5;
/// Postgres lets a projection wait for a lock for ten seconds.
const BURST_MAX: Duration = Duration::from_secs(7);
const DRAINED_WITHIN: Duration = Duration::from_secs(120);

pub async fn run(stage: &Stage) -> Result<Vec<Line>, BenchError> {
    let shop = stage.shop().await?;
    let peak = shop.run(CLIENTS, stage.pace.time).await?.per_second;
    let per_second = peak * SHARE;
    let samples = stage
        .repeat("lag", async |time| {
            let shoppers = shop.shoppers.clone();
            let answered = shop
                .load(CLIENTS, Turns::Open { per_second, time })
                .run(async move |client| add_and_look(client, &shoppers).await)
                .await?;
            shop.carts_hold(&answered.acks).await?;
            Ok(answered.sample())
        })
        .await?;
    let p99s: Vec<_> = samples.iter().filter_map(|sample| sample.p99_ms).collect();
    let conditions = format!(
        "p99; open loop, {per_second:.0} commands/s, half of the peak; from the acknowledgement to the \
         answer of cart(minPosition), round trip included"
    );
    let mut line = Line::of(("lag".to_owned(), conditions), "ms", samples.iter());
    if let (Some(line), Some(p99s)) = (&mut line, Spread::of(p99s)) {
        line.value = p99s;
    }
    Ok(line.into_iter().collect())
}

pub async fn run_drain(stage: &Stage) -> Result<Vec<Line>, BenchError> {
    let shop = stage.shop().await?;
    let drains = stage.repeat("lag_drain", async |time| drain(shop, time).await).await?;
    let (written, drained): (Vec<f64>, Vec<f64>) = drains.into_iter().unzip();
    let unit = "events/s";
    let limit =
        ("limit_lag_drain", format!("written by {BURST_CLIENTS} clients, projections held up"));
    let row = ("lag_drain", "then shown by all projections, nothing else being done".to_owned());
    let limit = Line::of_figures(limit, unit, &written, None);
    let row = Line::of_figures(row, unit, &drained, Some(&written));
    Ok(limit.into_iter().chain(row).collect())
}

/// How many events a second were written while no checkpoint could move, and were shown afterwards.
async fn drain(shop: &Shop, time: Duration) -> Result<(f64, f64), BenchError> {
    shop.catch_up().await?;
    let pool = &shop.log.pool;
    let before = shop.log.head().await?;
    let mut hold = pool.begin().await?;
    sqlx::query("lock table leases in exclusive mode").execute(&mut *hold).await?;
    let answered = shop.fill_carts(BURST_CLIENTS, Turns::Closed(time.min(BURST_MAX))).await?;
    let head = shop.log.head().await?;
    let events = (head - before) as f64;
    hold.commit().await?;

    let began = Instant::now();
    let names: Vec<&str> = ReadModel::ALL.iter().map(|model| model.lease()).collect();
    let slowest = "select min(position) from leases where name = any($1)";
    while sqlx::query_scalar::<_, i64>(slowest).bind(&names).fetch_one(pool).await? < head {
        check(began.elapsed() < DRAINED_WITHIN, || "the projections do not catch up".to_owned())?;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let drained = events / began.elapsed().as_secs_f64();
    shop.carts_hold(&answered.acks).await?;
    Ok((events / answered.elapsed.as_secs_f64(), drained))
}

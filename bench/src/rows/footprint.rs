//! `footprint_idle` and `footprint`: resident memory of the server, just started and under 256
//! clients.

use crate::error::BenchError;
use crate::process::memory;
use crate::report::ReportLine;
use crate::shared_servers::SharedServers;
use crate::shop::{Projections, Shop};
use crate::testbed::WARM_UP;

const CLIENTS: usize = 256;

pub async fn run(shared: &SharedServers) -> Result<Vec<ReportLine>, BenchError> {
    shared.message("starting a shop of its own");
    let shop = Shop::bare(shared, "footprint", Projections::Running).await?;
    shop.catch_up().await?;
    let pid = shop.nodes[0].pid().unwrap_or_default();
    let idle = memory(pid)?.now;
    shop.open().await?;
    shop.run(WARM_UP.0, WARM_UP.1).await?;
    let mut commands = 0.0;
    let peaks = shared
        .repeat("footprint", async |time| {
            let sample = shop.run(CLIENTS, time).await?;
            commands += sample.per_second * time.as_secs_f64();
            Ok(memory(pid)?.peak)
        })
        .await?;
    let after = memory(pid)?.now;
    shop.check_cart_quantities().await?;
    shop.stop().await?;
    let conditions = format!(
        "the most it ever was, with {CLIENTS} connections and all projections; {after:.0} after \
         {commands:.0} commands"
    );
    let idle = ReportLine::of_figures(
        ("footprint_idle", "resident, started on an empty database".to_owned()),
        "MB",
        &[idle],
        None,
    );
    let peak = ReportLine::of_figures(("footprint", conditions), "MB", &peaks, None);
    Ok(idle.into_iter().chain(peak).collect())
}

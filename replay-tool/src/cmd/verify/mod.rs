//! `verify`: the log, every stream and every read model, checked from end to end.
//!
//! The log checks read keyset pages up to the head as it was when the run began. Positions become
//! visible in order, so everything up to there is there to be seen, and what is appended meanwhile
//! is left to the next run; no long snapshot holds up vacuum under a running shop. Memory is that
//! of a few pages, whatever the length of the log.

mod commands;
mod finding;
mod guards;
mod log;
mod read_models;
mod streams;

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;

use self::finding::{Check, Findings};
use self::read_models::Compared;
use crate::cli::Verdict;
use crate::database::Database;
use crate::error::Error;
use crate::output::Output;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The most findings that are printed of each check; all are counted.
    #[arg(long, value_name = "N", default_value_t = 20)]
    show: u64,
}

/// The last line: what was checked, and how it came out.
#[derive(Debug, Serialize)]
struct Summary {
    is_well: bool,
    /// The position up to which the log was checked.
    head: i64,
    events: i64,
    streams: i64,
    read_models: Vec<Compared>,
    /// By check; none of those without a finding.
    findings: BTreeMap<Check, u64>,
    seconds: f64,
}

pub(crate) async fn run(
    database: &Database,
    options: &Options,
    output: &Output,
) -> Result<Verdict, Error> {
    let began = Instant::now();
    let store = database.store().await?;
    let mut reader = database.reader().await?;
    let head = store.head().await?;

    let mut findings = Findings::new(*output, options.show);
    guards::check(&mut reader, &mut findings).await?;
    let events = log::check(&mut reader, head, &mut findings).await?;
    commands::check(&mut reader, &mut findings).await?;
    let streams = streams::check(reader, head, events, &mut findings).await?;
    let read_models = read_models::check(&store, &mut findings).await?;
    store.shutdown().await;

    let findings = findings.into_counts();
    let is_well = findings.is_empty();
    let seconds = began.elapsed().as_secs_f64();
    output.show(&Summary { is_well, head, events, streams, read_models, findings, seconds })?;
    Ok(if is_well { Verdict::Well } else { Verdict::Wrong })
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { head, events, streams, read_models, findings, .. } = self;
        let took = Duration::from_secs_f64(self.seconds);
        writeln!(
            f,
            "checked {events} events in {streams} streams up to position {head}, and \
             {} read models, in {:.1} s",
            read_models.len(),
            took.as_secs_f64()
        )?;
        for model in read_models {
            writeln!(f, "    {model}")?;
        }
        if findings.is_empty() {
            return write!(f, "nothing is wrong");
        }
        write!(f, "{} FINDINGS:", findings.values().sum::<u64>())?;
        findings.iter().try_for_each(|(check, count)| write!(f, " {check} {count}"))
    }
}

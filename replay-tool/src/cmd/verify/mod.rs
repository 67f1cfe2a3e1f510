//! `verify`: checks the log, every stream and every read model from end to end.
//!
//! The log is read in pages by key, up to its head at the start of the run. Positions become
//! visible in order, so all events up to the head are visible; events that are appended meanwhile
//! are checked by the next run. No transaction takes long, so vacuum is not held up in a running
//! shop. Only a few pages are in memory, however long the log is.

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
use sqlx::PgConnection;

use self::finding::{CheckName, Findings};
use self::read_models::ComparedModel;
use crate::database::Database;
use crate::error::Error;
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::verdict::Verdict;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many findings of each check are printed at most; all are counted.
    #[arg(long, value_name = "N", default_value_t = 20)]
    show: u64,
}

/// The last line of output: what was checked, and the result.
#[derive(Debug, Serialize)]
struct Summary {
    is_well: bool,
    /// The position up to which the log was checked.
    head: i64,
    events: i64,
    streams: i64,
    read_models: Vec<ComparedModel>,
    /// The number of findings of each check; checks without findings are left out.
    findings: BTreeMap<CheckName, u64>,
    seconds: f64,
}

pub(crate) async fn run(
    database: &Database,
    options: &Options,
    output: &Output,
    interrupt: &Interrupt,
) -> Result<Verdict, Error> {
    let began = Instant::now();
    let store = database.store().await?;
    let reader = database.reader().await?;
    let head = store.head().await?;

    let mut findings = Findings::new(*output, options.show);
    let (events, streams) = interrupt.or(check_log(reader, head, &mut findings)).await?;
    let read_models = read_models::check(&store, &mut findings, interrupt).await?;
    store.shutdown().await;

    let findings = findings.into_counts();
    let is_well = findings.is_empty();
    let seconds = began.elapsed().as_secs_f64();
    output.show(&Summary { is_well, head, events, streams, read_models, findings, seconds })?;
    Ok(if is_well { Verdict::Ok } else { Verdict::Failed })
}

/// Returns the numbers of events and streams.
async fn check_log(
    mut reader: PgConnection,
    head: i64,
    findings: &mut Findings,
) -> Result<(i64, i64), Error> {
    guards::check(&mut reader, findings).await?;
    let events = log::check(&mut reader, head, findings).await?;
    commands::check(&mut reader, findings).await?;
    let streams = streams::check(reader, head, events, findings).await?;
    Ok((events, streams))
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

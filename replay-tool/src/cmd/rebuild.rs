//! `rebuild`: rebuilds read models from the log, compares them with the live ones, and replaces the
//! live ones.

use std::fmt;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgGroup, Args};
use event_store::{EventStore, StoreError};
use projections::ReadModel;
use projections::rebuild::{
    Comparison, Difference, DifferenceKind, ReadProgress, RebuildError, RebuildMode, RebuildReport,
    Results, rebuild_all_until,
};
use serde::Serialize;

use crate::database::Database;
use crate::error::{Error, Interrupted};
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::progress::ProgressLine;
use crate::verdict::Verdict;

#[derive(Debug, Args)]
#[group(skip)]
#[command(group(ArgGroup::new("models").args(["name", "all"]).required(true)))]
pub(crate) struct Options {
    /// The read model to rebuild.
    #[arg(
        value_parser = PossibleValuesParser::new(ReadModel::ALL.map(ReadModel::name))
            .try_map(|name| name.parse::<ReadModel>())
    )]
    name: Option<ReadModel>,
    /// Rebuild all read models; the log is read only once.
    #[arg(long)]
    all: bool,
    /// Compare the rebuilt rows with the live ones and change nothing.
    #[arg(long)]
    verify_only: bool,
    /// Keep the old table in a schema of its own, which is printed.
    #[arg(long, conflicts_with = "verify_only")]
    keep_old: bool,
}

impl Options {
    fn mode(&self) -> RebuildMode {
        match (self.verify_only, self.keep_old) {
            (true, _) => RebuildMode::Verify,
            (false, true) => RebuildMode::ReplaceAndKeep,
            (false, false) => RebuildMode::Replace,
        }
    }
}

/// A read model that was rebuilt.
#[derive(Debug, Serialize)]
struct Rebuilt {
    model: &'static str,
    position: i64,
    rows: i64,
    seconds: f64,
    events_per_second: f64,
    compared: Option<Compared>,
    replaced: bool,
    kept_as: Option<String>,
}

/// A read model that was not rebuilt, because the log cannot be folded.
#[derive(Debug, Serialize)]
struct Failed {
    model: &'static str,
    error: String,
}

#[derive(Debug, Serialize)]
struct Compared {
    position: i64,
    different: i64,
    /// The first hundred differing rows.
    differences: Vec<Differing>,
}

#[derive(Debug, Serialize)]
struct Differing {
    key: String,
    how: &'static str,
}

pub(crate) async fn run(
    database: &Database,
    options: Options,
    output: &Output,
    interrupt: &Interrupt,
) -> Result<Verdict, Error> {
    let store = database.store().await?;
    let models = options.name.map_or(ReadModel::ALL.to_vec(), |name| vec![name]);
    let mode = options.mode();
    let (mut verdict, mut failed, mut interrupted) = (Verdict::Ok, None, vec![]);
    for (model, result) in rebuild_with_progress(&store, &models, mode, interrupt).await {
        match result {
            Ok(report) => {
                // If the table was replaced, its differences are repaired; otherwise they are still
                // there.
                if mode == RebuildMode::Verify && !report.is_clean() {
                    verdict = Verdict::Failed;
                }
                output.show(&Rebuilt::from(report))?;
            }
            Err(RebuildError::Interrupted) => interrupted.push(model.name()),
            Err(source) if is_error_of_log(&source) => {
                verdict = Verdict::Failed;
                output.show(&Failed { model: model.name(), error: source.to_string() })?;
            }
            // The other read models are still rebuilt, and each has its line.
            Err(source) => failed = failed.or(Some(Error::Rebuild { model, source })),
        }
    }
    store.shutdown().await;
    if let Some(error) = failed {
        return Err(error);
    }
    match interrupted.len() {
        0 => Ok(verdict),
        kept => {
            let kept = if kept == models.len() { None } else { Some(interrupted) };
            Err(Error::RebuildInterrupted(Interrupted { mode, kept }))
        }
    }
}

/// Rebuilds the read models, and returns the result of each, in the order given. Ctrl-C interrupts
/// those whose tables are not replaced yet.
pub(crate) async fn rebuild_with_progress(
    store: &EventStore,
    models: &[ReadModel],
    mode: RebuildMode,
    interrupt: &Interrupt,
) -> Results {
    let doing = if mode == RebuildMode::Verify { "verifying" } else { "rebuilding" };
    let progress = ProgressLine::new(&match models {
        [model] => format!("{doing} {model}"),
        _ => format!("{doing} {} read models", models.len()),
    });
    let show = |read: ReadProgress| {
        progress.set(read.position, read.target);
        if read.position >= read.target {
            progress.finish_with("building indexes and comparing rows");
        }
    };
    rebuild_all_until(store, models, mode, show, interrupt.pressed()).await
}

/// Whether the error is about the log, and not about the database or another process. Then other
/// read models may still be rebuilt.
pub(crate) fn is_error_of_log(error: &RebuildError) -> bool {
    match error {
        RebuildError::LogTooShort(_) | RebuildError::Poison { .. } => true,
        RebuildError::Store(error) => matches!(
            error,
            StoreError::Hole { .. }
                | StoreError::StreamHole { .. }
                | StoreError::LogWentBack { .. }
                | StoreError::Upcast { .. }
        ),
        RebuildError::Busy(_) | RebuildError::Interrupted | RebuildError::Database(_) => false,
    }
}

impl From<RebuildReport> for Rebuilt {
    fn from(report: RebuildReport) -> Rebuilt {
        let seconds = report.took.as_secs_f64();
        Rebuilt {
            model: report.model.name(),
            position: report.position,
            rows: report.rows,
            seconds,
            events_per_second: report.position as f64 / seconds.max(f64::EPSILON),
            compared: report.compared.map(Compared::new),
            replaced: report.replaced,
            kept_as: report.kept_as,
        }
    }
}

impl Compared {
    fn new(comparison: Comparison) -> Compared {
        let Comparison { position, different, differences } = comparison;
        let differences = differences.into_iter().map(Differing::from).collect();
        Compared { position, different, differences }
    }
}

impl From<Difference> for Differing {
    fn from(Difference { key, kind }: Difference) -> Differing {
        let how = match kind {
            DifferenceKind::Missing => "missing",
            DifferenceKind::Surplus => "surplus",
            DifferenceKind::Changed => "changed",
        };
        Differing { key, how }
    }
}

impl fmt::Display for Rebuilt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rebuilt { model, position, rows, seconds, events_per_second, .. } = self;
        write!(
            f,
            "{model}: {rows} rows from {position} events in {seconds:.1} s \
             ({events_per_second:.0} events/s)"
        )?;
        match &self.compared {
            None => write!(f, "\n    there were no live rows of this version to compare with")?,
            Some(compared) => write!(f, "\n    {compared}")?,
        }
        match (self.replaced, &self.kept_as) {
            (false, _) => Ok(()),
            (true, None) => write!(f, "\n    the new table is the live one"),
            (true, Some(old)) => {
                write!(f, "\n    the new table is the live one; the old one is {old}")
            }
        }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: NOT REBUILT: {}", self.model, self.error)
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.different == 0 {
            return write!(f, "the live rows at position {} were the same", self.position);
        }
        write!(f, "{} rows differed at position {}:", self.different, self.position)?;
        self.differences
            .iter()
            .try_for_each(|one| write!(f, "\n        {} {}", one.how, one.key))?;
        match self.different - self.differences.len() as i64 {
            0 => Ok(()),
            more => write!(f, "\n        and {more} more"),
        }
    }
}

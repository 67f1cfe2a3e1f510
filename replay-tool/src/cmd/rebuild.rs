//! `rebuild`: a read model made anew from the log, compared with the live one, and put in its place.

use std::fmt;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use event_store::{EventStore, StoreError};
use projections::ReadModel;
use projections::rebuild::{Comparison, Difference, Kind, Mode, RebuildError, Report, rebuild_all};
use serde::Serialize;

use crate::cli::Verdict;
use crate::database::Database;
use crate::error::Error;
use crate::output::Output;
use crate::progress::Progress;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The read model.
    #[arg(
        required_unless_present = "all",
        value_parser = PossibleValuesParser::new(ReadModel::ALL.map(ReadModel::name))
            .try_map(|name| name.parse::<ReadModel>())
    )]
    name: Option<ReadModel>,
    /// All read models, from one reading of the log.
    #[arg(long, conflicts_with = "name")]
    all: bool,
    /// Compare the new rows with the live ones, and change nothing.
    #[arg(long)]
    verify_only: bool,
    /// Keep the old table, for a way back.
    #[arg(long, conflicts_with = "verify_only")]
    keep_old: bool,
}

impl Options {
    fn mode(&self) -> Mode {
        match (self.verify_only, self.keep_old) {
            (true, _) => Mode::Verify,
            (false, true) => Mode::ReplaceAndKeep,
            (false, false) => Mode::Replace,
        }
    }
}

/// What became of one read model.
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

/// A read model that stays as it was, as the log cannot be folded.
#[derive(Debug, Serialize)]
struct Failed {
    model: &'static str,
    error: String,
}

#[derive(Debug, Serialize)]
struct Compared {
    position: i64,
    different: i64,
    /// The first hundred.
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
) -> Result<Verdict, Error> {
    let store = database.store().await?;
    let models = options.name.map_or(ReadModel::ALL.to_vec(), |name| vec![name]);
    let mode = options.mode();
    let (mut verdict, mut failed) = (Verdict::Well, None);
    for (model, rebuilt) in with_progress(&store, &models, mode).await {
        match rebuilt {
            Ok(report) => {
                // What was found and replaced is mended; what was only compared is still wrong.
                if mode == Mode::Verify && !report.is_clean() {
                    verdict = Verdict::Wrong;
                }
                output.show(&Rebuilt::from(report))?;
            }
            Err(source) if is_of_the_log(&source) => {
                verdict = Verdict::Wrong;
                output.show(&Failed { model: model.name(), error: source.to_string() })?;
            }
            // The others are rebuilt all the same, and that is worth a line each.
            Err(source) => failed = failed.or(Some(Error::Rebuild { model, source })),
        }
    }
    store.shutdown().await;
    failed.map_or(Ok(verdict), Err)
}

/// Each of the read models, in the order given.
pub(crate) async fn with_progress(
    store: &EventStore,
    models: &[ReadModel],
    mode: Mode,
) -> Vec<(ReadModel, Result<Report, RebuildError>)> {
    let what = match models {
        [model] => format!("rebuilding {model}"),
        _ => format!("rebuilding {}", models.len()),
    };
    let progress = Progress::of(&what, 0);
    rebuild_all(store, models, mode, |step| progress.at_of(step.position, step.target)).await
}

/// The log is at fault, rather than the database or somebody who got there first: other read models
/// may do better.
pub(crate) fn is_of_the_log(error: &RebuildError) -> bool {
    match error {
        RebuildError::LogTooShort(_) | RebuildError::Poison { .. } => true,
        RebuildError::Store(error) => matches!(
            error,
            StoreError::Hole { .. }
                | StoreError::StreamHole { .. }
                | StoreError::LogWentBack { .. }
                | StoreError::Upcast { .. }
        ),
        RebuildError::Busy(_) | RebuildError::Database(_) => false,
    }
}

impl From<Report> for Rebuilt {
    fn from(report: Report) -> Rebuilt {
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
            Kind::Missing => "missing",
            Kind::Surplus => "surplus",
            Kind::Changed => "changed",
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
            None => write!(f, "\n    there were no live rows to compare with")?,
            Some(compared) => write!(f, "\n    {compared}")?,
        }
        match (self.replaced, &self.kept_as) {
            (false, _) => Ok(()),
            (true, None) => write!(f, "\n    the new table is the live one"),
            (true, Some(old)) => write!(f, "\n    the new table is the live one; the old is {old}"),
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

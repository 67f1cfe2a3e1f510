//! Compares live rows with rows that are rebuilt from the log, for each read model.

use std::fmt;

use event_store::EventStore;
use projections::rebuild::{Comparison, RebuildError, RebuildMode, RebuildReport};
use projections::{ReadModel, ReadModels};
use serde::Serialize;

use super::finding::{CheckName, Finding, Findings};
use crate::cmd::rebuild::{is_error_of_log, rebuild_with_progress};
use crate::error::Error;
use crate::interrupt::Interrupt;
use crate::progress::ProgressLine;

/// The result of the comparison of one read model.
#[derive(Debug, Serialize)]
pub(super) struct ComparedModel {
    model: &'static str,
    /// The number of rebuilt rows. None if the read model could not be rebuilt.
    rows: Option<i64>,
    /// The position at which live and rebuilt rows were compared. None if they were not.
    position: Option<i64>,
    different: i64,
}

pub(super) async fn check(
    store: &EventStore,
    findings: &mut Findings,
    interrupt: &Interrupt,
) -> Result<Vec<ComparedModel>, Error> {
    report_stopped(store, findings).await?;
    let mut all = Vec::with_capacity(ReadModel::ALL.len());
    let results =
        rebuild_with_progress(store, &ReadModel::ALL, RebuildMode::Verify, interrupt).await;
    for (model, result) in results {
        all.push(compared(model, result, findings)?);
    }
    Ok(all)
}

/// Reports halted projections. Their rows agree with the log up to the position at which they
/// halted, so the comparison does not find them.
async fn report_stopped(store: &EventStore, findings: &mut Findings) -> Result<(), Error> {
    let progress = ProgressLine::hidden();
    for status in ReadModels::new(store.pool().clone()).status().await? {
        if let Some(reason) = status.stopped_because {
            let message = format!("it has stopped: {reason}");
            let finding = Finding::new(CheckName::Projection, message).at(status.position);
            findings.add(&progress, &finding.in_model(status.model))?;
        }
    }
    Ok(())
}

fn compared(
    model: ReadModel,
    result: Result<RebuildReport, RebuildError>,
    findings: &mut Findings,
) -> Result<ComparedModel, Error> {
    let (rows, compared) = match result {
        Ok(report) => (Some(report.rows), report.compared),
        Err(RebuildError::Interrupted) => return Err(Error::Interrupted),
        Err(source) if is_error_of_log(&source) => {
            let progress = ProgressLine::hidden();
            let message = format!("it cannot be rebuilt: {source}");
            findings
                .add(&progress, &Finding::new(CheckName::ReadModel, message).in_model(model))?;
            (None, None)
        }
        Err(source) => return Err(Error::Rebuild { model, source }),
    };
    let different = compared.as_ref().map_or(0, |compared| compared.different);
    let position = compared.as_ref().map(|compared| compared.position);
    if let Some(compared) = compared {
        report_differences(model, compared, findings)?;
    }
    Ok(ComparedModel { model: model.name(), rows, position, different })
}

fn report_differences(
    model: ReadModel,
    compared: Comparison,
    findings: &mut Findings,
) -> Result<(), Error> {
    let progress = ProgressLine::hidden();
    let listed = compared.differences.len() as u64;
    for difference in compared.differences {
        let finding = Finding::new(CheckName::ReadModel, difference.to_string()).in_model(model);
        findings.add(&progress, &finding)?;
    }
    findings.count_more(CheckName::ReadModel, compared.different.unsigned_abs() - listed);
    Ok(())
}

impl fmt::Display for ComparedModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<10} ", self.model)?;
        match (self.rows, self.position) {
            (None, _) => write!(f, "cannot be rebuilt"),
            (Some(rows), None) => {
                write!(f, "{rows} rows; there are no live rows of this version to compare")
            }
            (Some(rows), Some(position)) => {
                let different = self.different;
                write!(f, "{rows} rows at position {position}, {different} different")
            }
        }
    }
}

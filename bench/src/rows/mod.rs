//! The rows, one a file.  A new one is a file, a name in [`Row`] and an arm in [`Row::run`].

mod append;
mod cold_load;
mod command;
mod command_paused;
mod growth;
mod limit_append;
pub mod rebuild;
mod store_command;

use clap::ValueEnum;

use crate::error::BenchError;
use crate::report::Line;
use crate::stage::Stage;

/// What can be measured; each brings the lines of its limit along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Row {
    #[value(name = "append")]
    Append,
    #[value(name = "command_1")]
    Command1,
    #[value(name = "command_64")]
    Command64,
    #[value(name = "command_256")]
    Command256,
    #[value(name = "command_64_paused")]
    Command64Paused,
    #[value(name = "store_command")]
    StoreCommand,
    #[value(name = "rebuild")]
    Rebuild,
    #[value(name = "rebuild_audit")]
    RebuildAudit,
    #[value(name = "cold_load")]
    ColdLoad,
    #[value(name = "growth")]
    Growth,
}

impl Row {
    pub async fn run(self, stage: &Stage) -> Result<Vec<Line>, BenchError> {
        match self {
            Row::Append => append::run(stage).await,
            Row::Command1 => command::run(stage, 1).await,
            Row::Command64 => command::run(stage, 64).await,
            Row::Command256 => command::run(stage, 256).await,
            Row::Command64Paused => command_paused::run(stage, 64).await,
            Row::StoreCommand => store_command::run(stage).await,
            Row::Rebuild => rebuild::run(stage).await,
            Row::RebuildAudit => rebuild::run_audit(stage).await,
            Row::ColdLoad => cold_load::run(stage).await,
            Row::Growth => growth::run(stage).await,
        }
    }
}

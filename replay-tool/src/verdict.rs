//! The verdict of a command, which its exit code reports.

use std::process::ExitCode;

/// The result of a command that could be executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Ok,
    Failed,
}

impl Verdict {
    pub(crate) fn exit_code(self) -> ExitCode {
        match self {
            Verdict::Ok => ExitCode::SUCCESS,
            Verdict::Failed => ExitCode::from(1),
        }
    }
}

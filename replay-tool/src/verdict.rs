//! What a command found, as the exit code says it.

use std::process::ExitCode;

/// What a command found that could be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Well,
    Wrong,
}

impl Verdict {
    pub(crate) fn exit_code(self) -> ExitCode {
        match self {
            Verdict::Well => ExitCode::SUCCESS,
            Verdict::Wrong => ExitCode::from(1),
        }
    }
}

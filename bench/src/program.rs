//! Runs other programs to their end.

use tokio::process::Command;

use crate::error::BenchError;

/// Number of output lines that are shown when a program fails.
const LINES_SHOWN: usize = 10;

/// Runs a program, and returns what it printed if it succeeded. It is killed if this process ends.
pub async fn output_of(name: &str, program: &mut Command) -> Result<Vec<u8>, BenchError> {
    let output = program.kill_on_drop(true).output().await?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let output = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = output.lines().collect();
    let output = lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n");
    Err(BenchError::Program { name: name.to_owned(), output })
}

//! Other programs, run to their end.

use tokio::process::Command;

use crate::error::BenchError;

/// Lines of what a program said that are shown when it fails.
const SAID: usize = 10;

/// What a program has printed that ended well; it ends with us in any case.
pub async fn printed(name: &str, program: &mut Command) -> Result<Vec<u8>, BenchError> {
    let output = program.kill_on_drop(true).output().await?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = said.lines().collect();
    let said = lines[lines.len().saturating_sub(SAID)..].join("\n");
    Err(BenchError::Program { name: name.to_owned(), said })
}

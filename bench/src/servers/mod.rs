//! The measured servers: this program, started again as a process of its own.

pub mod limit;
mod limit_query;
pub mod shop;

use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::error::BenchError;

const START_MAX: Duration = Duration::from_secs(30);
const STOP_MAX: Duration = Duration::from_secs(20);

/// Environment variables that are passed on to a server. All others are removed, since they could
/// change a run.
const PASSED_ON: [&str; 4] = ["PATH", "HOME", "RUST_LOG", "RUST_BACKTRACE"];

/// A server process, which is killed when this value is dropped.
#[derive(Debug)]
pub struct ServerProcess {
    name: &'static str,
    child: Child,
    pub address: SocketAddr,
    log: PathBuf,
    /// Kept open, because a server that cannot print would panic.
    _stdout: Option<BufReader<ChildStdout>>,
}

impl ServerProcess {
    /// Runs this program with a hidden subcommand, and waits for the line that says where it
    /// listens.
    pub async fn start(
        subcommand: &'static str,
        settings: &[(&str, &str)],
        directory: &Path,
    ) -> Result<ServerProcess, BenchError> {
        fs::create_dir_all(directory)?;
        let log = directory.join("server.log");
        let mut child = Command::new(std::env::current_exe()?)
            .arg(subcommand)
            .env_clear()
            .envs(PASSED_ON.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
            .envs(settings.iter().copied())
            // The server stops when this pipe closes, also if this process is killed.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .kill_on_drop(true)
            .spawn()?;
        let mut stdout = child.stdout.take().map(BufReader::new);
        let address = match &mut stdout {
            // On a timeout there is no address.
            Some(stdout) => timeout(START_MAX, read_address(stdout)).await.unwrap_or_default(),
            None => None,
        };
        match address {
            Some(address) => {
                Ok(ServerProcess { name: subcommand, child, address, log, _stdout: stdout })
            }
            None => {
                let ended =
                    child.try_wait()?.map_or("silent".to_owned(), |status| status.to_string());
                let reason = format!("{ended} {}", end_of(&log));
                Err(BenchError::Server { name: subcommand, reason })
            }
        }
    }

    /// The process id; None once the process has ended.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Asks the server to stop, and waits for its end.
    pub async fn stop(mut self) -> Result<(), BenchError> {
        drop(self.child.stdin.take());
        let reason = match timeout(STOP_MAX, self.child.wait()).await {
            Ok(Ok(status)) if status.success() => return Ok(()),
            Ok(ended) => format!("{ended:?} {}", end_of(&self.log)),
            Err(_) => "it did not stop in time".to_owned(),
        };
        Err(BenchError::Server { name: self.name, reason })
    }
}

/// Reads lines until one says where the server listens; `None` if the output ends first.
async fn read_address(stdout: &mut BufReader<ChildStdout>) -> Option<SocketAddr> {
    let mut line = String::new();
    while stdout.read_line(&mut line).await.ok()? > 0 {
        if let Some(address) = listening(&line) {
            return Some(address);
        }
        line.clear();
    }
    None
}

/// The address in a line such as `GraphQL  http://HOST:PORT/graphql`, of which both servers print some.
fn listening(line: &str) -> Option<SocketAddr> {
    line.split("http://").nth(1)?.split('/').next()?.parse().ok()
}

fn end_of(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(10)..].join("\n")
}

/// Waits, in a server process, until the benchmark closes standard input.
async fn wait_for_stdin_to_close() {
    let (sender, closed) = tokio::sync::oneshot::channel::<()>();
    // A separate thread, since a blocking read must not keep the process from ending.
    std::thread::spawn(move || {
        // Whatever ends the pipe, the benchmark is gone.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        drop(sender);
    });
    // No value is ever sent: the sender is dropped.
    let _ = closed.await;
}

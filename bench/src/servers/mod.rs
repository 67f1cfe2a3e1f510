//! The servers that are measured: this program again, each in a process of its own.

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

/// Settings of the caller's shell that may reach a server; all others would make each run another.
const PASSED_ON: [&str; 4] = ["PATH", "HOME", "RUST_LOG", "RUST_BACKTRACE"];

/// A server process, which ends when this value does.
#[derive(Debug)]
pub struct Server {
    name: &'static str,
    child: Child,
    pub address: SocketAddr,
    log: PathBuf,
    /// Kept open: a server that cannot print would panic.
    _stdout: Option<BufReader<ChildStdout>>,
}

impl Server {
    /// Runs this program with a hidden subcommand, and waits for the line that says where it listens.
    pub async fn start(
        subcommand: &'static str,
        settings: &[(&str, &str)],
        directory: &Path,
    ) -> Result<Server, BenchError> {
        fs::create_dir_all(directory)?;
        let log = directory.join("server.log");
        let mut child = Command::new(std::env::current_exe()?)
            .arg(subcommand)
            .env_clear()
            .envs(PASSED_ON.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
            .envs(settings.iter().copied())
            // Its end tells the server to stop, also when this process is killed.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .kill_on_drop(true)
            .spawn()?;
        let mut stdout = child.stdout.take().map(BufReader::new);
        let mut line = String::new();
        if let Some(stdout) = &mut stdout {
            // Out of time or out of luck, the line says nothing.
            let _ = timeout(START_MAX, stdout.read_line(&mut line)).await;
        }
        match listening(&line) {
            Some(address) => Ok(Server { name: subcommand, child, address, log, _stdout: stdout }),
            None => {
                let ended =
                    child.try_wait()?.map_or("silent".to_owned(), |status| status.to_string());
                let reason = format!("{ended} {}", end_of(&log));
                Err(BenchError::Server { name: subcommand, reason })
            }
        }
    }

    /// Of the process; none once it has ended.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Asks it to stop, and waits.
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

/// Both servers begin with `GraphQL  http://HOST:PORT/graphql`.
fn listening(line: &str) -> Option<SocketAddr> {
    line.split("http://").nth(1)?.split('/').next()?.parse().ok()
}

fn end_of(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(10)..].join("\n")
}

/// In a server process: done when the benchmark has let go of it.
async fn let_go() {
    let (tell, told) = tokio::sync::oneshot::channel::<()>();
    // A thread of its own, which does not keep the process from ending.
    std::thread::spawn(move || {
        // Whatever ends the pipe, nobody is there any more.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        drop(tell);
    });
    // Nothing is ever sent.
    let _ = told.await;
}

//! The server process: found by its pid file, started, stopped.

use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::account::Account;
use crate::binaries::Binaries;
use crate::error::{At, Error};
use crate::home::{Home, absent};
use crate::reach::Reach;
use crate::settings::{self, Purpose};

/// Crash recovery replays up to `max_wal_size` of log.
const START_MAX: Duration = Duration::from_secs(60);
/// A fast shutdown writes a checkpoint.
pub(crate) const STOP_MAX: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(10);

/// What the log says when trying again soon is worthwhile: somebody took the port between our looking
/// and the server's binding it, or processes of a killed server are still ending.
const TRANSIENT: [&str; 2] =
    ["could not create any TCP/IP sockets", "pre-existing shared memory block"];

/// A server process of a cluster.
#[derive(Debug, Clone)]
pub(crate) struct Postmaster {
    pub(crate) pid: i32,
    /// Where it listens, once it accepts connections and until it stops.
    pub(crate) endpoint: Option<Endpoint>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) port: u16,
    pub(crate) socket_dir: PathBuf,
}

impl Postmaster {
    /// The server's own name for its socket directory may mean something to it alone.
    fn at(mut self, home: &Home) -> Postmaster {
        if let Some(endpoint) = &mut self.endpoint {
            endpoint.socket_dir = home.socket_dir();
        }
        self
    }
}

/// The server process of this cluster, if it is alive.
pub(crate) fn running(home: &Home) -> Result<Option<Postmaster>, Error> {
    match fs::read_to_string(home.pid_file()) {
        Ok(content) => {
            let server = parse(&content).filter(|server| serves(server.pid, home));
            Ok(server.map(|server| server.at(home)))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).at("read", &home.pid_file()),
    }
}

/// Removes the pid file of a server that is gone. Postgres would do so itself, but not where an
/// unrelated process has been given the same pid since.
pub(crate) fn clear_stale_pid_file(home: &Home) -> Result<(), Error> {
    absent(fs::remove_file(home.pid_file())).at("remove the stale", &home.pid_file())
}

/// Reads a pid file: pid, data directory, start time, port, socket directory, address, shared memory, status.
fn parse(content: &str) -> Option<Postmaster> {
    let mut lines = content.lines().map(str::trim);
    let pid = lines.next()?.parse().ok()?;
    let mut lines = lines.skip(2);
    let port = lines.next().and_then(|line| line.parse().ok());
    let socket_dir = lines.next().filter(|line| !line.is_empty()).map(PathBuf::from);
    let ready = lines.nth(2) == Some("ready");
    let endpoint = port
        .zip(socket_dir)
        .filter(|_| ready)
        .map(|(port, socket_dir)| Endpoint { port, socket_dir });
    Some(Postmaster { pid, endpoint })
}

/// Whether the process is this cluster's server, rather than a later process with the same pid.
fn serves(pid: i32, home: &Home) -> bool {
    let command = command_line(pid);
    command.ends_with(&format!("postgres -D {}", home.path().display()))
        || (command.contains("postgres -D /proc/self/fd/") && works_in(pid, &home.data()))
}

/// A server works in its data directory, whatever name it knows it by.
fn works_in(pid: i32, data: &Path) -> bool {
    fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|directory| directory == data)
}

/// Whether the process still has to be waited for: it serves, or it ends. An ending process has lost its
/// command line, but not yet its files and sockets, until it is a zombie.
fn lives(pid: i32, home: &Home) -> bool {
    serves(pid, home) || (command_line(pid).is_empty() && has_files(pid))
}

/// By the state behind the parenthesised name; elsewhere than on Linux there is nothing to read.
fn has_files(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// The command line of a process, with spaces between arguments; empty when there is none.
fn command_line(pid: i32) -> String {
    let bytes = if Path::new("/proc/self/cmdline").exists() {
        fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default()
    } else {
        let ps =
            Command::new("ps").args(["-ww", "-o", "command=", "-p", &pid.to_string()]).output();
        ps.map(|output| output.stdout).unwrap_or_default()
    };
    String::from_utf8_lossy(&bytes).replace('\0', " ").trim_end().to_owned()
}

/// A server being started, and what is needed for it.
#[derive(Debug)]
pub(crate) struct Launch<'a> {
    pub(crate) home: &'a Home,
    pub(crate) reach: &'a Reach,
    pub(crate) account: &'a Account,
    pub(crate) binaries: &'a Binaries,
    pub(crate) purpose: Purpose,
}

impl Launch<'_> {
    /// Starts the server and waits until it accepts connections.
    pub(crate) async fn run(&self) -> Result<(Child, Endpoint), Error> {
        let deadline = Instant::now() + START_MAX;
        loop {
            match self.attempt(deadline).await {
                Err(Error::Exited { log })
                    if Instant::now() < deadline
                        && TRANSIENT.iter().any(|reason| log.contains(reason)) =>
                {
                    tokio::time::sleep(10 * POLL).await;
                }
                outcome => return outcome,
            }
        }
    }

    async fn attempt(&self, deadline: Instant) -> Result<(Child, Endpoint), Error> {
        let mut child = self.spawn()?;
        loop {
            if child.try_wait().at("watch", &self.binaries.postgres())?.is_some() {
                return Err(Error::Exited { log: self.home.log_tail() });
            }
            if let Some(Postmaster { endpoint: Some(endpoint), .. }) = running(self.home)? {
                return Ok((child, endpoint));
            }
            if Instant::now() > deadline {
                return Err(Error::NotReady { waited: START_MAX, log: self.home.log_tail() });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    fn spawn(&self) -> Result<Child, Error> {
        let port = free_port(self.home.preferred_port());
        let Launch { home, reach, binaries, purpose, .. } = self;
        let conf = settings::postgresql_conf(home, reach, binaries, *purpose, port);
        self.home.write("postgresql.conf", &conf)?;
        self.home.write("pg_hba.conf", settings::PG_HBA)?;
        self.home.renew_socket_dir(self.account)?;
        let log = self.home.renew_log()?;
        let mut command = self.account.command(&self.binaries.postgres());
        command.arg("-D").arg(self.reach.name());
        command.stdout(log.try_clone().at("open", &self.home.log())?).stderr(log);
        // Out of the terminal's reach: its Ctrl-C is for us, who then stop the server in order.
        command.process_group(0);
        command.spawn().at("run", &self.binaries.postgres())
    }
}

/// The preferred port or the next one nobody listens on.
fn free_port(preferred: u16) -> u16 {
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    (preferred..preferred.saturating_add(1_000)).find(is_free).unwrap_or(preferred)
}

/// Waits until a server somebody else started accepts connections; `None` if it ends instead.
pub(crate) async fn until_ready(home: &Home) -> Result<Option<Postmaster>, Error> {
    let deadline = Instant::now() + START_MAX;
    loop {
        match running(home)? {
            Some(server) if server.endpoint.is_none() => {}
            settled => return Ok(settled),
        }
        if Instant::now() > deadline {
            return Err(Error::NotReady { waited: START_MAX, log: home.log_tail() });
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Asks the server to disconnect everybody and shut down, and waits until its process has ended;
/// the pid file goes a little earlier.
pub(crate) async fn stop(home: &Home, child: Option<&mut Child>) -> Result<(), Error> {
    let Some(pid) = signal_running(home, Signal::SIGINT)? else { return Ok(()) };
    let deadline = Instant::now() + STOP_MAX;
    while lives(pid, home) {
        if Instant::now() > deadline {
            return Err(Error::NotStopped { pid, waited: STOP_MAX });
        }
        tokio::time::sleep(POLL).await;
    }
    reap(child, deadline).await;
    Ok(())
}

/// Collects the exit status of a server that is ending, if we are its parent.
pub(crate) async fn reap(child: Option<&mut Child>, deadline: Instant) {
    let Some(child) = child else { return };
    while matches!(child.try_wait(), Ok(None)) && Instant::now() < deadline {
        tokio::time::sleep(POLL).await;
    }
}

fn signal_running(home: &Home, signal: Signal) -> Result<Option<i32>, Error> {
    let Some(server) = running(home)? else { return Ok(None) };
    match kill(Pid::from_raw(server.pid), signal) {
        Ok(()) => Ok(Some(server.pid)),
        Err(Errno::ESRCH) => Ok(None),
        Err(error) => Err(error.into()).at("signal the server of", home.path()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READY: &str =
        "4711\n/d/data\n1700000000\n20001\n/d/socket\n127.0.0.1\n  123  0\nready   \n";

    #[test]
    fn a_ready_server_has_an_endpoint() {
        let server = parse(READY).unwrap();
        assert_eq!(server.pid, 4711);
        assert_eq!(server.endpoint, Some(Endpoint { port: 20001, socket_dir: "/d/socket".into() }));
    }

    #[test]
    fn a_starting_or_stopping_server_has_none() {
        assert_eq!(parse("4711\n/d/data\n").unwrap().endpoint, None);
        assert_eq!(parse(&READY.replace("ready   ", "stopping")).unwrap().endpoint, None);
    }

    #[test]
    fn an_empty_pid_file_names_no_server() {
        assert!(parse("").is_none());
    }
}

//! Starting, sharing and stopping the cluster of a data directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;

use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};

use crate::account::Account;
use crate::binaries::Binaries;
use crate::error::{At, Error};
use crate::home::{Home, Password, absent, absolute};
use crate::lock::{Lock, Mode};
use crate::postmaster::{self, Endpoint, Launch};
use crate::reach::Reach;
use crate::settings::Purpose;
use crate::testing;

/// The cluster's only role and the database made for the application.
const NAME: &str = "cartulary";

/// Locales are named differently where glibc is not.
const CTYPE: &str = if cfg!(target_os = "macos") { "en_US.UTF-8" } else { "C.UTF-8" };

/// A running private cluster, kept running for as long as this value exists.
///
/// Dropping it without [`Cluster::stop`] leaves the server running; the next start adopts it.
#[derive(Debug)]
pub struct Cluster {
    data_dir: PathBuf,
    home: Home,
    password: Password,
    endpoint: Endpoint,
    pid: i32,
    /// The server, if this process started it.
    child: Option<Child>,
    /// Says to others that the cluster is in use.
    _in_use: Lock,
}

impl Cluster {
    /// Starts the cluster in `data_dir/postgres`, or adopts the server that is running there.
    ///
    /// Creates it on first use, with an empty database `cartulary`; where no server is installed, it fetches one. Any number of processes may call
    /// this for the same directory, also at once; they share one server.
    ///
    /// # Errors
    /// Where no server is installed and none can be fetched, where it does not start within a minute, and where
    /// the directory's owner or mode forbids it.
    pub async fn start(data_dir: &Path) -> Result<Cluster, Error> {
        Cluster::start_for(data_dir, Purpose::Keep).await
    }

    pub(crate) async fn start_for(data_dir: &Path, purpose: Purpose) -> Result<Cluster, Error> {
        let data_dir = absolute(data_dir)?;
        fs::create_dir_all(&data_dir).at("create", &data_dir)?;
        let _starting = Lock::acquire(&data_dir.join("postgres.lock"), Mode::Exclusive).await?;

        let (home, account) = locate_or_create(&data_dir)?;
        let in_use = Lock::acquire(&home.users_lock(), Mode::Shared).await?;
        if let Some(server) = postmaster::until_ready(&home).await?
            && let Some(endpoint) = server.endpoint
        {
            let password = Password::read(&home)?;
            tracing::info!(pid = server.pid, port = endpoint.port, home = %home.path().display(),
                "adopted the PostgreSQL server that was running");
            let cluster = Cluster {
                data_dir,
                home,
                password,
                endpoint,
                pid: server.pid,
                child: None,
                _in_use: in_use,
            };
            cluster.ensure_database().await?;
            return Ok(cluster);
        }

        postmaster::clear_stale_pid_file(&home)?;
        let reach = Reach::new(home.path(), &account)?;
        let servers = match purpose {
            Purpose::Keep => home.servers(&account),
            Purpose::ThrowAway => testing::servers(&home, &account),
        };
        let binaries =
            Binaries::find_or_fetch(&account, home.path(), made_by(&home), &servers).await?;
        let launch =
            Launch { home: &home, reach: &reach, account: &account, binaries: &binaries, purpose };
        if made_by(&home).is_none() {
            initialise(&launch).await?;
        }
        let (child, endpoint) = launch.run().await?;
        let pid = child.id().cast_signed();
        tracing::info!(pid, port = endpoint.port, version = binaries.major, account = account.name,
            home = %home.path().display(), "started a private PostgreSQL server");
        let password = Password::read(&home)?;
        let cluster = Cluster {
            data_dir,
            home,
            password,
            endpoint,
            pid,
            child: Some(child),
            _in_use: in_use,
        };
        cluster.ensure_database().await?;
        Ok(cluster)
    }

    /// The URL of the server running for this data directory, if one is. Starts, stops and keeps nothing.
    ///
    /// # Errors
    /// Where the directory or the password in it cannot be read.
    pub fn find(data_dir: &Path) -> Result<Option<String>, Error> {
        let Some(home) = Home::existing(data_dir)? else { return Ok(None) };
        let endpoint = postmaster::running(&home)?.and_then(|server| server.endpoint);
        let Some(endpoint) = endpoint else { return Ok(None) };
        Ok(Some(url(&endpoint, &Password::read(&home)?, NAME)))
    }

    /// The URL of the database `cartulary`, over the unix socket. It contains the password.
    pub fn url(&self) -> String {
        self.database_url(NAME)
    }

    /// The URL of another database of this cluster.
    pub fn database_url(&self, database: &str) -> String {
        url(&self.endpoint, &self.password, database)
    }

    /// The process id of the server.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Stops the server, unless another process still uses it: the last one out stops it.
    ///
    /// Disconnects its clients, writes a checkpoint, and waits for up to a minute.
    ///
    /// # Errors
    /// Where the server does not stop in time.
    pub async fn stop(self) -> Result<(), Error> {
        let Cluster { data_dir, home, mut child, _in_use: in_use, .. } = self;
        // Nobody can begin to use it between our looking for users and its end.
        let _stopping = Lock::acquire(&data_dir.join("postgres.lock"), Mode::Exclusive).await?;
        drop(in_use);
        if Lock::attempt(&home.users_lock(), Mode::Exclusive)?.is_none() {
            tracing::info!("left the PostgreSQL server running, as another process uses it");
            return Ok(());
        }
        postmaster::stop(&home, child.as_mut()).await?;
        home.remove_socket_dir()?;
        tracing::info!(home = %home.path().display(), "stopped the PostgreSQL server");
        Ok(())
    }

    /// For tests: takes the server's handle, to collect its exit status after a kill.
    pub(crate) fn take_child(&mut self) -> Option<Child> {
        self.child.take()
    }

    /// Makes the application's database, also where a crash came between the cluster and this.
    async fn ensure_database(&self) -> Result<(), Error> {
        let mut connection = connect(&self.database_url("postgres")).await?;
        let exists = sqlx::query_scalar::<_, bool>(
            "select exists (select from pg_database where datname = $1)",
        );
        if !exists.bind(NAME).fetch_one(&mut connection).await? {
            let create = AssertSqlSafe(format!("create database {NAME}"));
            sqlx::raw_sql(create).execute(&mut connection).await?;
        }
        Ok(connection.close().await?)
    }
}

pub(crate) async fn connect(url: &str) -> Result<PgConnection, sqlx::Error> {
    url.parse::<PgConnectOptions>()?.connect().await
}

/// The home of this data directory's cluster and the account its server runs as.
fn locate_or_create(data_dir: &Path) -> Result<(Home, Account), Error> {
    if let Some(home) = Home::existing(data_dir)? {
        let account = Account::owning(&home.data())?;
        return Ok((home, account));
    }
    let account = Account::choose()?;
    Ok((Home::create(data_dir, &account)?, account))
}

/// The major version of Postgres that made the cluster; `None` before it is made.
fn made_by(home: &Home) -> Option<u32> {
    fs::read_to_string(home.data().join("PG_VERSION")).ok()?.trim().parse().ok()
}

/// Makes the cluster next to its final place and moves it there when whole.
async fn initialise(launch: &Launch<'_>) -> Result<(), Error> {
    let Launch { home, reach, account, binaries, purpose } = launch;
    let unfinished = home.path().join("data.new");
    absent(fs::remove_dir_all(&unfinished)).at("remove", &unfinished)?;
    fs::create_dir(&unfinished).at("create", &unfinished)?;
    account.make_owner(&unfinished)?;
    Password::create(home, account)?;

    let mut initdb = account.command(&binaries.initdb());
    initdb.args([
        "--username",
        NAME,
        "--auth",
        "scram-sha-256",
        "--encoding",
        "UTF8",
        "--data-checksums",
    ]);
    // Bytewise order is the same on every machine and keeps its indexes valid; letters are Unicode's.
    initdb.args(["--locale", "C", "--lc-ctype", CTYPE]);
    initdb.arg("--pgdata").arg(reach.name().join("data.new"));
    initdb.arg("--pwfile").arg(reach.name().join("password"));
    if *purpose == Purpose::ThrowAway {
        initdb.arg("--no-sync");
    }
    let output = tokio::process::Command::from(initdb).kill_on_drop(true).output().await;
    let output = output.at("run", &binaries.initdb())?;
    if !output.status.success() {
        let problem = problem(&String::from_utf8_lossy(&output.stderr));
        return Err(Error::Initdb { home: home.path().to_owned(), problem });
    }
    fs::rename(&unfinished, home.data()).at("rename", &unfinished)
}

/// What initdb, or a server that it runs, complains of; all that it says, where that cannot be told.
fn problem(stderr: &str) -> String {
    let complaints = ["error: ", "FATAL:  ", "PANIC:  "];
    let complaint =
        |line: &str| complaints.iter().find_map(|mark| Some(line.split_once(mark)?.1.to_owned()));
    stderr.lines().find_map(complaint).unwrap_or_else(|| stderr.trim().to_owned())
}

/// The password is hexadecimal; the socket's path and the database's name may be anything.
fn url(endpoint: &Endpoint, password: &Password, database: &str) -> String {
    let Endpoint { port, socket_dir } = endpoint;
    let socket_dir = encoded(&socket_dir.to_string_lossy());
    let database = encoded(database);
    format!(
        "postgres://{NAME}:{password}@localhost:{port}/{database}?host={socket_dir}",
        password = password.0
    )
}

/// Percent-encodes a part of a URL.
fn encoded(part: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    part.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

//! Other processes for tests that kill one: this test binary again, running one of the tests below.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::{env, fs};

use local_postgres::{Cluster, testing};
use nix::unistd::{User, geteuid};

/// Where a helper is told its data directory.
const DATA_DIR: &str = "LOCAL_POSTGRES_HELPER_DATA_DIR";
/// What the line with the helper's answer starts with.
const ANSWER: &str = "helper: ";

/// A process that holds a cluster until it is killed or its input ends.
pub(crate) struct Helper {
    process: Child,
    /// Kept open, for the test runner in the helper to write to.
    _output: BufReader<ChildStdout>,
    /// The server's pid, its URL and its data directory.
    answer: Vec<String>,
}

impl Helper {
    pub(crate) fn run(test: &str, data_dir: &Path) -> Helper {
        Helper::spawn(Command::new(env::current_exe().unwrap()), test, data_dir)
    }

    /// As `nobody` when we are root: from a place it can enter, with a directory it owns.
    pub(crate) fn run_unprivileged(test: &str, data_dir: &Path) -> Helper {
        if !geteuid().is_root() {
            return Helper::run(test, data_dir);
        }
        let nobody = User::from_name("nobody").unwrap().unwrap();
        let (uid, gid) = (nobody.uid.as_raw(), nobody.gid.as_raw());
        chown(data_dir, Some(uid), Some(gid)).unwrap();
        let binary = data_dir.join("tests");
        fs::copy(env::current_exe().unwrap(), &binary).unwrap();
        fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
        let mut command = Command::new(binary);
        command.uid(uid).gid(gid);
        Helper::spawn(command, test, data_dir)
    }

    /// Where the system's servers are hidden, with this search path.
    pub(crate) fn run_without_servers(test: &str, data_dir: &Path, path: &str) -> Helper {
        let hide = "for place in /usr/lib/postgresql /usr/local/pgsql; do
            [ ! -d $place ] || mount -t tmpfs none $place
        done";
        Helper::run_in_namespace(test, data_dir, &format!("{hide}; export PATH='{path}'"))
    }

    /// In a mount namespace of its own, which these lines of shell prepare.
    pub(crate) fn run_in_namespace(test: &str, data_dir: &Path, prepare: &str) -> Helper {
        let script = format!("{prepare}\nexec \"$0\" \"$@\"");
        let mut command = Command::new("unshare");
        command.args(["--mount", "/bin/sh", "-ec", &script]).arg(env::current_exe().unwrap());
        command.env_remove("PG_BIN");
        if let Some(wheels) = wheels() {
            command.env("PIP_NO_INDEX", "1").env("PIP_FIND_LINKS", wheels);
        }
        Helper::spawn(command, test, data_dir)
    }

    fn spawn(mut command: Command, test: &str, data_dir: &Path) -> Helper {
        let mut process = command
            .args(["--ignored", "--exact", "--nocapture"])
            .arg(format!("helper::{test}"))
            .env(DATA_DIR, data_dir)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        // The test runner writes the test's name on the same line.
        let answer = output.by_ref().lines().map_while(Result::ok).find_map(|line| {
            line.split_once(ANSWER)
                .map(|(_, answer)| answer.split('\t').map(str::to_owned).collect())
        });
        Helper { process, _output: output, answer: answer.expect("the helper starts") }
    }

    pub(crate) fn pid(&self) -> i32 {
        self.answer[0].parse().unwrap()
    }

    /// The first thing that it answered, such as an error.
    pub(crate) fn answer(&self) -> &str {
        &self.answer[0]
    }

    pub(crate) fn url(&self) -> String {
        self.answer[1].clone()
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        PathBuf::from(&self.answer[2])
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Lets the process end by itself.
    pub(crate) fn finish(mut self) {
        drop(self.process.stdin.take());
        self.process.wait().unwrap();
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Where CI fetched the server to; elsewhere pip may use the network.
fn wheels() -> Option<PathBuf> {
    let target = env::current_exe().unwrap();
    let target = target.ancestors().find(|directory| directory.join(".rustc_info.json").is_file());
    target.map(|target| target.join("wheels")).filter(|wheels| wheels.is_dir())
}

/// A process with nothing to do, ended when dropped, that runs as the owner of this file.
pub(crate) fn sleeper(owned: &Path) -> Sleeper {
    let mut command = Command::new("/bin/cat");
    if geteuid().is_root() {
        let owner = fs::metadata(owned).unwrap();
        command.uid(owner.uid()).gid(owner.gid());
    }
    Sleeper(command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap())
}

pub(crate) struct Sleeper(Child);

impl Sleeper {
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `None` where somebody runs the ignored tests by hand, who gets nothing from it.
fn given_data_dir() -> Option<PathBuf> {
    env::var_os(DATA_DIR).map(PathBuf::from)
}

fn answer_and_wait(pid: i32, url: &str, data_dir: &Path) {
    println!("{ANSWER}{pid}\t{url}\t{}", data_dir.display());
    // Until the test that started us closes our input, even by dying.
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

#[tokio::test]
#[ignore = "runs in a process started by other tests"]
async fn holds_a_cluster() {
    let Some(data_dir) = given_data_dir() else { return };
    let cluster = Cluster::start(&data_dir).await.unwrap();
    answer_and_wait(cluster.pid(), &cluster.url(), &data_dir);
    cluster.stop().await.unwrap();
}

#[tokio::test]
#[ignore = "runs in a process started by other tests"]
async fn fails_to_start_a_cluster() {
    let Some(data_dir) = given_data_dir() else { return };
    let error = Cluster::start(&data_dir).await.unwrap_err();
    println!("{ANSWER}{error}");
}

static NO_MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate::Migrator::DEFAULT;

#[tokio::test]
#[ignore = "runs in a process started by other tests"]
async fn holds_a_test_database() {
    if given_data_dir().is_none() {
        return;
    }
    let database = testing::database(&NO_MIGRATIONS).await;
    let cluster = testing::shared().await;
    answer_and_wait(cluster.pid(), database.url(), cluster.data_dir());
}

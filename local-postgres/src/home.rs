//! Where a cluster lives, and who owns which part of it.
//!
//! The home belongs to us and the server's account owns only `data/` and the socket's directory in it.
//! So root never writes where an unprivileged account could have put a symlink.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::{env, fmt};

use sha2::{Digest, Sha256};

use crate::account::Account;
use crate::error::{At, Error};

/// Where root keeps fetched servers for accounts that cannot enter the data directory. Earlier releases kept such clusters
/// here as a whole, behind a link.
const ELSEWHERE: &str = "/var/lib/cartulary";

/// A socket's path has at most 103 bytes on macOS (107 on Linux); its name takes up to 15 of them.
const SOCKET_DIR_BYTES_MAX: usize = 85;

/// The directory of one cluster, as an absolute path without links.
#[derive(Debug, Clone)]
pub(crate) struct Home(PathBuf);

impl Home {
    /// The home of an existing cluster, if there is one.
    pub(crate) fn existing(data_dir: &Path) -> Result<Option<Home>, Error> {
        match fs::canonicalize(data_dir.join("postgres")) {
            Ok(path) if path.join("data/PG_VERSION").exists() => Home::at(path).map(Some),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).at("examine", data_dir),
        }
    }

    /// A new home in the data directory.
    pub(crate) fn create(data_dir: &Path, account: &Account) -> Result<Home, Error> {
        let path = data_dir.join("postgres");
        if path.is_symlink() && !path.exists() {
            fs::remove_file(&path).at("remove the dangling link", &path)?;
        }
        make_dir(&path, account.passable_mode())?;
        report_earlier_clusters(&fs::canonicalize(data_dir).at("resolve", data_dir)?);
        Home::at(fs::canonicalize(&path).at("resolve", &path)?)
    }

    fn at(path: PathBuf) -> Result<Home, Error> {
        if path.to_str().is_none() {
            return Err(Error::NotUtf8(path));
        }
        Ok(Home(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    /// Where fetched servers are kept, so that the account can run them.
    pub(crate) fn servers(&self, account: &Account) -> PathBuf {
        if account.can_enter(&self.0) {
            self.0.join("servers")
        } else {
            Path::new(ELSEWHERE).join("servers")
        }
    }

    pub(crate) fn pid_file(&self) -> PathBuf {
        self.data().join("postmaster.pid")
    }

    pub(crate) fn users_lock(&self) -> PathBuf {
        self.0.join("users")
    }

    pub(crate) fn password_file(&self) -> PathBuf {
        self.0.join("password")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.0.join("server.log")
    }

    /// The port looked for first: the same at every start, and below those the kernel hands out itself.
    pub(crate) fn preferred_port(&self) -> u16 {
        let hash = Sha256::digest(self.0.as_os_str().as_encoded_bytes());
        20_000 + u16::from_be_bytes([hash[0], hash[1]]) % 12_000
    }

    /// In the home where its path is short and plain enough for a socket, else in `/tmp`.
    pub(crate) fn socket_dir(&self) -> PathBuf {
        let inside = self.0.join("socket");
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-".contains(byte);
        let bytes = inside.as_os_str().as_encoded_bytes();
        if bytes.len() <= SOCKET_DIR_BYTES_MAX && bytes.iter().all(plain) {
            inside
        } else {
            Path::new("/tmp").join(format!("cartulary-{}", short_hash(&self.0)))
        }
    }

    /// An empty directory for the socket, which only the account may enter; a crash leaves files in it.
    pub(crate) fn renew_socket_dir(&self, account: &Account) -> Result<(), Error> {
        let socket_dir = self.socket_dir();
        self.remove_socket_dir()?;
        // Fails where somebody else made it in the meantime, who could then replace the socket.
        fs::DirBuilder::new().mode(0o700).create(&socket_dir).at("create", &socket_dir)?;
        account.make_owner(&socket_dir)
    }

    pub(crate) fn remove_socket_dir(&self) -> Result<(), Error> {
        absent(fs::remove_dir_all(self.socket_dir())).at("remove", &self.socket_dir())
    }

    /// Replaces one of the files the server reads.
    pub(crate) fn write(&self, name: &str, content: &str) -> Result<(), Error> {
        let path = self.0.join(name);
        fs::write(&path, content).at("write", &path)?;
        fs::set_permissions(&path, Permissions::from_mode(0o644)).at("make readable", &path)
    }

    /// A log for a new run of the server, keeping that of the run before.
    pub(crate) fn renew_log(&self) -> Result<File, Error> {
        let log = self.log();
        absent(fs::rename(&log, self.0.join("server.log.old"))).at("rename", &log)?;
        OpenOptions::new().append(true).create(true).mode(0o600).open(&log).at("create", &log)
    }

    /// The last lines of the server's log.
    pub(crate) fn log_tail(&self) -> String {
        let log =
            fs::read_to_string(self.log()).unwrap_or_else(|error| format!("(no log: {error})"));
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

/// The password of the cluster's only role.
#[derive(Clone)]
pub(crate) struct Password(pub(crate) String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(***)")
    }
}

impl Password {
    pub(crate) fn read(home: &Home) -> Result<Password, Error> {
        let path = home.password_file();
        Ok(Password(fs::read_to_string(&path).at("read", &path)?.trim().to_owned()))
    }

    /// A new password, in a file only its owner and root can read.
    pub(crate) fn create(home: &Home, account: &Account) -> Result<Password, Error> {
        let source = Path::new("/dev/urandom");
        let mut random = [0; 24];
        File::open(source).and_then(|mut file| file.read_exact(&mut random)).at("read", source)?;
        let password = hex(&random);

        let path = home.password_file();
        absent(fs::remove_file(&path)).at("remove", &path)?;
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .at("create", &path)?;
        file.write_all(password.as_bytes()).and_then(|()| file.sync_all()).at("write", &path)?;
        account.make_owner(&path)?;
        Ok(Password(password))
    }
}

/// Earlier releases kept a cluster elsewhere if the server's account could not enter the data directory, and left it
/// there when that was removed. It may hold somebody's data, so it is not removed here either.
fn report_earlier_clusters(data_dir: &Path) {
    let name = short_hash(data_dir);
    for entry in fs::read_dir(ELSEWHERE).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(&name) {
            tracing::warn!(path = %entry.path().display(),
                "an earlier cluster of this data directory was left here; remove it if you do not need its data");
        }
    }
}

/// Creates the directory if need be; the mode holds whatever the umask.
fn make_dir(path: &Path, mode: u32) -> Result<(), Error> {
    match fs::create_dir(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(error).at("create", path);
        }
        _ => {}
    }
    fs::set_permissions(path, Permissions::from_mode(mode)).at("set the mode of", path)
}

/// Takes "it is not there" for success.
pub(crate) fn absent(result: std::io::Result<()>) -> std::io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Makes the path absolute, so that it outlives a change of directory.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, Error> {
    Ok(env::current_dir().at("find the current directory for", path)?.join(path))
}

fn short_hash(path: &Path) -> String {
    hex(&Sha256::digest(path.as_os_str().as_encoded_bytes())[..8])
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

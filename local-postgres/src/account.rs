//! The account the server runs as: one's own, or an unprivileged one when one is root.

use std::fs;
use std::os::unix::fs::{MetadataExt, lchown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::unistd::{Gid, Uid, User, getegid, geteuid};

use crate::error::{At, Error};

/// For root, in order of preference: the server's own account, else the one with no rights at all.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) name: String,
    uid: u32,
    gid: u32,
    /// We are root, and the server must not be.
    switch: bool,
}

impl Account {
    /// The account for a new cluster.
    pub(crate) fn choose() -> Result<Account, Error> {
        if !geteuid().is_root() {
            return Ok(Account::with_ids(geteuid().as_raw(), getegid().as_raw()));
        }
        UNPRIVILEGED
            .iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .map(|user| Account::with_ids(user.uid.as_raw(), user.gid.as_raw()))
            .ok_or(Error::NoAccount)
    }

    /// The account an existing cluster belongs to; Postgres insists on running as the owner.
    pub(crate) fn owning(data: &Path) -> Result<Account, Error> {
        let owner = fs::metadata(data).at("examine", data)?;
        let account = Account::with_ids(owner.uid(), owner.gid());
        let ours = owner.uid() == geteuid().as_raw();
        match (geteuid().is_root(), ours) {
            (true, true) => Err(Error::NoAccount),
            (true, false) | (false, true) => Ok(account),
            (false, false) => Err(Error::OtherOwner { home: data.to_owned(), owner: account.name }),
        }
    }

    fn with_ids(uid: u32, gid: u32) -> Account {
        let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
        let name = user.map_or_else(|| format!("uid {uid}"), |user| user.name);
        Account { name, uid, gid: Gid::from_raw(gid).as_raw(), switch: geteuid().is_root() }
    }

    /// A command run as this account, from a place it can enter, with messages in English.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").env("LC_ALL", "C").stdin(Stdio::null());
        if self.switch {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Whether the account may enter the directory; asked of the kernel, which knows of access lists.
    pub(crate) fn can_enter(&self, directory: &Path) -> bool {
        let mut shell = self.command(Path::new("/bin/sh"));
        shell
            .args(["-c", "cd \"$1\"", "sh"])
            .arg(directory)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        shell.status().is_ok_and(|status| status.success())
    }

    /// Makes the account the owner of a file or directory. Does nothing for an ordinary user, who owns it already.
    pub(crate) fn make_owner(&self, path: &Path) -> Result<(), Error> {
        if self.switch {
            lchown(path, Some(self.uid), Some(self.gid)).at("hand over", path)
        } else {
            Ok(())
        }
    }

    /// The mode of a directory of ours the server has to pass through.
    pub(crate) fn passable_mode(&self) -> u32 {
        if self.switch { 0o711 } else { 0o700 }
    }
}

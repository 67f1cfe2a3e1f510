//! How the server's account reaches a directory below one that it may not enter.

use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use crate::account::Account;
use crate::error::{At, Error};

/// A directory under the name that the server's account reaches it by.
///
/// Where root keeps the data below a directory of its own, such as `/root`, another account cannot walk there.
/// Then the server inherits the open directory, and `/proc/self/fd/N` leads to it without the directories above:
/// nothing has to be kept elsewhere, and no directory's permissions are changed.
///
/// Processes inherit the directory only if they are started while this value exists.
#[derive(Debug)]
pub(crate) struct Reach {
    name: PathBuf,
    _inherited: Option<OwnedFd>,
}

impl Reach {
    /// # Errors
    /// Where the account cannot reach the directory in either way.
    pub(crate) fn new(directory: &Path, account: &Account) -> Result<Reach, Error> {
        if account.can_enter(directory) {
            return Ok(Reach { name: directory.to_owned(), _inherited: None });
        }
        let open = OwnedFd::from(File::open(directory).at("open", directory)?);
        fcntl(&open, FcntlArg::F_SETFD(FdFlag::empty()))
            .map_err(std::io::Error::from)
            .at("open for the server", directory)?;
        let name = PathBuf::from(format!("/proc/self/fd/{}", open.as_raw_fd()));
        if account.can_enter(&name) {
            return Ok(Reach { name, _inherited: Some(open) });
        }
        Err(Error::Unreachable { home: directory.to_owned(), account: account.name.clone() })
    }

    pub(crate) fn name(&self) -> &Path {
        &self.name
    }
}

//! Directories that go away with the process that made them, along with the server in them.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{env, process};

use nix::unistd::geteuid;

use crate::account::Account;
use crate::lock::{Lock, Mode};

const PREFIX: &str = "cartulary-test-";

/// Ends the server of a data directory and removes what belongs to it, once its input ends.
/// A long path has its socket elsewhere.
const CLEAN_UP: &str = r#"
read -r _
dir=$1
home=$(cd "$dir/postgres" && pwd -P) || home=$dir/postgres
pid_file=$home/data/postmaster.pid
socket=$(sed -n 5p "$pid_file")
pid=$(sed -n 1p "$pid_file")
# Another process may have been given the pid since.
serves() {
    command=$(tr '\0' ' ' <"/proc/$pid/cmdline" || ps -ww -o command= -p "$pid")
    case $command in
        *"postgres -D $home"*) true ;;
        *"postgres -D /proc/self/fd/"*) [ "$(readlink "/proc/$pid/cwd")" = "$home/data" ] ;;
        *) false ;;
    esac
}
rounds=0
[ -n "$pid" ] && serves && kill -QUIT "$pid"
while [ -n "$pid" ] && serves && [ $rounds -lt 200 ]; do
    rounds=$((rounds + 1)); sleep 0.05
done
case $socket in /tmp/cartulary-*) rm -rf "$socket" ;; esac
# A killed initdb may still be writing.
while [ -e "$dir" ] && [ $rounds -lt 400 ]; do
    rounds=$((rounds + 1)); rm -rf "$dir" || sleep 0.05
done
"#;

/// A data directory for a test, such as for `--data-dir`.
///
/// A private cluster started in it, by whatever process, is stopped and everything is removed when
/// this value is dropped or this process ends in any way, `kill -9` included.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    /// Waits for the end of a pipe whose other end only this process holds.
    watchdog: Child,
    /// Tells a living directory from one whose process and watchdog were both killed.
    _alive: Lock,
}

impl Scratch {
    /// An empty directory below the system's temporary one, which a server's account can enter.
    pub fn new() -> Scratch {
        Scratch::within(&parent())
    }

    /// An empty directory below this one.
    pub fn within(parent: &Path) -> Scratch {
        let (path, alive) = (0..1_000)
            .map(|number| parent.join(format!("{PREFIX}{}-{number}", process::id())))
            .find_map(|path| {
                DirBuilder::new().mode(0o711).create(&path).ok()?;
                // Not by `mode`, which the umask narrows.
                fs::set_permissions(&path, fs::Permissions::from_mode(0o711)).ok()?;
                let alive = Lock::attempt(&path.join("alive"), Mode::Exclusive).ok()??;
                Some((path, alive))
            })
            .expect("a temporary directory can be made");
        let watchdog = clean_up(&path, Stdio::piped());
        Scratch { path, watchdog, _alive: alive }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Default for Scratch {
    fn default() -> Scratch {
        Scratch::new()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        // Only a courtesy to whoever looks right after; the watchdog finishes either way.
        let _ = self.watchdog.wait();
    }
}

/// Removes directories whose process and watchdog are both gone, as after `docker kill`.
pub(crate) fn sweep() {
    for entry in fs::read_dir(parent()).into_iter().flatten().flatten() {
        let named = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        // Somebody else's could lead root anywhere.
        let ours =
            named && entry.metadata().is_ok_and(|metadata| metadata.uid() == geteuid().as_raw());
        let alive = entry.path().join("alive");
        if ours && alive.exists() && matches!(Lock::attempt(&alive, Mode::Exclusive), Ok(Some(_))) {
            let _ = clean_up(&entry.path(), Stdio::null()).wait();
        }
    }
}

/// Runs the clean-up in a process group of its own, where no Ctrl-C ends it, holding no output open.
fn clean_up(path: &Path, input: Stdio) -> Child {
    Command::new("/bin/sh")
        .args(["-c", CLEAN_UP, "clean-up"])
        .arg(path)
        .current_dir("/")
        .stdin(input)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("/bin/sh runs")
}

/// `TMPDIR` if the server's account can enter it.
fn parent() -> PathBuf {
    let preferred = env::temp_dir();
    let reachable = Account::choose().is_ok_and(|account| account.can_enter(&preferred));
    if reachable { preferred } else { PathBuf::from("/tmp") }
}

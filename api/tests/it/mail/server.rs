//! A real mail server, in Python: it takes mail, postpones it, refuses it, hangs up or says nothing.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use local_postgres::testing::Scratch;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::cluster::until;
use crate::programs::lasting_port;
use crate::venv::python;

/// A running mail server. It is killed with the test.
pub(super) struct MailServer {
    child: Child,
    pub(super) port: u16,
    python: PathBuf,
    folder: Scratch,
    security: Security,
}

/// How its mail is kept from others' eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Security {
    None,
    /// TLS once the client has asked for it, and no mail before.
    StartTls,
    /// TLS from the first byte.
    Smtps,
}

impl MailServer {
    /// One that takes everything; nothing where Python's `aiosmtpd` is missing.
    pub(super) async fn start() -> Option<MailServer> {
        MailServer::secured(Security::None).await
    }

    pub(super) async fn secured(security: Security) -> Option<MailServer> {
        let python = python("aiosmtpd")?;
        let folder = Scratch::new();
        let folder_path = folder.path().to_owned();
        set(&folder_path, "accept");
        let (child, port) = run(&python, &folder_path, lasting_port(), security).await;
        Some(MailServer { child, port, python, folder, security })
    }

    pub(super) fn url(&self) -> String {
        let port = self.port;
        match self.security {
            Security::None => format!("smtp://127.0.0.1:{port}"),
            Security::StartTls => format!("smtp://127.0.0.1:{port}?tls=required"),
            Security::Smtps => format!("smtps://127.0.0.1:{port}"),
        }
    }

    /// A file with the certificate of who vouches for it, where it speaks TLS.
    pub(super) fn authority(&self) -> String {
        self.folder.path().join("authority.pem").display().to_string()
    }

    /// What it does with mail from now on: `accept`, `postpone`, `refuse`, `drop` or `stall`.
    pub(super) fn behave(&self, mode: &str) {
        set(self.folder.path(), mode);
    }

    pub(super) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Runs it again, where it was.
    pub(super) async fn start_again(&mut self) {
        let (child, port) = run(&self.python, self.folder.path(), self.port, self.security).await;
        assert_eq!(port, self.port);
        self.child = child;
    }

    /// What it has taken.
    pub(super) fn letters(&self) -> Vec<Value> {
        let files = std::fs::read_dir(self.folder.path()).unwrap().map(|file| file.unwrap().path());
        let letters = files.filter(|path| path.extension().is_some_and(|kind| kind == "json"));
        letters.map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()).collect()
    }

    /// Waits until it has taken so many.
    pub(super) async fn has_taken(&self, letters: usize) -> Vec<Value> {
        let what = format!("{letters} letters are taken");
        until(&what, async || self.letters().len() == letters).await;
        self.letters()
    }
}

fn set(folder: &Path, mode: &str) {
    let draft = folder.join("mode.draft");
    std::fs::write(&draft, mode).unwrap();
    std::fs::rename(draft, folder.join("mode")).unwrap();
}

/// On this port; and which it is.
async fn run(python: &Path, folder: &Path, port: u16, security: Security) -> (Child, u16) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/mail/smtp_server.py");
    let mut child = Command::new(python)
        .arg(script)
        .arg(folder)
        .arg(port.to_string())
        .arg(format!("{security:?}").to_lowercase())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("Python can be started");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().expect("the mail server tells its port");
    (child, line.parse().unwrap())
}

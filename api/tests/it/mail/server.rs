//! A real mail server, in Python, which can accept, postpone or refuse mail, close the connection,
//! or not answer.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use local_postgres::testing::Scratch;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::cluster::until;
use crate::programs::lasting_port;
use crate::venv::python;

/// A running mail server. It is killed when the test ends.
pub(super) struct MailServer {
    child: Child,
    pub(super) port: u16,
    python: PathBuf,
    folder: Scratch,
    security: Security,
}

/// How the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Security {
    None,
    /// TLS after STARTTLS; the server accepts no mail before.
    StartTls,
    /// TLS from the first byte.
    Smtps,
}

impl MailServer {
    /// Starts a server that accepts all mail. None if Python's `aiosmtpd` is not installed.
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

    /// The file with the certificate of the authority that signed the server's certificate, if it
    /// uses TLS.
    pub(super) fn authority(&self) -> String {
        self.folder.path().join("authority.pem").display().to_string()
    }

    /// Sets what it does with mail from now on: `accept`, `postpone`, `refuse`, `drop` or `stall`.
    pub(super) fn behave(&self, mode: &str) {
        set(self.folder.path(), mode);
    }

    pub(super) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Starts it again, on the same port.
    pub(super) async fn start_again(&mut self) {
        let (child, port) = run(&self.python, self.folder.path(), self.port, self.security).await;
        assert_eq!(port, self.port);
        self.child = child;
    }

    /// The messages that it has accepted.
    pub(super) fn messages(&self) -> Vec<Value> {
        let files = std::fs::read_dir(self.folder.path()).unwrap().map(|file| file.unwrap().path());
        let messages = files.filter(|path| path.extension().is_some_and(|kind| kind == "json"));
        messages
            .map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
            .collect()
    }

    /// Waits until it has accepted this many messages.
    pub(super) async fn until_accepted(&self, messages: usize) -> Vec<Value> {
        let what = format!("{messages} messages are accepted");
        until(&what, async || self.messages().len() == messages).await;
        self.messages()
    }
}

fn set(folder: &Path, mode: &str) {
    let draft = folder.join("mode.draft");
    std::fs::write(&draft, mode).unwrap();
    std::fs::rename(draft, folder.join("mode")).unwrap();
}

/// Starts the server on this port, or on a free one if it is 0; returns the port.
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
    let line = lines.next_line().await.unwrap().expect("the mail server reports its port");
    (child, line.parse().unwrap())
}

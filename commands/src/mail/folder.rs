//! Saves e-mails as `.eml` files, for development. Any mail program opens them.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::MailError;
use super::email::ComposedEmail;

#[derive(Debug, Clone)]
pub(super) struct Folder(Arc<Path>);

impl Folder {
    /// Creates the folder where it is missing, readable by its owner only: mail is personal data.
    pub(super) fn new(path: &Path) -> io::Result<Folder> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        Ok(Folder(path.into()))
    }

    /// Writes a temporary file and renames it, so no reader sees a part of a message. A message
    /// that is sent again replaces its file. The file is not synced to the disk.
    pub(super) async fn save(&self, email: &ComposedEmail) -> Result<(), MailError> {
        let path = self.0.join(email.file_name());
        let draft = draft(&path);
        let written = match tokio::fs::write(&draft, email.message().formatted()).await {
            Ok(()) => tokio::fs::rename(&draft, &path).await,
            error => error,
        };
        written.map_err(|error| {
            MailError::Unreachable(format!("the mail folder cannot be written: {}", error.kind()))
        })
    }
}

fn draft(path: &Path) -> PathBuf {
    path.with_extension(format!("{:08x}.draft", rand::random::<u32>()))
}

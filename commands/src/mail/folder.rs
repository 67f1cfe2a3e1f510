//! Mail as files, for development: any mail program opens them.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::MailError;
use super::letter::Letter;

#[derive(Debug, Clone)]
pub(super) struct Folder(Arc<Path>);

impl Folder {
    /// Readable by its owner only: mail is personal.
    pub(super) fn new(path: &Path) -> io::Result<Folder> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        Ok(Folder(path.into()))
    }

    /// Written beside its place and moved there, so that nobody reads half a message; one that is
    /// sent again takes the place of the first. Nothing waits for the disk.
    pub(super) async fn save(&self, letter: &Letter) -> Result<(), MailError> {
        let place = self.0.join(format!("{}.eml", letter.name()));
        let draft = draft(&place);
        let written = match tokio::fs::write(&draft, letter.message().formatted()).await {
            Ok(()) => tokio::fs::rename(&draft, &place).await,
            error => error,
        };
        written.map_err(|error| MailError::Unreachable(format!("the folder: {}", error.kind())))
    }
}

fn draft(place: &Path) -> PathBuf {
    place.with_extension(format!("{:08x}.draft", rand::random::<u32>()))
}

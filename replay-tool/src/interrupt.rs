//! Handles Ctrl-C: commands that change nothing end at once, and a rebuild cleans up first.

use std::future::{Future, pending};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::error::Error;

/// Whether the person at the terminal has pressed Ctrl-C since the program began.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// After this, Ctrl-C ends the program only where the code waits for it.
    pub(crate) fn listen() -> Result<Interrupt, Error> {
        let mut signal = signal(SignalKind::interrupt()).map_err(Error::Signal)?;
        let (sender, receiver) = watch::channel(false);
        tokio::spawn(async move {
            signal.recv().await;
            sender.send_replace(true);
        });
        Ok(Interrupt(receiver))
    }

    /// Waits until Ctrl-C is pressed; returns at once if it was pressed before.
    pub(crate) async fn pressed(&self) {
        if self.0.clone().wait_for(|is_pressed| *is_pressed).await.is_err() {
            pending().await
        }
    }

    /// Stops work that changes nothing when Ctrl-C is pressed.
    pub(crate) async fn or<T>(
        &self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        tokio::select! {
            done = work => done,
            () = self.pressed() => Err(Error::Interrupted),
        }
    }
}

//! Why a decision stops before it has an answer.

use domain::{Refusal, StreamId};

/// Why a decision stopped.
#[derive(Debug)]
pub enum Halt {
    /// This stream has to be loaded first.
    Missing(StreamId),
    Refused(Refusal),
}

impl<R: Into<Refusal>> From<R> for Halt {
    fn from(refusal: R) -> Self {
        Halt::Refused(refusal.into())
    }
}

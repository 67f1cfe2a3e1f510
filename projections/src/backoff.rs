//! How long to wait before trying again.

use std::time::Duration;

use uuid::Uuid;

const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(2);

/// Doubles up to two seconds, each time somewhere between half and all of it.
#[derive(Debug)]
pub(crate) struct Backoff(Duration);

impl Backoff {
    pub(crate) fn new() -> Backoff {
        Backoff(FIRST)
    }

    pub(crate) fn next(&mut self) -> Duration {
        let wait = jittered(self.0);
        self.0 = (self.0 * 2).min(LONGEST);
        wait
    }
}

/// Between half and all of it, so that those who failed together do not try again together.
pub(crate) fn jittered(wait: Duration) -> Duration {
    // A random id is randomness enough.
    let share = (Uuid::new_v4().as_u128() & 0xff) as u32;
    let half = wait / 2;
    half + half * share / 255
}

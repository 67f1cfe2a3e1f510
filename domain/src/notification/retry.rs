//! When the next attempt is made to send a message.

use chrono::TimeDelta;

use crate::NotificationId;

/// Growing pauses between the attempts: 30 s, 2 min, 10 min, 1 h and 6 h by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetrySchedule {
    /// The pause after the first attempt; the others are multiples of it.
    pub first: TimeDelta,
}

/// The pauses as multiples of the first one. There is one attempt more than there are pauses.
const MULTIPLES: [i32; 5] = [1, 4, 20, 120, 720];

/// At most a quarter of the pause is added to it as jitter.
const JITTER_DIVISOR: i32 = 4;

impl Default for RetrySchedule {
    fn default() -> Self {
        RetrySchedule { first: TimeDelta::seconds(30) }
    }
}

impl RetrySchedule {
    /// The pause after this attempt, counted from 1; `None` after the last one. Jitter is added, so
    /// that messages which failed together are not retried together. It is always the same for the
    /// same message and attempt.
    pub fn after(self, attempt: u32, notification: NotificationId) -> Option<TimeDelta> {
        let index = usize::try_from(attempt.checked_sub(1)?).ok()?;
        let pause = self.first * *MULTIPLES.get(index)?;
        let share = i32::from(notification.0.as_bytes()[index]);
        Some(pause + pause / (JITTER_DIVISOR * 256) * share)
    }
}

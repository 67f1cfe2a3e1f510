//! When a message that could not be sent is tried again.

use chrono::TimeDelta;

use crate::NotificationId;

/// Pauses that grow: after 30 s, 2 min, 10 min, 1 h and 6 h by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetrySchedule {
    /// The pause after the first attempt; the others are multiples of it.
    pub first: TimeDelta,
}

/// Of the first pause; one more attempt than there are pauses.
const MULTIPLES: [i32; 5] = [1, 4, 20, 120, 720];

/// The share of a pause that may come on top.
const JITTER_DIVISOR: i32 = 4;

impl Default for RetrySchedule {
    fn default() -> Self {
        RetrySchedule { first: TimeDelta::seconds(30) }
    }
}

impl RetrySchedule {
    /// How long to wait after this attempt, counted from 1; nothing after the last. Up to a quarter
    /// comes on top, always the same for one message and attempt, so that messages which failed
    /// together are not sent again together.
    pub fn after(self, attempt: u32, notification: NotificationId) -> Option<TimeDelta> {
        let at = usize::try_from(attempt.checked_sub(1)?).ok()?;
        let pause = self.first * *MULTIPLES.get(at)?;
        let share = i32::from(notification.0.as_bytes()[at]);
        Some(pause + pause / (JITTER_DIVISOR * 256) * share)
    }
}

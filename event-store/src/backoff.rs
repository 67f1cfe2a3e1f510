//! How long to wait before a retry: the one formula for all retries, except those that are rules of
//! the domain.

use std::time::Duration;

use uuid::Uuid;

/// Pauses that double with each failure in a row, from `first` up to `longest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    failures: u32,
}

/// Caps the exponent, so that the multiplication cannot overflow.
const DOUBLINGS_MAX: u32 = 31;

impl Backoff {
    /// For retries of Postgres: 20 ms, doubled up to 2 s.
    pub const DATABASE: Backoff = Backoff::new(Duration::from_millis(20), Duration::from_secs(2));

    /// `first` is the pause after the first failure; `longest` is the longest pause.
    pub const fn new(first: Duration, longest: Duration) -> Backoff {
        Backoff { first, longest, failures: 0 }
    }

    /// Counts a failure and returns the pause after it, with jitter.
    pub fn next_pause(&mut self) -> Duration {
        let pause = self.pause_after(self.failures);
        self.failures = self.failures.saturating_add(1);
        pause
    }

    /// Counts a failure and sleeps for the pause after it, with jitter.
    pub async fn wait(&mut self) {
        tokio::time::sleep(self.next_pause()).await;
    }

    /// Resets the count of failures: the next pause is `first` again.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// The pause, with jitter, after a failure that followed `earlier_failures` failures in a row.
    /// For callers that store the count elsewhere, such as in a table.
    pub fn pause_after(&self, earlier_failures: u32) -> Duration {
        with_jitter(self.exact_pause_after(earlier_failures))
    }

    /// As [`Backoff::pause_after`], without jitter.
    pub fn exact_pause_after(&self, earlier_failures: u32) -> Duration {
        let doublings = earlier_failures.min(DOUBLINGS_MAX);
        self.first.saturating_mul(1 << doublings).min(self.longest)
    }
}

/// A time between half of `pause` and all of it, so that callers that failed together do not retry
/// together.
pub fn with_jitter(pause: Duration) -> Duration {
    // A fresh UUID has enough random bits.
    let share = (Uuid::new_v4().as_u128() & 0xff) as u32;
    let half = pause / 2;
    half + half * share / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    #[test]
    fn pauses_double_up_to_the_longest() {
        let backoff = Backoff::new(MILLISECOND, MILLISECOND * 6);
        let pauses = [0, 1, 2, 3, 40, u32::MAX].map(|failures| backoff.exact_pause_after(failures));
        assert_eq!(pauses, [1, 2, 4, 6, 6, 6].map(|millis| MILLISECOND * millis));
    }

    #[test]
    fn jitter_shortens_a_pause_by_at_most_half() {
        for _ in 0..1_000 {
            let pause = with_jitter(MILLISECOND * 10);
            assert!(MILLISECOND * 5 <= pause && pause <= MILLISECOND * 10, "{pause:?}");
        }
    }

    #[test]
    fn a_success_makes_the_next_pause_short_again() {
        let mut backoff = Backoff::new(MILLISECOND * 2, Duration::MAX);
        for _ in 0..9 {
            backoff.next_pause();
        }
        assert!(backoff.next_pause() > MILLISECOND * 100);
        backoff.reset();
        assert!(backoff.next_pause() <= MILLISECOND * 2);
    }
}

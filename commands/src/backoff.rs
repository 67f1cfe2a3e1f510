//! How long to wait before trying again.

use std::time::Duration;

/// Grows from `first` to `most` by doubling; half of it is chance, so that those who collided once
/// do not collide again.
pub(crate) fn pause(attempt: u32, first: Duration, most: Duration) -> Duration {
    let whole = first.saturating_mul(1 << attempt.min(16)).min(most);
    whole.mul_f64(rand::random_range(0.5..1.0))
}

//! A circuit breaker: after several calls in a row without an answer it lets nobody call for a while,
//! and then one at a time, until one is answered.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Breaker {
    /// So many failures in a row open the circuit.
    failures_at_most: u32,
    /// How long it stays open before somebody may try.
    pause: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// While the circuit is open: when the next call may be tried.
    try_at: Option<Instant>,
}

/// The circuit is open: nobody was called.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("it has not answered for a while, and is given a rest")]
pub(super) struct Open;

impl Breaker {
    pub(super) fn new(failures_at_most: u32, pause: Duration) -> Breaker {
        Breaker { failures_at_most, pause, state: Mutex::default() }
    }

    /// Asks for leave to call. Who gets it [reports](Breaker::report) what came of it, or does not
    /// live to do so: then the next one may try a pause later.
    pub(super) fn admit(&self, now: Instant) -> Result<(), Open> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut state.try_at {
            None => Ok(()),
            Some(at) if *at <= now => {
                *at = now + self.pause;
                Ok(())
            }
            Some(_) => Err(Open),
        }
    }

    /// Whether there is nobody who may call as they please.
    pub(super) fn is_open(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).try_at.is_some()
    }

    pub(super) fn report(&self, answered: bool, now: Instant) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if answered {
            *state = State::default();
            return;
        }
        state.failures = state.failures.saturating_add(1);
        if state.failures >= self.failures_at_most {
            state.try_at = Some(now + self.pause);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(5);

    /// One that has just opened, after three failures.
    fn opened(now: Instant) -> Breaker {
        let breaker = Breaker::new(3, PAUSE);
        for _ in 0..3 {
            assert_eq!(breaker.admit(now), Ok(()));
            breaker.report(false, now);
        }
        breaker
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_an_answer_between_them_counts() {
        let now = Instant::now();
        let breaker = Breaker::new(3, PAUSE);
        for answered in [false, false, true, false, false] {
            breaker.report(answered, now);
        }
        assert_eq!(breaker.admit(now), Ok(()));
        assert!(!breaker.is_open());
        breaker.report(false, now);
        assert_eq!(breaker.admit(now), Err(Open));
        assert!(breaker.is_open());
    }

    #[test]
    fn after_a_pause_one_may_try_and_the_others_wait_for_what_comes_of_it() {
        let now = Instant::now();
        let breaker = opened(now);
        let later = now + PAUSE;
        assert_eq!(breaker.admit(later - Duration::from_millis(1)), Err(Open));
        assert_eq!(breaker.admit(later), Ok(()));
        assert_eq!(breaker.admit(later), Err(Open));

        breaker.report(false, later);
        assert_eq!(breaker.admit(later + PAUSE / 2), Err(Open));
        assert_eq!(breaker.admit(later + PAUSE), Ok(()));
        breaker.report(true, later + PAUSE);
        assert_eq!(breaker.admit(later + PAUSE), Ok(()));
        assert_eq!(breaker.admit(later + PAUSE), Ok(()));
    }

    #[test]
    fn who_tries_and_is_never_heard_of_again_blocks_nobody_for_good() {
        let now = Instant::now();
        let breaker = opened(now);
        assert_eq!(breaker.admit(now + PAUSE), Ok(()));
        assert_eq!(breaker.admit(now + PAUSE * 2), Ok(()));
    }
}

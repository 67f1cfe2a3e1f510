//! A circuit breaker: after several calls in a row without an answer it lets nobody call for a while,
//! and then one at a time, less and less often, until one is answered.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(crate) struct Breaker {
    /// Who is called, as the log is to name it.
    callee: &'static str,
    /// So many failures in a row open the circuit.
    failures_at_most: u32,
    /// How long it stays open before somebody may try: first, and at most, as it doubles.
    first_pause: Duration,
    longest_pause: Duration,
    circuit: Mutex<Circuit>,
}

#[derive(Debug, Clone, Copy)]
enum Circuit {
    Closed {
        /// In a row.
        failures: u32,
    },
    /// Nobody may call before that.
    Open { until: Instant, pause: Duration },
    /// One is trying; if nothing is heard of it until then, the next one may.
    Trying { until: Instant, pause: Duration },
}

/// The circuit is open: nobody was called.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("it has not answered for a while, and is given a rest")]
pub(crate) struct Open;

impl Breaker {
    pub(crate) fn new(
        callee: &'static str,
        failures_at_most: u32,
        first_pause: Duration,
        longest_pause: Duration,
    ) -> Breaker {
        let circuit = Mutex::new(Circuit::Closed { failures: 0 });
        Breaker { callee, failures_at_most, first_pause, longest_pause, circuit }
    }

    /// Asks for leave to call. Who gets it [reports](Breaker::report) what came of it, or does not
    /// live to do so: then the next one may try a pause later.
    pub(crate) fn admit(&self, now: Instant) -> Result<(), Open> {
        let mut circuit = self.lock();
        match *circuit {
            Circuit::Closed { .. } => Ok(()),
            Circuit::Open { until, pause } | Circuit::Trying { until, pause } if until <= now => {
                *circuit = Circuit::Trying { until: now + pause, pause };
                Ok(())
            }
            _ => Err(Open),
        }
    }

    pub(crate) fn report(&self, answered: bool, now: Instant) {
        let mut circuit = self.lock();
        *circuit = match *circuit {
            Circuit::Closed { .. } if answered => Circuit::Closed { failures: 0 },
            _ if answered => {
                tracing::info!("{} answers again", self.callee);
                Circuit::Closed { failures: 0 }
            }
            Circuit::Closed { failures } if failures + 1 < self.failures_at_most => {
                Circuit::Closed { failures: failures + 1 }
            }
            Circuit::Closed { .. } => {
                tracing::warn!("{} does not answer, and is given a rest", self.callee);
                let pause = self.first_pause;
                Circuit::Open { until: now + pause, pause }
            }
            Circuit::Trying { pause, .. } => {
                let pause = (pause * 2).min(self.longest_pause);
                Circuit::Open { until: now + pause, pause }
            }
            // It was called before the circuit opened, so this is no news.
            open @ Circuit::Open { .. } => open,
        };
    }

    /// Whether nobody may call as they please.
    pub(crate) fn is_open(&self) -> bool {
        !matches!(*self.lock(), Circuit::Closed { .. })
    }

    /// Who got leave did not call after all: another may.
    pub(crate) fn withdraw(&self, now: Instant) {
        let mut circuit = self.lock();
        if let Circuit::Trying { pause, .. } = *circuit {
            *circuit = Circuit::Open { until: now, pause };
        }
    }

    fn lock(&self) -> MutexGuard<'_, Circuit> {
        self.circuit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(5);
    const LONGEST: Duration = Duration::from_secs(30);

    fn breaker() -> Breaker {
        Breaker::new("the callee", 3, PAUSE, LONGEST)
    }

    /// One that has just opened, after three failures.
    fn opened(now: Instant) -> Breaker {
        let breaker = breaker();
        for _ in 0..3 {
            assert_eq!(breaker.admit(now), Ok(()));
            breaker.report(false, now);
        }
        breaker
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_an_answer_between_them_counts() {
        let now = Instant::now();
        let breaker = breaker();
        for answered in [false, false, true, false, false] {
            breaker.report(answered, now);
        }
        assert!(!breaker.is_open());
        assert_eq!(breaker.admit(now), Ok(()));
        breaker.report(false, now);
        assert!(breaker.is_open());
        assert_eq!(breaker.admit(now), Err(Open));
    }

    #[test]
    fn after_a_pause_one_may_try_and_the_others_wait_for_what_comes_of_it() {
        let now = Instant::now();
        let breaker = opened(now);
        let later = now + PAUSE;
        assert_eq!(breaker.admit(later - Duration::from_millis(1)), Err(Open));
        assert_eq!(breaker.admit(later), Ok(()));
        assert_eq!(breaker.admit(later), Err(Open));

        breaker.report(true, later);
        assert_eq!(breaker.admit(later), Ok(()));
        assert_eq!(breaker.admit(later), Ok(()));
    }

    #[test]
    fn who_does_not_answer_is_left_alone_for_longer_and_longer() {
        let mut now = Instant::now();
        let breaker = opened(now);
        for pause in [5, 10, 20, 30, 30].map(Duration::from_secs) {
            assert_eq!(breaker.admit(now + pause - Duration::from_millis(1)), Err(Open));
            now += pause;
            assert_eq!(breaker.admit(now), Ok(()));
            breaker.report(false, now);
        }
    }

    #[test]
    fn those_who_called_before_it_opened_make_no_pause_longer() {
        let now = Instant::now();
        let breaker = opened(now);
        for _ in 0..9 {
            breaker.report(false, now);
        }
        assert_eq!(breaker.admit(now + PAUSE), Ok(()));
    }

    #[test]
    fn one_answer_closes_the_circuit_and_the_next_pause_is_short_again() {
        let now = Instant::now();
        let breaker = opened(now);
        assert_eq!(breaker.admit(now + PAUSE), Ok(()));
        breaker.report(false, now + PAUSE);
        breaker.report(true, now + PAUSE);
        for _ in 0..3 {
            assert_eq!(breaker.admit(now), Ok(()));
            breaker.report(false, now);
        }
        assert_eq!(breaker.admit(now + PAUSE), Ok(()));
    }

    #[test]
    fn who_tries_and_is_never_heard_of_again_blocks_nobody_for_good() {
        let now = Instant::now();
        let breaker = opened(now);
        assert_eq!(breaker.admit(now + PAUSE), Ok(()));
        assert_eq!(breaker.admit(now + PAUSE * 2), Ok(()));
    }

    #[test]
    fn who_got_leave_and_does_not_call_leaves_it_to_the_next() {
        let now = Instant::now();
        let breaker = opened(now);
        assert_eq!(breaker.admit(now + PAUSE), Ok(()));
        breaker.withdraw(now + PAUSE);
        assert_eq!(breaker.admit(now + PAUSE), Ok(()));
    }
}

//! A circuit breaker: after several failed calls in a row it refuses further calls for a while.
//! Then it admits one trial call at a time, with growing pauses, until one is answered.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use event_store::Backoff;

#[derive(Debug)]
pub(crate) struct Breaker {
    /// The service that is called, as log messages name it.
    callee: &'static str,
    /// This many failures in a row open the circuit.
    failures_max: u32,
    /// How long the circuit stays open before a trial call.
    open_for: Backoff,
    circuit: Mutex<Circuit>,
}

#[derive(Debug, Clone, Copy)]
enum Circuit {
    Closed {
        /// Failures in a row so far.
        failures: u32,
    },
    /// Calls are refused until then.
    Open { until: Instant, failed_trials: u32 },
    /// A trial call runs. If it has not reported by then, the next call becomes the trial.
    Trial { until: Instant, failed_trials: u32 },
}

/// The circuit is open, so the call was not made.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("it did not answer the last calls, so it is not called for a while")]
pub(crate) struct CircuitOpen;

impl Breaker {
    pub(crate) fn new(callee: &'static str, failures_max: u32, open_for: Backoff) -> Breaker {
        let circuit = Mutex::new(Circuit::Closed { failures: 0 });
        Breaker { callee, failures_max, open_for, circuit }
    }

    /// Asks whether a call may be made. The caller has to [report](Breaker::report) its result.
    /// If a trial call never reports, the next one is admitted after the same pause.
    ///
    /// # Errors
    /// The circuit is open: do not call now.
    pub(crate) fn admit(&self, now: Instant) -> Result<(), CircuitOpen> {
        let mut circuit = self.lock();
        match *circuit {
            Circuit::Closed { .. } => Ok(()),
            Circuit::Open { until, failed_trials } | Circuit::Trial { until, failed_trials }
                if until <= now =>
            {
                let until = now + self.pause_after(failed_trials);
                *circuit = Circuit::Trial { until, failed_trials };
                Ok(())
            }
            _ => Err(CircuitOpen),
        }
    }

    /// Records whether an admitted call was answered.
    pub(crate) fn report(&self, answered: bool, now: Instant) {
        let mut circuit = self.lock();
        *circuit = match *circuit {
            Circuit::Closed { .. } if answered => Circuit::Closed { failures: 0 },
            _ if answered => {
                tracing::info!("{} answers again, and is called as usual", self.callee);
                Circuit::Closed { failures: 0 }
            }
            Circuit::Closed { failures } if failures + 1 < self.failures_max => {
                Circuit::Closed { failures: failures + 1 }
            }
            Circuit::Closed { failures } => {
                let (callee, failures, pause) = (self.callee, failures + 1, self.pause_after(0));
                tracing::warn!(
                    failures,
                    ?pause,
                    "{callee} does not answer, and is not called during the pause"
                );
                Circuit::Open { until: now + pause, failed_trials: 0 }
            }
            Circuit::Trial { failed_trials, .. } => {
                let failed_trials = failed_trials.saturating_add(1);
                Circuit::Open { until: now + self.pause_after(failed_trials), failed_trials }
            }
            // This call began before the circuit opened, so its failure changes nothing.
            open @ Circuit::Open { .. } => open,
        };
    }

    /// Whether calls are refused, or admitted only as a trial.
    pub(crate) fn is_open(&self) -> bool {
        !matches!(*self.lock(), Circuit::Closed { .. })
    }

    /// Records that an admitted call was not made, so that another one may be.
    pub(crate) fn withdraw(&self, now: Instant) {
        let mut circuit = self.lock();
        if let Circuit::Trial { failed_trials, .. } = *circuit {
            *circuit = Circuit::Open { until: now, failed_trials };
        }
    }

    fn pause_after(&self, failed_trials: u32) -> Duration {
        self.open_for.exact_pause_after(failed_trials)
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
        Breaker::new("the callee", 3, Backoff::new(PAUSE, LONGEST))
    }

    /// A breaker that has just opened, after three failures.
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
        assert_eq!(breaker.admit(now), Err(CircuitOpen));
    }

    #[test]
    fn after_a_pause_one_call_is_admitted_and_the_others_wait_for_its_result() {
        let now = Instant::now();
        let breaker = opened(now);
        let later = now + PAUSE;
        assert_eq!(breaker.admit(later - Duration::from_millis(1)), Err(CircuitOpen));
        assert_eq!(breaker.admit(later), Ok(()));
        assert_eq!(breaker.admit(later), Err(CircuitOpen));

        breaker.report(true, later);
        assert_eq!(breaker.admit(later), Ok(()));
        assert_eq!(breaker.admit(later), Ok(()));
    }

    #[test]
    fn each_failed_trial_doubles_the_pause_up_to_the_longest() {
        let mut now = Instant::now();
        let breaker = opened(now);
        for pause in [5, 10, 20, 30, 30].map(Duration::from_secs) {
            assert_eq!(breaker.admit(now + pause - Duration::from_millis(1)), Err(CircuitOpen));
            now += pause;
            assert_eq!(breaker.admit(now), Ok(()));
            breaker.report(false, now);
        }
    }

    #[test]
    fn calls_that_began_before_it_opened_do_not_lengthen_the_pause() {
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
    fn a_trial_that_never_reports_does_not_block_the_circuit_for_ever() {
        let now = Instant::now();
        let breaker = opened(now);
        assert_eq!(breaker.admit(now + PAUSE), Ok(()));
        assert_eq!(breaker.admit(now + PAUSE * 2), Ok(()));
    }

    #[test]
    fn a_call_that_is_withdrawn_leaves_its_place_to_the_next() {
        let now = Instant::now();
        let breaker = opened(now);
        assert_eq!(breaker.admit(now + PAUSE), Ok(()));
        breaker.withdraw(now + PAUSE);
        assert_eq!(breaker.admit(now + PAUSE), Ok(()));
    }
}

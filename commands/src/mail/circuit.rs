//! Spares a mail server that does not answer: after some failures in a row nothing is sent for a
//! while, then a single message finds out whether it is back.

use std::time::Duration;

use tokio::time::Instant;

use crate::metrics::MAIL_RESTS;

/// In a row, before the circuit opens.
const FAILURES_TOLERATED: u32 = 5;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(super) struct Circuit {
    /// In a row.
    failures: u32,
    open_until: Option<Instant>,
}

impl Circuit {
    /// How many messages may be under way, where `most` may at best.
    pub(super) fn room(&self, now: Instant, most: usize) -> usize {
        match self.open_until {
            None => most,
            Some(until) if now < until => 0,
            Some(_) => 1,
        }
    }

    pub(super) fn reached(&mut self) {
        if self.open_until.is_some() {
            tracing::info!("the mail server answers again");
        }
        MAIL_RESTS.set(0);
        *self = Circuit::default();
    }

    pub(super) fn unreachable(&mut self, now: Instant) {
        self.failures += 1;
        if let Some(beyond) = self.failures.checked_sub(FAILURES_TOLERATED) {
            let pause = FIRST_PAUSE.saturating_mul(1 << beyond.min(16)).min(LONGEST_PAUSE);
            if self.open_until.is_none() {
                tracing::warn!("the mail server does not answer; mail waits");
            }
            MAIL_RESTS.set(1);
            self.open_until = Some(now + pause);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_does_not_answer_is_left_alone_for_longer_and_longer() {
        let (mut circuit, start) = (Circuit::default(), Instant::now());
        for _ in 1..FAILURES_TOLERATED {
            circuit.unreachable(start);
        }
        assert_eq!(circuit.room(start, 8), 8);
        circuit.unreachable(start);
        assert_eq!(circuit.room(start, 8), 0);
        assert_eq!(circuit.room(start + FIRST_PAUSE, 8), 1);
        circuit.unreachable(start + FIRST_PAUSE);
        assert_eq!(circuit.room(start + 2 * FIRST_PAUSE, 8), 0);
        assert_eq!(circuit.room(start + 3 * FIRST_PAUSE, 8), 1);
        for _ in 0..99 {
            circuit.unreachable(start);
        }
        assert_eq!(circuit.room(start + LONGEST_PAUSE, 8), 1);
    }

    #[test]
    fn one_answer_closes_the_circuit() {
        let (mut circuit, start) = (Circuit::default(), Instant::now());
        for _ in 0..9 {
            circuit.unreachable(start);
        }
        circuit.reached();
        assert_eq!(circuit.room(start, 8), 8);
    }
}

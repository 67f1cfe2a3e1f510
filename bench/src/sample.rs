//! The result of one run, and the spread of several.

use std::time::Duration;

use hdrhistogram::Histogram;

/// The rate of a run, and its latencies; no latencies if single operations were not timed.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    pub per_second: f64,
    pub p50_ms: Option<f64>,
    pub p99_ms: Option<f64>,
}

impl Sample {
    pub fn new(count: u64, elapsed: Duration, latency: &Histogram<u64>) -> Sample {
        let ms = |quantile| latency.value_at_quantile(quantile) as f64 / 1e3;
        let timed = !latency.is_empty();
        Sample {
            per_second: count as f64 / elapsed.as_secs_f64(),
            p50_ms: timed.then(|| ms(0.5)),
            p99_ms: timed.then(|| ms(0.99)),
        }
    }
}

/// An empty histogram of microseconds, to three digits, which grows as needed.
pub fn latencies() -> Histogram<u64> {
    Histogram::new(3).unwrap_or_else(|_| unreachable!("three digits are allowed"))
}

/// The median, the lowest and the highest of some figures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    pub low: f64,
    pub median: f64,
    pub high: f64,
}

impl Spread {
    /// None if there are no figures.
    pub fn of(figures: impl IntoIterator<Item = f64>) -> Option<Spread> {
        let mut figures: Vec<f64> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        let (low, high) = (*figures.first()?, *figures.last()?);
        let middle = figures.len() / 2;
        let median = match figures.len() % 2 {
            0 => f64::midpoint(figures[middle - 1], figures[middle]),
            _ => figures[middle],
        };
        Some(Spread { low, median, high })
    }
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn the_median_lies_in_the_middle() {
        let spread = |low, median, high| Some(Spread { low, median, high });
        assert_eq!(Spread::of([3.0, 1.0, 2.0]), spread(1.0, 2.0, 3.0));
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 3.0]), spread(1.0, 2.5, 4.0));
        assert_eq!(Spread::of([]), None);
    }
}

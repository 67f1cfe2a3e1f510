//! The report: a table for people, or one JSON object a line for programs.

use serde::Serialize;

use crate::sample::{Sample, Spread};
use crate::shared_servers::Pair;

/// One row's figures. With several runs: the median, the lowest and the highest.
#[derive(Debug, Clone)]
pub struct ReportLine {
    pub name: String,
    pub unit: &'static str,
    pub value: Spread,
    /// The limit that the row is compared with, and the ratio of each run.
    pub against: Option<Against>,
    pub p50_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    pub conditions: String,
}

#[derive(Debug, Clone)]
pub struct Against {
    pub limit: Spread,
    pub ratio: Spread,
}

/// One line of JSON output. Other programs rely on its shape.
#[derive(Serialize)]
struct JsonLine<'a> {
    name: &'a str,
    unit: &'a str,
    value: f64,
    limit: Option<f64>,
    ratio: Option<f64>,
    p50_ms: Option<f64>,
    p99_ms: Option<f64>,
    conditions: &'a str,
}

impl ReportLine {
    /// The lines of a limit and its row, from their runs; each is given by name and conditions.
    pub fn of_pairs(
        limit: (String, String),
        row: (String, String),
        unit: &'static str,
        pairs: &[Pair],
    ) -> Vec<ReportLine> {
        let limit = ReportLine::of(limit, unit, pairs.iter().map(|pair| &pair.limit));
        let row = ReportLine::of(row, unit, pairs.iter().map(|pair| &pair.row));
        let ratio = pairs.iter().map(|pair| pair.row.per_second / pair.limit.per_second);
        let (Some(limit), Some(mut row), Some(ratio)) = (limit, row, Spread::of(ratio)) else {
            return vec![];
        };
        row.against = Some(Against { limit: limit.value, ratio });
        vec![limit, row]
    }

    /// The line of a row without a limit; None if there were no runs.
    pub fn of<'s>(
        (name, conditions): (String, String),
        unit: &'static str,
        samples: impl Iterator<Item = &'s Sample> + Clone,
    ) -> Option<ReportLine> {
        let median = |latency: fn(&Sample) -> Option<f64>| {
            Spread::of(samples.clone().filter_map(latency)).map(|spread| spread.median)
        };
        Some(ReportLine {
            name,
            unit,
            value: Spread::of(samples.clone().map(|sample| sample.per_second))?,
            against: None,
            p50_ms: median(|sample| sample.p50_ms),
            p99_ms: median(|sample| sample.p99_ms),
            conditions,
        })
    }

    /// The line of figures that are not rates and have no latencies; None if there are no figures.
    pub fn of_figures(
        (name, conditions): (&str, String),
        unit: &'static str,
        figures: &[f64],
        limits: Option<&[f64]>,
    ) -> Option<ReportLine> {
        let against = limits.and_then(|limits| {
            let ratio = figures.iter().zip(limits).map(|(figure, limit)| figure / limit);
            Some(Against { limit: Spread::of(limits.iter().copied())?, ratio: Spread::of(ratio)? })
        });
        Some(ReportLine {
            name: name.to_owned(),
            unit,
            value: Spread::of(figures.iter().copied())?,
            against,
            p50_ms: None,
            p99_ms: None,
            conditions,
        })
    }
}

pub fn print_json(lines: &[ReportLine]) {
    for line in lines {
        let object = JsonLine {
            name: &line.name,
            unit: line.unit,
            value: line.value.median,
            limit: line.against.as_ref().map(|against| against.limit.median),
            ratio: line.against.as_ref().map(|against| against.ratio.median),
            p50_ms: line.p50_ms,
            p99_ms: line.p99_ms,
            conditions: &line.conditions,
        };
        // Serialising numbers and text cannot fail.
        println!("{}", serde_json::to_string(&object).unwrap_or_default());
    }
}

pub fn print_table(lines: &[ReportLine]) {
    println!(
        "{:<24} {:>9} {:>19}  {:<19} {:>6} {:>12} {:>8} {:>8}  conditions",
        "row", "median", "range", "unit", "ratio", "range", "p50 ms", "p99 ms"
    );
    for line in lines {
        let Spread { low, median, high } = line.value;
        let (ratio, range) = match &line.against {
            Some(Against { ratio, .. }) => {
                (format!("{:.2}", ratio.median), format!("{:.2}–{:.2}", ratio.low, ratio.high))
            }
            None => Default::default(),
        };
        let ms = |time: Option<f64>| time.map(|ms| format!("{ms:.2}")).unwrap_or_default();
        println!(
            "{:<24} {:>9} {:>19}  {:<19} {ratio:>6} {range:>12} {:>8} {:>8}  {}",
            line.name,
            figure(median),
            format!("{}–{}", figure(low), figure(high)),
            line.unit,
            ms(line.p50_ms),
            ms(line.p99_ms),
            line.conditions
        );
    }
}

/// Formats to three digits; large numbers without a fraction and with thousands separated.
fn figure(number: f64) -> String {
    if number < 9.995 {
        return format!("{number:.2}");
    }
    let digits = format!("{number:.0}");
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::figure;

    #[test]
    fn thousands_stand_apart() {
        let written = [999.0, 1_000.0, 1_234_567.0].map(figure);
        assert_eq!(written, ["999", "1,000", "1,234,567"]);
    }

    #[test]
    fn small_figures_keep_their_fractions() {
        let written = [0.043, 9.994, 9.996].map(figure);
        assert_eq!(written, ["0.04", "9.99", "10"]);
    }
}

//! The progress of a long run, shown on standard error if that is a terminal.

use std::time::Duration;

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};

// The message is cut at the width of the terminal, so that a line never wraps.
const BAR: &str = "{bar:20} {wide_msg}";
const SPINNER: &str = "{spinner} {wide_msg}";

/// Removes its line from the terminal when it is dropped.
pub(crate) struct ProgressLine {
    bar: ProgressBar,
    what: String,
}

impl ProgressLine {
    /// For work whose length is not known yet.
    pub(crate) fn new(what: &str) -> ProgressLine {
        let bar = ProgressBar::new_spinner().with_message(what.to_owned());
        bar.set_style(style(SPINNER));
        bar.enable_steady_tick(Duration::from_millis(200));
        ProgressLine { bar, what: what.to_owned() }
    }

    /// For work that is too short to be shown.
    pub(crate) fn hidden() -> ProgressLine {
        ProgressLine { bar: ProgressBar::hidden(), what: String::new() }
    }

    /// Shows that `done` of `total` events are read. If there are none, no bar is shown.
    pub(crate) fn set(&self, done: i64, total: i64) {
        let (done, total) = (count(done), count(total));
        if total == 0 {
            return;
        }
        self.bar.set_length(total);
        self.bar.set_position(done);
        self.bar.set_style(style(BAR));
        self.bar.set_message(self.message(done, total));
    }

    /// Shows a step without a bar, after all events are read.
    pub(crate) fn finish_with(&self, what: &str) {
        self.bar.set_style(style(SPINNER));
        self.bar.set_message(format!("{}: {what}", self.what));
    }

    fn message(&self, done: u64, total: u64) -> String {
        let what = &self.what;
        let rate = HumanCount(self.bar.per_sec() as u64);
        let left = HumanDuration(self.bar.eta());
        format!(
            "{what}: {}/{} events, {rate}/s, {left:#} left",
            HumanCount(done),
            HumanCount(total)
        )
    }

    /// Removes the line while something else is printed.
    pub(crate) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// If the template is faulty, a plain bar is shown instead of failing.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn count(number: i64) -> u64 {
    number.try_into().unwrap_or_default()
}

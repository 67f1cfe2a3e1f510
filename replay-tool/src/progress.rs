//! How far a long run has come: on standard error, and only where that is a terminal.

use std::time::Duration;

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};

// The message is cut where the terminal ends, so that a line never wraps.
const BAR: &str = "{bar:20} {wide_msg}";
const SPINNER: &str = "{spinner} {wide_msg}";

/// Removes its line from the terminal when it is dropped.
pub(crate) struct Progress {
    bar: ProgressBar,
    what: String,
}

impl Progress {
    /// For work whose end is not known, or not yet.
    pub(crate) fn new(what: &str) -> Progress {
        let bar = ProgressBar::new_spinner().with_message(what.to_owned());
        bar.set_style(style(SPINNER));
        bar.enable_steady_tick(Duration::from_millis(200));
        Progress { bar, what: what.to_owned() }
    }

    /// For work that is over before anybody can read a line.
    pub(crate) fn hidden() -> Progress {
        Progress { bar: ProgressBar::hidden(), what: String::new() }
    }

    /// So many of so many events are read. Where there are none, no bar is shown.
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

    /// All events are read, and what remains does not say how far it is.
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

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// A faulty template shows a plain bar instead, which is no reason to fail.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn count(number: i64) -> u64 {
    number.try_into().unwrap_or_default()
}

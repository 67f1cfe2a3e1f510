//! How far a long run has come: on standard error, and only where that is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

const TEMPLATE: &str =
    "{msg:<24} {bar:30} {human_pos}/{human_len} ({per_sec}, {eta} left, {elapsed} so far)";
const SPINNER: &str = "{msg:<24} {spinner} {elapsed}";

/// Gone from the terminal when it is dropped.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn of(what: &str, total: i64) -> Progress {
        Progress::with(what, ProgressBar::new(count(total)), TEMPLATE)
    }

    /// For work that does not say how far it is.
    pub(crate) fn unknown(what: &str) -> Progress {
        let progress = Progress::with(what, ProgressBar::new_spinner(), SPINNER);
        progress.0.enable_steady_tick(Duration::from_millis(200));
        progress
    }

    /// For what is over before anybody looks.
    pub(crate) fn none() -> Progress {
        Progress(ProgressBar::hidden())
    }

    fn with(what: &str, bar: ProgressBar, template: &str) -> Progress {
        // A faulty template is a bar that looks plain, which is no reason to fail.
        let style = ProgressStyle::with_template(template);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(what.to_owned());
        Progress(bar)
    }

    pub(crate) fn at(&self, done: i64) {
        self.0.set_position(count(done));
    }

    pub(crate) fn at_of(&self, done: i64, total: i64) {
        self.0.set_length(count(total));
        self.at(done);
    }

    /// Lets something else be printed.
    pub(crate) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.suspend(print)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn count(number: i64) -> u64 {
    number.try_into().unwrap_or_default()
}

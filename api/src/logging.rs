//! The log: readable lines in development, JSON in production; and the export of spans to a collector.

use std::io::{self, BufWriter, IsTerminal};

use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt, registry};

use crate::config::Config;
use crate::traces::Export;

/// Why logging cannot start.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("RUST_LOG: {0}; write a filter such as info,cartulary=debug")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    #[error("another log was started already: {0}")]
    Taken(#[from] tracing_subscriber::util::TryInitError),
    #[error("OTEL_EXPORTER_OTLP_ENDPOINT: {0}")]
    Traces(#[from] opentelemetry_otlp::ExporterBuildError),
}

/// Lines that may wait for standard error, a few megabytes; more lines are dropped and counted.
const WAITING_LINES: usize = 16_384;

/// The log under way.  Dropped at the end of the program, it waits a second at most for the last lines
/// to be written.
#[derive(Debug)]
#[must_use]
pub struct Log {
    dropped: ErrorCounter,
    // Dropped before the writer, so that errors of the last spans are still written.
    _export: Option<Export>,
    _writer: WorkerGuard,
}

/// Starts the log on standard error; standard output is for the output of commands.
///
/// A separate thread writes, so that a reader of standard error that stops reading does not stop requests.
pub fn start(config: &Config) -> Result<Log, LogError> {
    let filter = EnvFilter::try_new(&config.log)?;
    let writer = BufWriter::new(io::stderr());
    let (writer, guard) =
        NonBlockingBuilder::default().buffered_lines_limit(WAITING_LINES).finish(writer);
    let dropped = writer.error_counter();
    let lines = fmt::layer().with_writer(writer).with_ansi(io::stderr().is_terminal());
    let lines = if config.is_production() { lines.json().boxed() } else { lines.boxed() };
    let export = Export::start(&config.traces)?;
    let spans = export.as_ref().map(Export::layer);
    registry().with(lines.with_filter(filter)).with(spans).try_init()?;
    Ok(Log { dropped, _export: export, _writer: guard })
}

impl Drop for Log {
    fn drop(&mut self) {
        let lines = self.dropped.dropped_lines();
        if lines > 0 {
            tracing::warn!(
                lines,
                "some lines of this log were dropped, because standard error was read too slowly"
            );
        }
    }
}

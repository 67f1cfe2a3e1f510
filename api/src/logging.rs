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
    #[error("a log is already running in this process: {0}")]
    AlreadyStarted(#[from] tracing_subscriber::util::TryInitError),
    #[error("OTEL_EXPORTER_OTLP_ENDPOINT: {0}")]
    Traces(#[from] opentelemetry_otlp::ExporterBuildError),
}

/// How many lines may wait to be written to standard error: a few megabytes. Further lines are dropped and counted.
const WAITING_LINES: usize = 16_384;

/// The running log. Drop it at the end of the program: it then waits at most one second until the last lines are
/// written.
#[derive(Debug)]
#[must_use]
pub struct Log {
    dropped: ErrorCounter,
    // It is dropped before the writer, so that an error in sending the last spans is still logged.
    _export: Option<Export>,
    _writer: WorkerGuard,
}

/// Starts the log on standard error; standard output is for the output of commands.
///
/// A separate thread writes the lines. If the reader of standard error stops reading, requests go on.
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

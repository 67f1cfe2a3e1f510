//! A finding: the check that failed, the place in the log, and a sentence that describes it.

use std::collections::BTreeMap;
use std::fmt;

use projections::ReadModel;
use serde::Serialize;
use uuid::Uuid;

use crate::error::Error;
use crate::output::Output;
use crate::progress::ProgressLine;

/// The checks, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CheckName {
    /// The log's constraints and its trigger are active.
    Guard,
    /// Positions are contiguous from 1.
    Position,
    /// `recorded_at` never decreases.
    Time,
    /// No command is in the log twice.
    Command,
    /// Versions are contiguous from 1 and in the order of the log.
    Version,
    /// All events of a stream have the stream's kind.
    Stream,
    /// Every payload can be decoded.
    Payload,
    /// Every event is stored under the name in its payload.
    EventType,
    /// Every stream can be folded.
    Fold,
    /// No projection has halted.
    Projection,
    /// Live rows equal rebuilt rows.
    ReadModel,
}

#[derive(Debug, Serialize)]
pub(crate) struct Finding {
    #[serde(rename = "finding")]
    check: CheckName,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_model: Option<&'static str>,
    message: String,
}

impl Finding {
    pub(crate) fn new(check: CheckName, message: impl Into<String>) -> Finding {
        let (position, stream, read_model) = (None, None, None);
        Finding { check, position, stream, read_model, message: message.into() }
    }

    pub(crate) fn at(self, position: i64) -> Finding {
        Finding { position: Some(position), ..self }
    }

    pub(crate) fn in_stream(self, stream: Uuid) -> Finding {
        Finding { stream: Some(stream), ..self }
    }

    pub(crate) fn in_model(self, model: ReadModel) -> Finding {
        Finding { read_model: Some(model.name()), ..self }
    }
}

/// Counts all findings and prints the first ones of each check.
#[derive(Debug)]
pub(crate) struct Findings {
    output: Output,
    shown_max: u64,
    counts: BTreeMap<CheckName, u64>,
}

impl Findings {
    pub(crate) fn new(output: Output, shown_max: u64) -> Findings {
        Findings { output, shown_max, counts: BTreeMap::new() }
    }

    pub(crate) fn add(&mut self, progress: &ProgressLine, finding: &Finding) -> Result<(), Error> {
        let count = self.counts.entry(finding.check).or_default();
        *count += 1;
        if *count > self.shown_max {
            return Ok(());
        }
        progress.suspend(|| self.output.show(finding))
    }

    /// Counts further findings that are not reported one by one.
    pub(crate) fn count_more(&mut self, check: CheckName, more: u64) {
        if more > 0 {
            *self.counts.entry(check).or_default() += more;
        }
    }

    pub(crate) fn into_counts(self) -> BTreeMap<CheckName, u64> {
        self.counts
    }
}

impl fmt::Display for CheckName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CheckName::Guard => "guard",
            CheckName::Position => "position",
            CheckName::Time => "time",
            CheckName::Command => "command",
            CheckName::Version => "version",
            CheckName::Stream => "stream",
            CheckName::Payload => "payload",
            CheckName::EventType => "event_type",
            CheckName::Fold => "fold",
            CheckName::Projection => "projection",
            CheckName::ReadModel => "read_model",
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.check)?;
        if let Some(model) = self.read_model {
            write!(f, " {model}:")?;
        }
        if let Some(position) = self.position {
            write!(f, " position {position}:")?;
        }
        if let Some(stream) = self.stream {
            write!(f, " stream {stream}:")?;
        }
        write!(f, " {}", self.message)
    }
}

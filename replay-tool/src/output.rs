//! Standard output: results, as text for people or as JSON for programs.

use std::fmt::Display;
use std::io::{self, Write};

use serde::Serialize;

use crate::error::Error;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Output {
        Output { json }
    }

    /// Prints one object on a line, or as text.
    pub(crate) fn show(&self, answer: &(impl Serialize + Display)) -> Result<(), Error> {
        let mut out = io::stdout().lock();
        if self.json {
            serde_json::to_writer(&mut out, answer).map_err(io::Error::from)?;
            writeln!(out)?;
        } else {
            writeln!(out, "{answer}")?;
        }
        Ok(out.flush()?)
    }

    /// Prints a line that is left out of JSON output.
    pub(crate) fn remark(&self, text: impl Display) -> Result<(), Error> {
        if !self.json {
            writeln!(io::stdout(), "{text}")?;
        }
        Ok(())
    }
}

//! Standard output: the answer, as text for people or as JSON for programs.

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

    /// One object a line, or as many lines of text as it takes.
    pub(crate) fn show(&self, answer: &(impl Serialize + Display)) -> Result<(), Error> {
        let mut out = io::stdout().lock();
        match self.json {
            true => {
                serde_json::to_writer(&mut out, answer).map_err(io::Error::from)?;
                writeln!(out)?;
            }
            false => writeln!(out, "{answer}")?,
        }
        Ok(out.flush()?)
    }

    /// For people only.
    pub(crate) fn remark(&self, text: impl Display) -> Result<(), Error> {
        if !self.json {
            writeln!(io::stdout(), "{text}")?;
        }
        Ok(())
    }
}

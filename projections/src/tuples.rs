//! The binary format of COPY.

use sqlx::encode::IsNull;
use sqlx::postgres::PgArgumentBuffer;
use sqlx::{Encode, Postgres};

/// A buffer of tuples. Each consists of the number of its values, followed by the length and the
/// bytes of each value. See <https://www.postgresql.org/docs/current/sql-copy.html>, "Binary
/// Format".
pub(crate) struct Tuples(PgArgumentBuffer);

/// The bytes before the first tuple: a signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// The bytes after the last tuple.
const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();
/// The length that stands for null.
const NULL: i32 = -1;

impl Tuples {
    pub(crate) fn new() -> Tuples {
        let mut tuples = Tuples(PgArgumentBuffer::default());
        tuples.0.extend_from_slice(HEADER);
        tuples
    }

    /// Begins a tuple; the caller must add `columns` values.
    pub(crate) fn begin(&mut self, columns: i16) {
        self.0.extend_from_slice(&columns.to_be_bytes());
    }

    pub(crate) fn end(&mut self) {
        self.0.extend_from_slice(&TRAILER);
    }

    pub(crate) fn put<'q>(&mut self, value: impl Encode<'q, Postgres>) -> Result<(), sqlx::Error> {
        let begin = self.0.len();
        self.0.extend_from_slice(&NULL.to_be_bytes());
        match value.encode(&mut self.0).map_err(sqlx::Error::Encode)? {
            IsNull::Yes => Ok(()),
            IsNull::No => self.set_length(begin),
        }
    }

    /// Adds a value of the type `json`, with the same bytes as the statements that write it as
    /// text.
    pub(crate) fn put_json(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> serde_json::Result<()>,
    ) -> Result<(), sqlx::Error> {
        let begin = self.0.len();
        self.0.extend_from_slice(&NULL.to_be_bytes());
        write(&mut self.0).map_err(|error| sqlx::Error::Encode(error.into()))?;
        self.set_length(begin)
    }

    fn set_length(&mut self, begin: usize) -> Result<(), sqlx::Error> {
        let length = i32::try_from(self.0.len() - begin - NULL.to_be_bytes().len());
        let length = length.map_err(|error| sqlx::Error::Encode(error.into()))?;
        self.0[begin..begin + NULL.to_be_bytes().len()].copy_from_slice(&length.to_be_bytes());
        Ok(())
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Empties the buffer after its bytes were sent.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

//! Reads a large part of the log quickly: by binary COPY, one range of positions after another.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use sqlx::error::BoxDynError;
use sqlx::{Connection, Executor, PgConnection};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::recorded::columns;
use crate::shared::Shared;
use crate::{RecordedEvent, StoreError};

/// The number of positions that one statement reads. It is bounded because a long statement holds
/// up vacuum.
const RANGE: i64 = 50_000;
/// The number of events in a full page.
const PAGE: usize = 1_000;
/// How many pages are read ahead of the receiver.
const READ_AHEAD: usize = 2;

/// Pages of events in log order and without a hole. An error is the last item.
pub type Pages = mpsc::Receiver<Result<Vec<Arc<RecordedEvent>>, StoreError>>;

/// Sends the events after a position up to another, until the receiver is dropped.
pub(crate) fn pages(shared: Arc<Shared>, after: i64, to: i64) -> Pages {
    let (pages, receiver) = mpsc::channel(READ_AHEAD);
    tokio::spawn(async move {
        let mut reader = Reader { shared, last: after, names: InternedNames::default(), pages };
        if let Err(error) = reader.read(after, to).await {
            // If the receiver is dropped, the error is not needed.
            let _ = reader.pages.send(Err(error)).await;
        }
    });
    receiver
}

struct Reader {
    shared: Arc<Shared>,
    /// The position of the last event that was read.
    last: i64,
    names: InternedNames,
    pages: mpsc::Sender<Result<Vec<Arc<RecordedEvent>>, StoreError>>,
}

impl Reader {
    async fn read(&mut self, after: i64, to: i64) -> Result<(), StoreError> {
        self.shared.check_running()?;
        let mut connection = PgConnection::connect_with(&self.shared.connection).await?;
        // The receiver may take any length of time between two messages.
        connection.execute("set statement_timeout = 0").await?;
        let mut after = after;
        while after < to && !self.pages.is_closed() {
            let until = to.min(after + RANGE);
            self.range(&mut connection, after, until).await?;
            after = until;
        }
        Ok(())
    }

    async fn range(
        &mut self,
        connection: &mut PgConnection,
        after: i64,
        to: i64,
    ) -> Result<(), StoreError> {
        let copy = format!(
            "copy (select {} from events where position > {after} and position <= {to}
                   order by position) to stdout (format binary)",
            columns!()
        );
        let mut messages = connection.copy_out_raw(&copy).await?;
        let mut page = Vec::with_capacity(PAGE);
        while let Some(message) = messages.try_next().await? {
            let event = event(&message, &mut self.names).map_err(sqlx::Error::Decode)?;
            let Some(event) = event else { continue };
            if event.position != self.last + 1 {
                return Err(StoreError::Hole { after: self.last });
            }
            self.last = event.position;
            page.push(Arc::new(self.shared.upcast(event)?));
            if page.len() == PAGE {
                let full = std::mem::replace(&mut page, Vec::with_capacity(PAGE));
                if self.pages.send(Ok(full)).await.is_err() {
                    return Ok(());
                }
            }
        }
        if !page.is_empty() {
            // `read` checks before the next range whether the receiver still exists.
            let _ = self.pages.send(Ok(page)).await;
        }
        Ok(())
    }
}

/// The header of the COPY stream, with which the first message begins.
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// Parses the event of one message; None for the last message, which has no row.
fn event(message: &[u8], names: &mut InternedNames) -> Result<Option<RecordedEvent>, BoxDynError> {
    let mut message = CopyMessage(message);
    if message.0.starts_with(SIGNATURE) {
        message.take(SIGNATURE.len())?;
        let _flags: [u8; 4] = message.array()?;
        let extension = u32::from_be_bytes(message.array()?);
        message.take(extension as usize)?;
    }
    let columns = i16::from_be_bytes(message.array()?);
    (columns >= 0).then(|| message.event(names)).transpose()
}

/// The part of a message that is not parsed yet.
struct CopyMessage<'m>(&'m [u8]);

impl<'m> CopyMessage<'m> {
    /// The columns of [`columns!`], in its order.
    fn event(&mut self, names: &mut InternedNames) -> Result<RecordedEvent, BoxDynError> {
        Ok(RecordedEvent {
            position: i64::from_be_bytes(self.fixed()?),
            stream_type: names.get(self.text()?),
            stream_id: Uuid::from_bytes(self.fixed()?),
            version: i32::from_be_bytes(self.fixed()?),
            event_type: names.get(self.text()?),
            schema_version: i16::from_be_bytes(self.fixed()?),
            payload: self.text()?.to_owned(),
            command_id: self.optional()?.map(Uuid::from_slice).transpose()?,
            request_hash: self.optional()?.map(TryInto::try_into).transpose()?,
            metadata: self.optional()?.map(str::from_utf8).transpose()?.map(str::to_owned),
            correlation_id: Uuid::from_bytes(self.fixed()?),
            caused_by: self.optional()?.map(TryInto::try_into).transpose()?.map(i64::from_be_bytes),
            actor: self.text()?.into(),
            recorded_at: time(i64::from_be_bytes(self.fixed()?))?,
        })
    }

    fn text(&mut self) -> Result<&'m str, BoxDynError> {
        Ok(str::from_utf8(self.value()?)?)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], BoxDynError> {
        Ok(self.value()?.try_into()?)
    }

    fn value(&mut self) -> Result<&'m [u8], BoxDynError> {
        self.optional()?.ok_or_else(|| "a column that is never null is null".into())
    }

    /// Parses a value with its length; null has a negative length.
    fn optional(&mut self) -> Result<Option<&'m [u8]>, BoxDynError> {
        let length = i32::from_be_bytes(self.array()?);
        usize::try_from(length).ok().map(|length| self.take(length)).transpose()
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], BoxDynError> {
        Ok(self.take(N)?.try_into()?)
    }

    fn take(&mut self, length: usize) -> Result<&'m [u8], BoxDynError> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or("a COPY message ends in the middle of a value")?;
        self.0 = rest;
        Ok(taken)
    }
}

/// Postgres counts microseconds from 2000-01-01.
fn time(micros: i64) -> Result<DateTime<Utc>, BoxDynError> {
    const EPOCH: i64 = 946_684_800_000_000;
    let since_1970 = micros.checked_add(EPOCH).and_then(DateTime::from_timestamp_micros);
    since_1970.ok_or_else(|| "a recorded_at is out of range".into())
}

/// Stream types and event types: they are few and repeat, so each is allocated once.
#[derive(Default)]
struct InternedNames(HashSet<Arc<str>>);

impl InternedNames {
    fn get(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.get(name) {
            return known.clone();
        }
        let name: Arc<str> = name.into();
        self.0.insert(name.clone());
        name
    }
}

//! Reading the log as fast as Postgres gives it: by binary COPY, one range of positions after another.

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

/// Positions of one statement: a snapshot that lives for long holds up vacuum.
const RANGE: i64 = 50_000;
/// Events of one page.
const PAGE: usize = 1_000;
/// Pages that are read before anybody takes them.
const AHEAD: usize = 2;

/// In log order and without a hole; nothing follows an error.
pub type Pages = mpsc::Receiver<Result<Vec<Arc<RecordedEvent>>, StoreError>>;

/// Sends the events after a position up to another, until nobody listens any more.
pub(crate) fn pages(shared: Arc<Shared>, after: i64, to: i64) -> Pages {
    let (pages, receiver) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        let mut reader = Reader { shared, last: after, names: Names::default(), pages };
        if let Err(error) = reader.read(after, to).await {
            // Whoever no longer listens does not mind.
            let _ = reader.pages.send(Err(error)).await;
        }
    });
    receiver
}

struct Reader {
    shared: Arc<Shared>,
    /// The position of the last event that was read.
    last: i64,
    names: Names,
    pages: mpsc::Sender<Result<Vec<Arc<RecordedEvent>>, StoreError>>,
}

impl Reader {
    async fn read(&mut self, after: i64, to: i64) -> Result<(), StoreError> {
        self.shared.running()?;
        let mut connection = PgConnection::connect_with(&self.shared.connection).await?;
        // A statement that waits for its listener has not gone astray.
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
            // The next range finds out whether anybody still listens.
            let _ = self.pages.send(Ok(page)).await;
        }
        Ok(())
    }
}

/// What the first message begins with, before its tuple.
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// The event of one message: Postgres sends one for every row, and one more for the end.
fn event(message: &[u8], names: &mut Names) -> Result<Option<RecordedEvent>, BoxDynError> {
    let mut message = Message(message);
    if message.0.starts_with(SIGNATURE) {
        message.take(SIGNATURE.len())?;
        let _flags: [u8; 4] = message.array()?;
        let extension = u32::from_be_bytes(message.array()?);
        message.take(extension as usize)?;
    }
    let columns = i16::from_be_bytes(message.array()?);
    (columns >= 0).then(|| message.event(names)).transpose()
}

/// What is left of a message.
struct Message<'m>(&'m [u8]);

impl<'m> Message<'m> {
    /// The columns of [`columns!`], in its order.
    fn event(&mut self, names: &mut Names) -> Result<RecordedEvent, BoxDynError> {
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
        self.optional()?.ok_or_else(|| "a column that cannot be null is null".into())
    }

    /// A value after its length; the length of null is below zero.
    fn optional(&mut self) -> Result<Option<&'m [u8]>, BoxDynError> {
        let length = i32::from_be_bytes(self.array()?);
        usize::try_from(length).ok().map(|length| self.take(length)).transpose()
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], BoxDynError> {
        Ok(self.take(N)?.try_into()?)
    }

    fn take(&mut self, length: usize) -> Result<&'m [u8], BoxDynError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or("a message ends too early")?;
        self.0 = rest;
        Ok(taken)
    }
}

/// Postgres counts microseconds from the beginning of 2000.
fn time(micros: i64) -> Result<DateTime<Utc>, BoxDynError> {
    const EPOCH: i64 = 946_684_800_000_000;
    let since_1970 = micros.checked_add(EPOCH).and_then(DateTime::from_timestamp_micros);
    since_1970.ok_or_else(|| "a time is out of range".into())
}

/// Types come again and again, and are kept once.
#[derive(Default)]
struct Names(HashSet<Arc<str>>);

impl Names {
    fn get(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.get(name) {
            return known.clone();
        }
        let name: Arc<str> = name.into();
        self.0.insert(name.clone());
        name
    }
}

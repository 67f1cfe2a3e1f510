//! The call of `append_events`: the batch as arrays of columns, and the answer as one outcome for
//! each item.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row};
use uuid::Uuid;

use crate::batch::{Batch, HeadInBatch};
use crate::heads::KnownHeads;
use crate::{Append, AppendOutcome};

const APPEND_EVENTS: &str = "select * from append_events(\
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, \
    $21, $22)";

/// Writes the batch in one statement; inside a transaction, as part of it.
///
/// `committed` is a position known to be committed: the statement fails if the log ends below it.
/// The known heads in `heads` are not looked up in the table unless another node has written.
pub(crate) async fn append(
    connection: &mut PgConnection,
    batch: &Batch,
    committed: i64,
    heads: &KnownHeads,
) -> Result<BatchAnswer, sqlx::Error> {
    let columns = AppendArguments::new(batch, heads);
    let rows: Vec<AnswerRow> = sqlx::query_as(APPEND_EVENTS)
        .bind(committed)
        .bind(heads.log())
        .bind(&columns.item_commands)
        .bind(&columns.item_sizes)
        .bind(&columns.base_items)
        .bind(&columns.base_streams)
        .bind(&columns.base_positions)
        .bind(&columns.base_pending)
        .bind(&columns.base_trusted)
        .bind(&columns.event_items)
        .bind(&columns.stream_types)
        .bind(&columns.stream_ids)
        .bind(&columns.versions)
        .bind(&columns.event_types)
        .bind(&columns.schema_versions)
        .bind(&columns.payloads)
        .bind(&columns.command_ids)
        .bind(&columns.request_hashes)
        .bind(&columns.metadata)
        .bind(&columns.correlation_ids)
        .bind(&columns.caused_by)
        .bind(&columns.actors)
        .fetch_all(connection)
        .await?;
    BatchAnswer::new(batch, rows)
}

/// The statement's answer.
#[derive(Debug)]
pub(crate) struct BatchAnswer {
    pub(crate) outcomes: Vec<AppendOutcome>,
    /// The position of the log's last event before this batch.
    pub(crate) before: i64,
    /// The position of the log's last event after this batch.
    pub(crate) head: i64,
}

/// Item 0 is about the whole batch. The others are refused items, counted from 1.
struct AnswerRow {
    item: i32,
    first_position: Option<i64>,
    last_position: Option<i64>,
    recorded_at: Option<DateTime<Utc>>,
    request_hash: Option<Vec<u8>>,
    moved_stream: Option<Uuid>,
}

impl<'r> FromRow<'r, PgRow> for AnswerRow {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        Ok(AnswerRow {
            item: row.try_get("item")?,
            first_position: row.try_get("first_position")?,
            last_position: row.try_get("last_position")?,
            recorded_at: row.try_get("recorded_at")?,
            request_hash: row.try_get("request_hash")?,
            moved_stream: row.try_get("moved_stream")?,
        })
    }
}

impl AnswerRow {
    fn refusal(&self) -> Option<AppendOutcome> {
        if let Some(stream_id) = self.moved_stream {
            return Some(AppendOutcome::Conflict { stream_id });
        }
        Some(AppendOutcome::Duplicate {
            first: self.first_position?,
            last: self.last_position?,
            request_hash: self.hash(),
        })
    }

    fn hash(&self) -> Option<[u8; 32]> {
        self.request_hash.as_deref()?.try_into().ok()
    }
}

impl BatchAnswer {
    /// Calculates the positions of the accepted items, which follow each other in order.
    fn new(batch: &Batch, rows: Vec<AnswerRow>) -> Result<BatchAnswer, sqlx::Error> {
        let mut refused: Vec<Option<AppendOutcome>> = vec![None; batch.items.len()];
        let mut written = None;
        for row in rows {
            match row.item {
                0 => written = row.first_position.zip(row.last_position).zip(row.recorded_at),
                item => refused[item as usize - 1] = row.refusal(),
            }
        }
        let Some(((first, head), recorded_at)) = written else {
            return Err(sqlx::Error::RowNotFound);
        };
        let mut next = first;
        let mut outcomes = Vec::with_capacity(batch.items.len());
        for (item, refused) in batch.items.iter().zip(refused) {
            let count = item.queued.append.events.len() as i64;
            outcomes.push(match refused {
                Some(refusal) => refusal,
                None if count == 0 => AppendOutcome::Confirmed,
                None => AppendOutcome::Appended {
                    first: next,
                    last: next + count - 1,
                    recorded_at: recorded_at + TimeDelta::microseconds(next - first),
                },
            });
            if matches!(outcomes.last(), Some(AppendOutcome::Appended { .. })) {
                next += count;
            }
        }
        if next != head + 1 {
            let text = format!(
                "the log ends at position {head}, but by count it should end at {}",
                next - 1
            );
            return Err(sqlx::Error::Protocol(text));
        }
        Ok(BatchAnswer { outcomes, before: first - 1, head })
    }
}

/// Whether the append writes the stream's first event; the table refuses that if the stream exists.
fn begins_stream(append: &Append, stream_id: Uuid) -> bool {
    append.events.iter().any(|event| event.stream_id == stream_id && event.version == 1)
}

/// The arguments of `append_events`, with its order and names: it calls an expected head a base.
#[derive(Default)]
struct AppendArguments<'a> {
    item_commands: Vec<Uuid>,
    item_sizes: Vec<i32>,
    base_items: Vec<i32>,
    base_streams: Vec<Uuid>,
    base_positions: Vec<Option<i64>>,
    base_pending: Vec<Option<i32>>,
    base_trusted: Vec<bool>,
    event_items: Vec<i32>,
    stream_types: Vec<&'a str>,
    stream_ids: Vec<Uuid>,
    versions: Vec<i32>,
    event_types: Vec<&'a str>,
    schema_versions: Vec<i16>,
    payloads: Vec<&'a str>,
    command_ids: Vec<Option<Uuid>>,
    request_hashes: Vec<Option<&'a [u8]>>,
    metadata: Vec<Option<&'a str>>,
    correlation_ids: Vec<Uuid>,
    caused_by: Vec<Option<i64>>,
    actors: Vec<&'a str>,
}

impl<'a> AppendArguments<'a> {
    fn new(batch: &'a Batch, heads: &KnownHeads) -> Self {
        let mut columns = AppendArguments::default();
        for (number, item) in (1..).zip(&batch.items) {
            let append = &item.queued.append;
            columns.item_commands.push(append.command.id);
            columns.item_sizes.push(append.events.len() as i32);
            for (stream_id, head) in &item.heads {
                let is_trusted = match head {
                    HeadInBatch::At(0) if begins_stream(append, *stream_id) => true,
                    HeadInBatch::At(position) => heads.is_at(*stream_id, *position),
                    HeadInBatch::WrittenBy(_) => false,
                };
                columns.add_base(number, *stream_id, *head, is_trusted);
            }
            columns.add_events(number, append);
        }
        columns
    }

    fn add_base(&mut self, item: i32, stream_id: Uuid, head: HeadInBatch, is_trusted: bool) {
        let (position, pending) = match head {
            HeadInBatch::At(position) => (Some(position), None),
            HeadInBatch::WrittenBy(writer) => (None, Some(writer as i32 + 1)),
        };
        self.base_items.push(item);
        self.base_streams.push(stream_id);
        self.base_positions.push(position);
        self.base_pending.push(pending);
        self.base_trusted.push(is_trusted);
    }

    fn add_events(&mut self, item: i32, append: &'a Append) {
        let command = &append.command;
        for (index, event) in append.events.iter().enumerate() {
            let first = index == 0;
            self.event_items.push(item);
            self.stream_types.push(event.stream_type);
            self.stream_ids.push(event.stream_id);
            self.versions.push(event.version);
            self.event_types.push(event.event_type);
            self.schema_versions.push(event.schema_version);
            self.payloads.push(&event.payload);
            self.command_ids.push(first.then_some(command.id));
            let hash = command.request_hash.as_ref().filter(|_| first);
            self.request_hashes.push(hash.map(|hash| hash.as_slice()));
            self.metadata.push(first.then_some(command.metadata.as_str()));
            self.correlation_ids.push(command.correlation_id);
            self.caused_by.push(command.caused_by);
            self.actors.push(&command.actor);
        }
    }
}

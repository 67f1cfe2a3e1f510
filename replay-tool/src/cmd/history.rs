//! `history`: prints the events of one stream as they are stored.

use std::borrow::Cow;
use std::fmt;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use domain::coupon::CouponCode;
use domain::{Kind, Sku, StreamId};
use event_store::RecordedEvent;
use projections::ReadModels;
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::database::Database;
use crate::error::Error;
use crate::output::Output;
use crate::verdict::Verdict;

/// How many events are read at once, since a popular SKU's stock may have a hundred thousand.
const PAGE: i64 = 1_000;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The kind of the stream.
    #[arg(value_parser = PossibleValuesParser::new(Kind::ALL.map(Kind::as_str))
        .try_map(|name| name.parse::<Kind>().map_err(|()| UnknownKind)))]
    kind: Kind,
    /// The stream's UUID, or its natural key: the SKU of a product or its inventory, the number of
    /// an order, the code of a coupon.
    id: String,
    /// Print payloads over several lines.
    #[arg(long)]
    pretty: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("there is no such kind of stream")]
struct UnknownKind;

/// An event with its envelope.
#[derive(Debug, Serialize)]
struct HistoryLine<'a> {
    position: i64,
    version: i32,
    recorded_at: chrono::DateTime<chrono::Utc>,
    actor: &'a str,
    event_type: &'a str,
    schema_version: i16,
    /// Set on the first event of each command only.
    command_id: Option<Uuid>,
    /// The command that began the chain of causes.
    correlation_id: Uuid,
    /// The position of the event that caused this one.
    caused_by: Option<i64>,
    payload: &'a RawValue,
    #[serde(skip)]
    pretty: bool,
}

pub(crate) async fn run(
    database: &Database,
    options: &Options,
    output: &Output,
) -> Result<Verdict, Error> {
    let stream = find(database, options).await?;
    let mut reader = database.reader().await?;
    let mut after = 0;
    loop {
        let events = page(&mut reader, stream, after).await?;
        if events.is_empty() {
            break;
        }
        if after == 0 {
            output.remark(stream)?;
            output.remark(HEADINGS)?;
        }
        for event in &events {
            show(event, options, output)?;
            after = event.version;
        }
    }
    match after {
        0 => Err(Error::NotFound(format!("there is no {} '{}'", options.kind, options.id))),
        _ => Ok(Verdict::Ok),
    }
}

/// The stream of a UUID or a natural key.
async fn find(database: &Database, options: &Options) -> Result<StreamId, Error> {
    let Options { kind, id, .. } = options;
    if let Ok(id) = id.parse() {
        return Ok(StreamId::new(*kind, id));
    }
    match kind {
        Kind::Product => Ok(sku(id)?.product()),
        Kind::Inventory => Ok(sku(id)?.inventory()),
        Kind::Coupon => Ok(coupon(id)?.stream()),
        Kind::Order => by_number(database, id).await,
        Kind::Cart | Kind::Payment | Kind::Notification => {
            Err(Error::Usage(format!("'{id}' is no UUID: a {kind} can only be found by its UUID")))
        }
    }
}

fn sku(text: &str) -> Result<Sku, Error> {
    text.parse().map_err(|_| {
        Error::Usage(format!("'{text}' is neither a UUID nor a SKU: give the one or the other"))
    })
}

fn coupon(text: &str) -> Result<CouponCode, Error> {
    text.parse().map_err(|_| {
        let problem = "is neither a UUID nor the code of a coupon: give the one or the other";
        Error::Usage(format!("'{text}' {problem}"))
    })
}

async fn by_number(database: &Database, number: &str) -> Result<StreamId, Error> {
    let store = database.store().await?;
    let order = ReadModels::new(store.pool().clone()).order_by_number(number).await;
    store.shutdown().await;
    let Some(order) = order? else {
        return Err(Error::NotFound(format!(
            "there is no order '{number}' in the read model 'orders': check the number, or give the \
             order's UUID"
        )));
    };
    Ok(StreamId::new(Kind::Order, order.id))
}

/// Reads the table without the checks of the event store, so that a stream with a hole can be shown
/// too.
async fn page(
    reader: &mut PgConnection,
    stream: StreamId,
    after: i32,
) -> Result<Vec<RecordedEvent>, sqlx::Error> {
    sqlx::query_as(
        "select position, stream_type, stream_id, version, event_type, schema_version, payload,
                command_id, request_hash, metadata, correlation_id, caused_by, actor, recorded_at
         from events
         where stream_id = $1 and version > $2 and stream_type = $3
         order by version limit $4",
    )
    .bind(stream.id)
    .bind(after)
    .bind(stream.kind.as_str())
    .bind(PAGE)
    .fetch_all(reader)
    .await
}

fn show(event: &RecordedEvent, options: &Options, output: &Output) -> Result<(), Error> {
    // JSON may have line breaks between tokens, but not in strings.
    let payload = if event.payload.contains(['\n', '\r']) {
        Cow::Owned(event.payload.replace(['\n', '\r'], " "))
    } else {
        Cow::Borrowed(event.payload.as_str())
    };
    let payload: &RawValue = serde_json::from_str(&payload).map_err(std::io::Error::from)?;
    output.show(&HistoryLine {
        position: event.position,
        version: event.version,
        recorded_at: event.recorded_at,
        actor: &event.actor,
        event_type: &event.event_type,
        schema_version: event.schema_version,
        command_id: event.command_id,
        correlation_id: event.correlation_id,
        caused_by: event.caused_by,
        payload,
        pretty: options.pretty,
    })
}

const HEADINGS: &str =
    "    position version  time                         type                          actor, cause";

impl fmt::Display for HistoryLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.recorded_at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        write!(
            f,
            "{:>12} {:>7}  {time}  {:<28}  {}",
            self.position, self.version, self.event_type, self.actor
        )?;
        if let Some(command) = self.command_id {
            write!(f, ", command {command}")?;
        }
        if self.command_id != Some(self.correlation_id) {
            write!(f, ", of {}", self.correlation_id)?;
        }
        if let Some(position) = self.caused_by {
            write!(f, ", caused by {position}")?;
        }
        let payload = self.payload.get();
        let pretty = self.pretty.then(|| pretty(payload)).flatten();
        let payload = pretty.as_deref().unwrap_or(payload);
        payload.lines().try_for_each(|line| write!(f, "\n             {line}"))
    }
}

fn pretty(payload: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(payload).ok()?;
    serde_json::to_string_pretty(&value).ok()
}

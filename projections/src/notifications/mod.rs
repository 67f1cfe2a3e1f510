//! Notifications by id, by order, by customer, by page.

mod query;

use cqrs_es::Aggregate as _;
use domain::notification::{Notification, OutgoingMessage};
use domain::{Event, Kind};

pub use self::query::Filter;
use crate::projection::Statement;
use crate::row::{Aggregates, Row, column, row_columns};
use crate::tuples::Tuples;

pub(crate) struct Notifications;

impl Aggregates for Notifications {
    const TABLE: &'static str = "notifications";
    const VERSION: i32 = 1;
    const KIND: Kind = Kind::Notification;
    const LOAD: &'static str =
        concat!("select ", row_columns!(), " from notifications where id = any($1)");
    const COLUMNS: &'static str =
        concat!(row_columns!(), ", template, status, customer_id, order_id");
    type State = Notification;

    fn fold(notification: &mut Notification, event: &Event) {
        if let Event::Notification(event) = event {
            notification.apply(event.clone());
        }
    }

    const SAVE: &'static str =
        "insert into notifications (id, version, position, created_at, updated_at, state,
                                    template, status, customer_id, order_id)
         select id, version, position, created_at, updated_at, state::json,
                template, status, customer_id, order_id
         from unnest($1::uuid[], $2::int[], $3::bigint[], $4::timestamptz[],
                     $5::timestamptz[], $6::text[], $7::text[], $8::text[], $9::uuid[],
                     $10::uuid[])
           as row (id, version, position, created_at, updated_at, state,
                   template, status, customer_id, order_id)
         on conflict (id) do update set
             version = excluded.version, position = excluded.position,
             updated_at = excluded.updated_at, state = excluded.state,
             status = excluded.status";

    fn bind_columns(save: Statement, rows: &[&Row<Notification>]) -> Statement {
        save.bind(column(rows, |row| {
            of(row, |outgoing| outgoing.request.message.template().as_str())
        }))
        .bind(column(rows, |row| of(row, |outgoing| outgoing.status().as_str())))
        .bind(column(rows, customer))
        .bind(column(rows, order))
    }

    fn copy(row: &Row<Notification>, to: &mut Tuples) -> Result<(), sqlx::Error> {
        to.put(of(row, |outgoing| outgoing.request.message.template().as_str()))?;
        to.put(of(row, |outgoing| outgoing.status().as_str()))?;
        to.put(customer(row))?;
        to.put(order(row))
    }
}

/// A stream that does not begin with `notification.requested` has no value for the columns, and is
/// refused.
fn of<V>(row: &Row<Notification>, value: impl Fn(&OutgoingMessage) -> V) -> Option<V> {
    row.state.outgoing_message().map(value)
}

fn customer(row: &Row<Notification>) -> Option<uuid::Uuid> {
    Some(row.state.outgoing_message()?.customer()?.0)
}

fn order(row: &Row<Notification>) -> Option<uuid::Uuid> {
    Some(row.state.outgoing_message()?.request.order?.0)
}

//! Notifications by id, by order, by customer, by page.

mod query;

use std::sync::LazyLock;

use cqrs_es::Aggregate as _;
use domain::notification::{Notification, OutgoingMessage};
use domain::{Event, Kind};

pub use self::query::Filter;
use crate::row::{Aggregates, Row};
use crate::table::{Column, Table};

pub(crate) struct Notifications;

static TABLE: LazyLock<Table<Row<Notification>>> = LazyLock::new(|| {
    let columns = [
        Column::text("template", |row| Some(outgoing(row)?.request.message.template().as_str())),
        Column::text("status", |row| Some(outgoing(row)?.status().as_str())),
        Column::uuid("customer_id", |row| Some(outgoing(row)?.customer()?.0)),
        Column::uuid("order_id", |row| Some(outgoing(row)?.request.order?.0)),
    ];
    Table::of_aggregates("notifications", columns)
});

impl Aggregates for Notifications {
    const VERSION: i32 = 1;
    const KIND: Kind = Kind::Notification;
    type State = Notification;

    fn table() -> &'static Table<Row<Notification>> {
        &TABLE
    }

    fn fold(notification: &mut Notification, event: &Event) {
        if let Event::Notification(event) = event {
            notification.apply(event.clone());
        }
    }
}

/// None if the stream does not begin with `notification.requested`. Its columns are then null, so
/// the table refuses the row.
fn outgoing(row: &Row<Notification>) -> Option<&OutgoingMessage> {
    row.state.outgoing_message()
}

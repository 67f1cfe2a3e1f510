//! Relay connections from the slices of read models.

use async_graphql::OutputType;
use async_graphql::connection::{Connection, Edge};
use projections::{Cursor, Page, Slice};

use super::errors::fault;

/// The page size where a client names none.
const FIRST: i32 = 20;

/// The page that a client asks for.
///
/// # Errors
/// `BAD_USER_INPUT` where `first` is not from 0 to 100.
pub fn page(first: Option<i32>, after: Option<String>) -> async_graphql::Result<Page> {
    let first = i64::from(first.unwrap_or(FIRST));
    if !(0..=Page::MAX).contains(&first) {
        let message = format!("first is a number from 0 to {}, not {first}", Page::MAX);
        return Err(fault("BAD_USER_INPUT", &message));
    }
    Ok(Page::new(first, after.map(Cursor::new)))
}

/// The connection of a slice; rows that are no object are left out.
pub fn connect<Row, Node: OutputType>(
    slice: Slice<Row>,
    has_previous: bool,
    node: impl Fn(Row) -> Option<Node>,
) -> Connection<String, Node> {
    let mut connection = Connection::new(has_previous, slice.has_next);
    connection.edges.extend(
        slice
            .items
            .into_iter()
            .filter_map(|(cursor, row)| Some(Edge::new(cursor.to_string(), node(row)?))),
    );
    connection
}

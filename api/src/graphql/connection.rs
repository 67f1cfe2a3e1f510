//! Makes Relay connections of the slices that read models return.

use crate::graphql_http::error_with_code;
use async_graphql::SimpleObject;
use projections::{Cursor, Page, Slice};

/// The default page size.
const DEFAULT_PAGE_SIZE: i32 = 20;

/// Parses the arguments `first` and `after`.
///
/// # Errors
/// `BAD_USER_INPUT` if `first` is not from 0 to 100.
pub fn parse_page(first: Option<i32>, after: Option<String>) -> async_graphql::Result<Page> {
    let first = i64::from(first.unwrap_or(DEFAULT_PAGE_SIZE));
    if !(0..=Page::MAX).contains(&first) {
        let message = format!("first must be between 0 and {}, got {first}", Page::MAX);
        return Err(error_with_code("BAD_USER_INPUT", message));
    }
    Ok(Page::new(first, after.map(Cursor::new)))
}

/// Tells whether a connection has more pages, and the cursors to ask for them. Pages are read
/// forwards only, with `first` and `after`.
#[derive(Debug, Default, SimpleObject)]
pub struct PageInfo {
    /// True if this page does not start at the beginning of the list, that is if `after` was given.
    has_previous_page: bool,
    /// True if the list goes on after this page.
    has_next_page: bool,
    /// Cursor of the first object of the page; null if the page is empty.
    start_cursor: Option<String>,
    /// Cursor of the last object of the page, to be passed as `after` for the next page; null if the
    /// page is empty.
    end_cursor: Option<String>,
}

/// A page of nodes as the schema shows it. [`connection!`] declares one for each type of node.
pub trait Connection {
    type Node;

    fn new(page_info: PageInfo, nodes: Vec<(String, Self::Node)>) -> Self;
}

/// Makes a connection of a slice. Rows for which `node` returns `None` are left out.
pub fn connect<Row, C: Connection>(
    slice: Slice<Row>,
    has_previous_page: bool,
    node: impl Fn(Row) -> Option<C::Node>,
) -> C {
    let nodes: Vec<_> = slice
        .items
        .into_iter()
        .filter_map(|(cursor, row)| Some((cursor.to_string(), node(row)?)))
        .collect();
    let cursor = |node: &(String, C::Node)| node.0.clone();
    let page_info = PageInfo {
        has_previous_page,
        has_next_page: slice.has_next,
        start_cursor: nodes.first().map(cursor),
        end_cursor: nodes.last().map(cursor),
    };
    C::new(page_info, nodes)
}

/// Declares the connection type and the edge type of a node type. async-graphql's own generic types are not used,
/// because they have the same descriptions for every node type and none for the connection itself.
macro_rules! connection {
    ($connection:ident, $edge:ident, $node:ty, $one:literal, $many:literal) => {
        #[doc = concat!("One page of a list of ", $many, ".")]
        #[derive(Debug, Default, async_graphql::SimpleObject)]
        #[graphql(complex)]
        pub struct $connection {
            #[doc = concat!("Whether there are more ", $many, ", and the cursors to ask for them.")]
            page_info: $crate::graphql::connection::PageInfo,
            #[doc = concat!("The ", $many, " of this page, each with its cursor.")]
            edges: Vec<$edge>,
        }

        #[doc = concat!("A place in a list of ", $many, ": the ", $one, " and its cursor.")]
        #[derive(Debug, async_graphql::SimpleObject)]
        pub struct $edge {
            #[doc = concat!("The ", $one, " at this place of the list.")]
            node: $node,
            #[doc = concat!("Pass it as `after` to get the ", $many, " that follow this one.")]
            cursor: String,
        }

        #[async_graphql::ComplexObject]
        impl $connection {
            #[doc = concat!("The ", $many, " of this page without their cursors.")]
            async fn nodes(&self) -> Vec<&$node> {
                self.edges.iter().map(|edge| &edge.node).collect()
            }
        }

        impl $crate::graphql::connection::Connection for $connection {
            type Node = $node;

            fn new(
                page_info: $crate::graphql::connection::PageInfo,
                nodes: Vec<(String, $node)>,
            ) -> Self {
                let edges = nodes.into_iter().map(|(cursor, node)| $edge { node, cursor });
                $connection { page_info, edges: edges.collect() }
            }
        }
    };
}
pub(super) use connection;

//! Queries for orders.

use domain::order::{Order, OrderStatus};
use domain::{CartId, CustomerId, OrderId, Timestamp};
use uuid::Uuid;

use super::TABLE;
use crate::page::{Cursor, Page, QueryError, Slice, TimeKey};
use crate::read_models::ReadModels;
use crate::row::Row;

/// A row matches if it matches every field that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    pub status: Option<OrderStatus>,
    pub customer: Option<CustomerId>,
    /// Placed at this time or later.
    pub placed_from: Option<Timestamp>,
    /// Placed before this time.
    pub placed_to: Option<Timestamp>,
}

impl ReadModels {
    pub async fn order(&self, order: OrderId) -> Result<Option<Row<Order>>, QueryError> {
        Ok(self.orders_by_id(&[order.0]).await?.pop())
    }

    /// The orders with these ids that exist, in no particular order.
    pub async fn orders_by_id(&self, ids: &[Uuid]) -> Result<Vec<Row<Order>>, QueryError> {
        Ok(TABLE.select_by_ids(ids).fetch_all(self.pool()).await?)
    }

    pub async fn order_by_number(&self, number: &str) -> Result<Option<Row<Order>>, QueryError> {
        let select = TABLE.select("where number = $1 order by placed_at limit 1");
        Ok(select.bind(number).fetch_optional(self.pool()).await?)
    }

    /// The order that was placed from a cart. Guests, who have only the token of their cart, find
    /// their order by this.
    pub async fn order_by_cart(&self, cart: CartId) -> Result<Option<Row<Order>>, QueryError> {
        let select = TABLE.select("where cart_id = $1 order by placed_at desc limit 1");
        Ok(select.bind(cart.0).fetch_optional(self.pool()).await?)
    }

    /// Newest first.
    pub async fn orders(
        &self,
        filter: &Filter,
        page: &Page,
    ) -> Result<Slice<Row<Order>>, QueryError> {
        let mut query = TABLE.filter();
        if let Some(TimeKey(at, id)) = page.after()? {
            query.push(" and (placed_at, id) < (").push_bind(at);
            query.push(", ").push_bind(id).push(")");
        }
        if let Some(status) = filter.status {
            query.push(" and status = ").push_bind(status.as_str());
        }
        if let Some(customer) = filter.customer {
            query.push(" and customer_id = ").push_bind(customer.0);
        }
        if let Some(from) = filter.placed_from {
            query.push(" and placed_at >= ").push_bind(from);
        }
        if let Some(to) = filter.placed_to {
            query.push(" and placed_at < ").push_bind(to);
        }
        query.push(" order by placed_at desc, id desc limit ").push(page.limit());
        let rows = query.build_query_as().fetch_all(self.pool()).await?;
        Ok(page.slice(rows, cursor))
    }
}

fn cursor(row: &Row<Order>) -> Cursor {
    let placed_at = row.state.details().map_or(row.created_at, |order| order.placed.at);
    TimeKey(placed_at, row.id).into()
}

//! Questions about orders.

use async_graphql::{Context, ID, InputObject, Object, Result};
use chrono::{DateTime, Utc};
use domain::{CustomerId, OrderId};
use projections::ReadModel;

use super::{Order, OrderStatus};
use crate::auth::Caller;
use crate::graphql::connection::{connect, connection, page};
use crate::graphql::errors::query_fault;
use crate::graphql::position::Position;
use crate::graphql::shop::{caller, may_use_order, shop};

/// Selects orders. Conditions that are left out or null match every order; all others must hold
/// together.
#[derive(Debug, Default, InputObject)]
pub struct OrderFilter {
    /// Only orders that have this status now.
    status: Option<OrderStatus>,
    /// Only orders of this customer. It is ignored for customers, who get only their own orders.
    customer_id: Option<ID>,
    /// Only orders placed at or after this time.
    placed_from: Option<DateTime<Utc>>,
    /// Only orders placed before this time.
    placed_to: Option<DateTime<Utc>>,
}

connection!(OrderConnection, OrderEdge, Order, "order", "orders");

#[derive(Debug, Default)]
pub struct OrderQuery;

#[Object]
impl OrderQuery {
    /// An order by its id or its number; if both are given, the id decides. Null if there is none
    /// that the caller may see, or if neither is given.
    ///
    /// Anyone may call it: guests for the order of their cart, customers for their own orders, staff
    /// for all.
    async fn order(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The order's UUID, as in `Order.id`.")] id: Option<ID>,
        #[graphql(desc = "The short number that people use, such as `C-10001`.")] number: Option<
            String,
        >,
        #[graphql(desc = "Wait until orders show the event at this position.")]
        min_position: Option<Position>,
    ) -> Result<Option<Order>> {
        shop(ctx).fresh(&[ReadModel::Orders], min_position).await?;
        match (id, number) {
            (Some(id), _) => match id.parse() {
                Ok(id) => order(ctx, OrderId(id)).await,
                Err(_) => Ok(None),
            },
            (None, Some(number)) => {
                let row = shop(ctx).read_models.order_by_number(&number).await;
                let row = row.map_err(query_fault)?;
                let order = row.and_then(|row| Order::new(OrderId(row.id), row.version, row.state));
                Ok(order.filter(|order| may_use_order(caller(ctx), order.details())))
            }
            (None, None) => Ok(None),
        }
    }

    /// Orders, the newest first. Guests get the one order that was placed with their cart, customers
    /// their own orders and staff all orders.
    ///
    /// Anyone may call it.
    async fn orders(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Size of the page of orders, 0 to 100; 20 by default.")] first: Option<
            i32,
        >,
        #[graphql(
            desc = "The `cursor` of the last order already seen; by default the list starts with the newest order."
        )]
        after: Option<String>,
        #[graphql(
            desc = "Conditions that the orders must all meet; without it, every order that the caller may see is listed. It is ignored for guests."
        )]
        filter: Option<OrderFilter>,
        #[graphql(desc = "Wait until the list of orders shows the event at this position.")]
        min_position: Option<Position>,
    ) -> Result<OrderConnection> {
        shop(ctx).fresh(&[ReadModel::Orders], min_position).await?;
        let (begun, page) = (after.is_some(), page(first, after)?);
        let Some(customer) = whose(caller(ctx), filter.as_ref()) else {
            return of_guest(ctx, begun).await;
        };
        let filter = filter.unwrap_or_default();
        let filter = projections::orders::Filter {
            status: filter.status.map(Into::into),
            customer,
            placed_from: filter.placed_from,
            placed_to: filter.placed_to,
        };
        let slice = shop(ctx).read_models.orders(&filter, &page).await.map_err(query_fault)?;
        Ok(connect(slice, begun, |row| Order::new(OrderId(row.id), row.version, row.state)))
    }
}

/// An order that the caller may see.
pub async fn order(ctx: &Context<'_>, id: OrderId) -> Result<Option<Order>> {
    let row = shop(ctx).read_models.order(id).await.map_err(query_fault)?;
    let order = row.and_then(|row| Order::new(id, row.version, row.state));
    Ok(order.filter(|order| may_use_order(caller(ctx), order.details())))
}

/// The customer to list, if any; nothing for callers who are no customer and no staff.
fn whose(caller: &Caller, filter: Option<&OrderFilter>) -> Option<Option<CustomerId>> {
    match caller {
        Caller::Customer { id } => Some(Some(*id)),
        staff if staff.is_staff() => {
            let named = filter.and_then(|filter| filter.customer_id.as_ref());
            // A text that is not an id becomes the nil id, which matches no customer.
            Some(named.map(|id| CustomerId(id.parse().unwrap_or_default())))
        }
        _ => None,
    }
}

/// A guest has at most the order that was placed with their cart.
async fn of_guest(ctx: &Context<'_>, begun: bool) -> Result<OrderConnection> {
    let placed = match caller(ctx) {
        Caller::Guest { cart } if !begun => shop(ctx).read_models.order_by_cart(*cart).await,
        _ => Ok(None),
    };
    let orders = placed.map_err(query_fault)?.into_iter().filter_map(|row| {
        let cursor = projections::Cursor::new(row.id.to_string());
        Some((cursor, Order::new(OrderId(row.id), row.version, row.state)?))
    });
    let items = orders.collect();
    Ok(connect(projections::Slice { items, has_next: false }, begun, Some))
}

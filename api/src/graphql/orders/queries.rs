//! The queries of orders.

use async_graphql::{Context, ID, InputObject, Object, Result};
use chrono::{DateTime, Utc};
use domain::OrderId;
use projections::ReadModel;

use super::{Order, OrderStatus};
use crate::auth::Caller;
use crate::graphql::connection::{connect, connection, parse_page};
use crate::graphql::errors::query_error;
use crate::graphql::position::Position;
use crate::graphql::shop::{caller, customer_filter, may_use_order, shop};

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
        shop(ctx).wait_for_models(&[ReadModel::Orders], min_position).await?;
        match (id, number) {
            (Some(id), _) => match id.parse() {
                Ok(id) => load_order(ctx, OrderId(id)).await,
                Err(_) => Ok(None),
            },
            (None, Some(number)) => {
                let row = shop(ctx).read_models.order_by_number(&number).await;
                let row = row.map_err(query_error)?;
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
        shop(ctx).wait_for_models(&[ReadModel::Orders], min_position).await?;
        let (has_previous, page) = (after.is_some(), parse_page(first, after)?);
        let named = filter.as_ref().and_then(|filter| filter.customer_id.as_ref());
        let Some(customer) = customer_filter(caller(ctx), named) else {
            return load_guest_orders(ctx, has_previous).await;
        };
        let filter = filter.unwrap_or_default();
        let filter = projections::orders::Filter {
            status: filter.status.map(Into::into),
            customer,
            placed_from: filter.placed_from,
            placed_to: filter.placed_to,
        };
        let slice = shop(ctx).read_models.orders(&filter, &page).await.map_err(query_error)?;
        Ok(connect(slice, has_previous, |row| Order::new(OrderId(row.id), row.version, row.state)))
    }
}

/// Loads an order, if the caller may see it.
pub async fn load_order(ctx: &Context<'_>, id: OrderId) -> Result<Option<Order>> {
    let row = shop(ctx).read_models.order(id).await.map_err(query_error)?;
    let order = row.and_then(|row| Order::new(id, row.version, row.state));
    Ok(order.filter(|order| may_use_order(caller(ctx), order.details())))
}

/// Loads the list of orders for a guest, who has at most the order that was placed with their cart.
async fn load_guest_orders(ctx: &Context<'_>, has_previous: bool) -> Result<OrderConnection> {
    let placed = match caller(ctx) {
        Caller::Guest { cart } if !has_previous => shop(ctx).read_models.order_by_cart(*cart).await,
        _ => Ok(None),
    };
    let orders = placed.map_err(query_error)?.into_iter().filter_map(|row| {
        let cursor = projections::Cursor::new(row.id.to_string());
        Some((cursor, Order::new(OrderId(row.id), row.version, row.state)?))
    });
    let items = orders.collect();
    Ok(connect(projections::Slice { items, has_next: false }, has_previous, Some))
}

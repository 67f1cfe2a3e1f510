//! The queries `node` and `nodes`, which find an object of any kind by its id.

use async_graphql::{Context, ID, Interface, Object, Result};
use chrono::Utc;
use domain::{CartId, NotificationId, OrderId, PaymentId};
use uuid::Uuid;

use super::carts::{Cart, load_cart};
use super::errors::query_error;
use super::inventory::InventoryItem;
use super::notifications::{Notification, load_notification};
use super::orders::{Order, load_order};
use super::payments::{Payment, load_payment};
use super::products::Product;
use super::shop::{caller, shop};
use crate::graphql_http::error_with_code;

/// An object with an id that is unique in the whole shop; `Query.node` finds it.
#[derive(Debug, Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "A UUID that never changes."))]
pub enum Node {
    Product(Product),
    Cart(Cart),
    Order(Order),
    Payment(Payment),
    InventoryItem(InventoryItem),
    Notification(Notification),
}

#[derive(Debug, Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// Finds a product, cart, order, payment, stock or notification by its id; coupons have codes
    /// instead. Null if nothing the caller may see has this id.
    ///
    /// Anyone may call it: guests and customers for products and what is their own, staff for all.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The UUID that the object has in its `id` field.")] id: ID,
    ) -> Result<Option<Node>> {
        find_node(ctx, &id).await
    }

    /// Finds up to 100 objects by their ids, as `node` does. The list has one entry for each id, in
    /// the same order; an entry is null if `node` would be. More than 100 ids fail with
    /// `BAD_USER_INPUT`.
    ///
    /// Anyone may call it: guests and customers for products and what is their own, staff for all.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Up to 100 UUIDs of objects, of any kind.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>> {
        if ids.len() > 100 {
            let message = format!("ids must have at most 100 entries, got {}", ids.len());
            return Err(error_with_code("BAD_USER_INPUT", message));
        }
        let mut nodes = Vec::with_capacity(ids.len());
        for id in &ids {
            nodes.push(find_node(ctx, id).await?);
        }
        Ok(nodes)
    }
}

/// Finds an object. An id does not show the kind of its object, so each read model is queried, the most likely first.
async fn find_node(ctx: &Context<'_>, id: &ID) -> Result<Option<Node>> {
    let Ok(id) = id.parse::<Uuid>() else { return Ok(None) };
    if let Some(order) = load_order(ctx, OrderId(id)).await? {
        return Ok(Some(order.into()));
    }
    if let Some(payment) = load_payment(ctx, PaymentId(id)).await? {
        return Ok(Some(payment.into()));
    }
    if let Some(cart) = load_cart(ctx, CartId(id)).await? {
        return Ok(Some(cart.into()));
    }
    let read_models = &shop(ctx).read_models;
    let products = read_models.products_by_id(&[id]).await.map_err(query_error)?;
    if let Some(product) = products.into_iter().find_map(|row| Product::new(row.version, row.state))
    {
        return Ok(Some(product.into()));
    }
    if let Some(notification) = load_notification(ctx, NotificationId(id)).await? {
        return Ok(Some(notification.into()));
    }
    if !caller(ctx).is_staff() {
        return Ok(None);
    }
    let items = read_models.inventory_items_by_id(&[id], Utc::now()).await.map_err(query_error)?;
    Ok(items.into_iter().next().map(|row| InventoryItem::from(row).into()))
}

//! Anything by its id.

use async_graphql::{Context, ID, Interface, Object, Result};
use chrono::Utc;
use domain::{CartId, NotificationId, OrderId, PaymentId};
use uuid::Uuid;

use super::carts::{Cart, cart};
use super::errors::query_fault;
use super::inventory::InventoryItem;
use super::notifications::{Notification, notification};
use super::orders::{Order, order};
use super::payments::{Payment, payment};
use super::products::Product;
use super::shop::{caller, shop};

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
        find(ctx, &id).await
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
            return Err(super::errors::fault("BAD_USER_INPUT", "ask for at most 100 nodes"));
        }
        let mut nodes = Vec::with_capacity(ids.len());
        for id in &ids {
            nodes.push(find(ctx, id).await?);
        }
        Ok(nodes)
    }
}

/// Ids do not say what they are of, so each table is asked, the likeliest first.
async fn find(ctx: &Context<'_>, id: &ID) -> Result<Option<Node>> {
    let Ok(id) = id.parse::<Uuid>() else { return Ok(None) };
    if let Some(order) = order(ctx, OrderId(id)).await? {
        return Ok(Some(order.into()));
    }
    if let Some(payment) = payment(ctx, PaymentId(id)).await? {
        return Ok(Some(payment.into()));
    }
    if let Some(cart) = cart(ctx, CartId(id)).await? {
        return Ok(Some(cart.into()));
    }
    let read_models = &shop(ctx).read_models;
    let products = read_models.products_by_id(&[id]).await.map_err(query_fault)?;
    if let Some(product) = products.into_iter().find_map(|row| Product::new(row.version, row.state))
    {
        return Ok(Some(product.into()));
    }
    if let Some(notification) = notification(ctx, NotificationId(id)).await? {
        return Ok(Some(notification.into()));
    }
    if !caller(ctx).is_staff() {
        return Ok(None);
    }
    let items = read_models.inventory_items_by_id(&[id], Utc::now()).await.map_err(query_fault)?;
    Ok(items.into_iter().next().map(|row| InventoryItem::from(row).into()))
}

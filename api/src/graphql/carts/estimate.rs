//! What an order for a cart would cost now.

use std::collections::HashMap;

use async_graphql::{Context, Result, SimpleObject};
use chrono::{DateTime, Utc};
use domain::cart::CartDetails;
use domain::checkout::quote;
use domain::coupon::Coupon;
use domain::order::Totals;
use domain::pricing::Charges;
use domain::product::Offer;

use crate::graphql::errors::query_fault;
use crate::graphql::money::Money;
use crate::graphql::shop::shop;

/// What an order for a cart would cost now: name its total as `expectedTotal` to be charged no other.
#[derive(Debug, SimpleObject)]
pub struct CartEstimate {
    /// The sum of the lines at present prices.
    subtotal: Money,
    /// What the coupon takes off.
    discount: Money,
    /// Why the coupon takes nothing off; an order would be refused.
    coupon_problem: Option<String>,
    /// What shipping costs.
    shipping: Money,
    /// Tax on goods and shipping, whether it comes on top or is included.
    tax: Money,
    /// What would be charged.
    total: Money,
}

/// The estimate; `None` if the cart is empty or something in it is no longer sold.
pub async fn estimate(
    ctx: &Context<'_>,
    details: &CartDetails,
    country: &str,
) -> Result<Option<CartEstimate>> {
    let Some(offers) = offers(ctx, details).await? else { return Ok(None) };
    let read_models = &shop(ctx).read_models;
    let coupon = match &details.coupon {
        Some(code) => read_models.coupon(code).await.map_err(query_fault)?.map(|row| row.state),
        None => None,
    };
    Ok(estimate_at(
        details,
        &offers,
        coupon.as_ref(),
        &shop(ctx).policy.charges.to(country),
        Utc::now(),
    ))
}

fn estimate_at(
    details: &CartDetails,
    offers: &[Offer],
    coupon: Option<&Coupon>,
    charges: &Charges,
    now: DateTime<Utc>,
) -> Option<CartEstimate> {
    let (quoted, coupon_problem) = match quote(details, offers, coupon, charges, now) {
        Err(refusal) if coupon.is_some() => {
            (quote(details, offers, None, charges, now), Some(refusal.to_string()))
        }
        quoted => (quoted, None),
    };
    let Totals { subtotal, shipping, discount, tax, total, .. } = quoted.ok()?.totals;
    Some(CartEstimate {
        subtotal: Money(subtotal),
        discount: Money(discount),
        coupon_problem,
        shipping: Money(shipping),
        tax: Money(tax),
        total: Money(total),
    })
}

/// The present offer of every line, in the order of the lines; `None` if one is no longer sold.
async fn offers(ctx: &Context<'_>, details: &CartDetails) -> Result<Option<Vec<Offer>>> {
    if details.lines.is_empty() {
        return Ok(None);
    }
    let ids: Vec<_> = details.lines.iter().map(|line| line.sku.product().id).collect();
    let rows = shop(ctx).read_models.products_by_id(&ids).await.map_err(query_fault)?;
    let products: HashMap<_, _> = rows.into_iter().map(|row| (row.id, row.state)).collect();
    let offer =
        |line: &domain::cart::CartLine| products.get(&line.sku.product().id)?.offer(&line.sku).ok();
    Ok(details.lines.iter().map(offer).collect())
}

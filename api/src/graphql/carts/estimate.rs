//! Estimates what an order for a cart would cost now.

use std::collections::HashMap;

use async_graphql::{Context, Result, SimpleObject};
use chrono::{DateTime, Utc};
use domain::cart::CartDetails;
use domain::checkout::quote;
use domain::coupon::Coupon;
use domain::order::Totals;
use domain::pricing::Charges;
use domain::product::Offer;

use crate::graphql::errors::query_error;
use crate::graphql::money::Money;
use crate::graphql::shop::shop;

/// What an order for a cart would cost now. Send `total` as `OrderPlaceInput.expectedTotal`, so that
/// the customer is charged this amount or the order is refused.
#[derive(Debug, SimpleObject)]
pub struct CartEstimate {
    /// Sum of all lines at current prices, before discount, shipping and exclusive tax.
    subtotal: Money,
    /// Amount that the coupon takes off the subtotal; zero if there is no coupon or `couponProblem`
    /// is set.
    discount: Money,
    /// English sentence that says why the coupon in the cart cannot be used now. Null if it can be
    /// used or there is none. While it is set, `orderPlace` refuses the cart: remove the coupon
    /// first.
    coupon_problem: Option<String>,
    /// Price of the delivery; zero if it is free.
    shipping: Money,
    /// Tax on goods and shipping. It is added to the total if the shop's prices exclude tax, and is
    /// already in it if they include tax.
    tax: Money,
    /// Amount that would be charged: subtotal − discount + shipping, plus the tax if the prices
    /// exclude it.
    total: Money,
}

/// Estimates the cost; `None` if the cart is empty or one of its products is not sold any more.
pub async fn load_estimate(
    ctx: &Context<'_>,
    details: &CartDetails,
    country: &str,
) -> Result<Option<CartEstimate>> {
    let Some(offers) = load_offers(ctx, details).await? else { return Ok(None) };
    let read_models = &shop(ctx).read_models;
    let coupon = match &details.coupon {
        Some(code) => read_models.coupon(code).await.map_err(query_error)?.map(|row| row.state),
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

/// Loads the present offer of every line, in the order of the lines; `None` if one of the products is not sold any more.
async fn load_offers(ctx: &Context<'_>, details: &CartDetails) -> Result<Option<Vec<Offer>>> {
    if details.lines.is_empty() {
        return Ok(None);
    }
    let ids: Vec<_> = details.lines.iter().map(|line| line.sku.product().id).collect();
    let rows = shop(ctx).read_models.products_by_id(&ids).await.map_err(query_error)?;
    let products: HashMap<_, _> = rows.into_iter().map(|row| (row.id, row.state)).collect();
    let offer =
        |line: &domain::cart::CartLine| products.get(&line.sku.product().id)?.offer(&line.sku).ok();
    Ok(details.lines.iter().map(offer).collect())
}

//! Which line of an input a refusal is about: the domain names it by its SKU.

use domain::Refusal;
use domain::cart::CartError;
use domain::order::OrderError;
use domain::product::ProductError;

/// The part of the line that is refused, such as `input.lines.2.quantity`.
pub fn part_of<L>(
    refusal: &Refusal,
    lines: &[L],
    sku_of: impl Fn(&L) -> &String,
) -> Option<Vec<String>> {
    let (sku, part) = match refusal {
        Refusal::Product(ProductError::NotFound(sku) | ProductError::Discontinued(sku))
        | Refusal::Cart(CartError::LineNotFound(sku))
        | Refusal::Order(OrderError::LineNotFound(sku)) => (sku, "sku"),
        Refusal::Cart(CartError::TooManyUnits { sku, .. })
        | Refusal::Order(
            OrderError::ExceedsUnshipped { sku, .. }
            | OrderError::ExceedsShipped { sku, .. }
            | OrderError::ExceedsDelivered { sku, .. },
        ) => (sku, "quantity"),
        Refusal::Cart(CartError::PriceChanged { sku, .. }) => (sku, "expectedUnitPrice"),
        _ => return None,
    };
    let n = lines.iter().position(|line| sku_of(line) == sku.as_str())?;
    Some(["input", "lines", &n.to_string(), part].map(str::to_owned).into())
}

/// The SKU in a list of SKUs, such as `input.skus.2`.
pub fn named(refusal: &Refusal, skus: &[String]) -> Option<Vec<String>> {
    let Refusal::Cart(CartError::LineNotFound(sku)) = refusal else { return None };
    let n = skus.iter().position(|named| named == sku.as_str())?;
    Some(["input", "skus", &n.to_string()].map(str::to_owned).into())
}

//! Finds the input line that a refusal is about. The domain names the line by its SKU only.

use domain::Refusal;
use domain::cart::CartError;
use domain::order::OrderError;
use domain::product::ProductError;

/// The path of the input field that the refusal is about, such as `input.lines.2.quantity`.
pub fn path_of_line<L>(
    refusal: &Refusal,
    lines: &[L],
    sku_of: impl Fn(&L) -> &String,
) -> Option<Vec<String>> {
    let (sku, field) = match refusal {
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
    Some(["input", "lines", &n.to_string(), field].map(str::to_owned).into())
}

/// The path of the refused SKU in an input list of SKUs, such as `input.skus.2`.
pub fn path_of_sku(refusal: &Refusal, skus: &[String]) -> Option<Vec<String>> {
    let Refusal::Cart(CartError::LineNotFound(sku)) = refusal else { return None };
    let n = skus.iter().position(|listed| listed == sku.as_str())?;
    Some(["input", "skus", &n.to_string()].map(str::to_owned).into())
}

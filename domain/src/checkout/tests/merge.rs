//! Merging carts on login.

use super::Shop;
use crate::cart::{Cart, CartCommand, CartError, Owner};
use crate::checkout::{Changes, MergeCarts};
use crate::fixtures::{WEEK, cart_id, coupon_code, customer, minute, sku, units};
use crate::product::{Product, ProductCommand};
use crate::{Decide, Refusal, State};

fn own(shop: &Shop) -> Cart {
    state!(shop, Cart, cart_id(2).stream())
}

/// Merges the guest's cart into the customer's.
fn merge(shop: &Shop) -> Result<Changes, Refusal> {
    let request = MergeCarts {
        guest: cart_id(1),
        into: cart_id(2),
        customer: customer(),
        idle_seconds: WEEK,
    };
    let product = |sku: &crate::Sku| match shop.states.get(&sku.product()) {
        Some(State::Product(product)) => Some(product),
        _ => None,
    };
    super::super::merge(&request, &shop.cart(), &own(shop), product, minute(0))
}

/// Gives the customer a cart of their own, with this many mugs.
fn with_mugs_of_their_own(shop: &mut Shop, quantity: i64) {
    let offer = state!(shop, Product, sku("MUG").product()).offer(&sku("MUG")).unwrap();
    let quantity = units(quantity);
    let line = crate::cart::Addition { offer, quantity, expected_unit_price: None };
    let add = CartCommand::AddLines {
        owner: Owner::Customer(customer()),
        idle_seconds: WEEK,
        lines: vec![line],
    };
    let events = own(shop).decide(&add, minute(-3)).unwrap();
    shop.happen(cart_id(2).stream(), events);
}

fn contents(cart: &Cart) -> Vec<(String, i64)> {
    let lines = &cart.details().unwrap().lines;
    lines.iter().map(|line| (line.sku.to_string(), line.quantity.units())).collect()
}

#[test]
fn quantities_add_up_and_the_guests_cart_ends() {
    let mut shop = Shop::with_cart();
    with_mugs_of_their_own(&mut shop, 4);
    assert_eq!(
        shop.take(merge(&shop)),
        ["cart.line_quantity_changed", "cart.line_added", "cart.assigned", "cart.merged"],
    );
    assert_eq!(contents(&own(&shop)), [("MUG".into(), 6), ("TEA".into(), 3)]);
    assert!(matches!(shop.cart(), Cart::Merged(_, into) if into == cart_id(2)));
    assert_eq!(shop.cart().details().unwrap().owner, Owner::Customer(customer()));
}

#[test]
fn a_customer_without_a_cart_gets_one() {
    let mut shop = Shop::with_cart();
    assert_eq!(shop.take(merge(&shop))[0], "cart.created");
    assert_eq!(own(&shop).details().unwrap().owner, Owner::Customer(customer()));
    assert_eq!(contents(&own(&shop)), [("MUG".into(), 2), ("TEA".into(), 3)]);
}

#[test]
fn merging_twice_changes_nothing() {
    let mut shop = Shop::with_cart();
    shop.take(merge(&shop));
    assert_eq!(merge(&shop), Ok(vec![]));
}

#[test]
fn products_that_are_no_longer_sold_are_left_out_and_prices_are_current() {
    let mut shop = Shop::with_cart();
    shop.ask_product("TEA", ProductCommand::Discontinue);
    shop.ask_product("MUG", ProductCommand::Reprice { price: crate::fixtures::usd(1300) });
    shop.take(merge(&shop));
    assert_eq!(contents(&own(&shop)), [("MUG".into(), 2)]);
    assert_eq!(own(&shop).details().unwrap().lines[0].unit_price, crate::fixtures::usd(1300));
}

#[test]
fn the_guests_coupon_is_applied_if_the_customers_cart_has_none() {
    let mut shop = Shop::with_coupon(1);
    with_mugs_of_their_own(&mut shop, 1);
    shop.take(merge(&shop));
    assert_eq!(own(&shop).details().unwrap().coupon, Some(coupon_code("SPRING")));

    let mut shop = Shop::with_coupon(1);
    with_mugs_of_their_own(&mut shop, 1);
    let winter = CartCommand::ApplyCoupon { code: coupon_code("WINTER") };
    let events = own(&shop).decide(&winter, minute(-2)).unwrap();
    shop.happen(cart_id(2).stream(), events);
    shop.take(merge(&shop));
    assert_eq!(own(&shop).details().unwrap().coupon, Some(coupon_code("WINTER")));
}

#[test]
fn too_much_for_one_line_is_refused_and_nothing_is_merged() {
    let mut shop = Shop::with_cart();
    with_mugs_of_their_own(&mut shop, 9_999);
    let too_many = CartError::TooManyUnits { sku: sku("MUG"), wanted: 10_001 };
    assert_eq!(merge(&shop), Err(too_many.into()));
}

#[test]
fn only_a_guests_cart_is_merged() {
    let mut shop = Shop::with_cart();
    let assigned = crate::cart::CartEvent::Assigned { customer: customer(), at: minute(-1) };
    shop.happen(cart_id(1).stream(), vec![assigned]);
    assert_eq!(merge(&shop), Err(CartError::NotActive.into()));
}

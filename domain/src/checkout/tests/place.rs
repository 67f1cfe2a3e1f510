//! Placing an order: all of its events, or none.

use super::Shop;
use crate::cart::{Cart, CartCommand, CartError, CartEvent};
use crate::checkout::{CheckoutError, Shortage};
use crate::fixtures::{cart_id, minute, order_id, sealed, sku, usd};
use crate::order::{Lifecycle, OrderStatus};
use crate::product::{ProductCommand, ProductError};
use crate::{Decide, ErrorCode, MoneyError, Refusal, Timestamp};

fn now() -> Timestamp {
    minute(0)
}

fn reprice(shop: &mut Shop, name: &str, cents: i64) {
    shop.ask_product(name, ProductCommand::Reprice { price: usd(cents) });
}

fn shortage(name: &str, wanted: i64, available: i64) -> Shortage {
    Shortage { sku: sku(name), wanted, available }
}

fn short<const N: usize>(shortages: [Shortage; N]) -> Refusal {
    CheckoutError::InsufficientStock(shortages.into()).into()
}

fn price_changed(cents: i64) -> Refusal {
    CheckoutError::PriceChanged { current: usd(cents) }.into()
}

#[test]
fn the_cart_is_checked_out_the_order_placed_and_every_sku_reserved() {
    let mut shop = Shop::with_cart();
    assert_eq!(
        shop.take(shop.place(None, now())),
        ["order.placed", "cart.checked_out", "inventory.reserved", "inventory.reserved"],
    );
    assert!(matches!(shop.cart(), Cart::CheckedOut(_, order) if order == order_id(1)));
    shop.check_stock([10, 10], [2, 3]);
    for name in ["MUG", "TEA"] {
        assert_eq!(shop.expiry(name, 1), minute(15));
    }
    let order = shop.details();
    assert_eq!(order.lifecycle, Lifecycle::Placed);
    assert_eq!(order.status(), OrderStatus::Pending);
    assert_eq!(order.reserved_until, minute(15));
    assert_eq!(order.placed.cart, cart_id(1));
    assert_eq!(order.placed.number, "A-1001");
    assert_eq!(order.placed.contact, sealed("contact"));
    assert_eq!(order.placed.shipping_address, sealed("address"));
}

#[test]
fn the_totals_are_the_sum_of_the_lines() {
    let mut shop = Shop::with_cart();
    shop.take(shop.place(None, now()));
    let placed = shop.details().placed;
    let lines: Vec<_> = placed.lines.iter().map(|l| (l.unit_price, l.total)).collect();
    assert_eq!(lines, [(usd(1250), usd(2500)), (usd(300), usd(900))]);
    let totals = placed.totals;
    assert_eq!((totals.subtotal, totals.total), (usd(3400), usd(3400)));
    assert_eq!((totals.shipping, totals.discount, totals.tax), (usd(0), usd(0), usd(0)));
}

#[test]
fn every_sku_that_is_short_is_named() {
    let mut shop = Shop::with_cart();
    shop.others_reserve("MUG", 9, 60, minute(-1));
    shop.others_reserve("TEA", 10, 60, minute(-1));
    let refusal = shop.place(None, now()).unwrap_err();
    assert_eq!(refusal, short([shortage("MUG", 2, 1), shortage("TEA", 3, 0)]));
    assert_eq!(
        refusal.to_string(),
        "there is not enough stock of MUG (2 wanted, 1 available), TEA (3 wanted, 0 available)",
    );
}

#[test]
fn a_sku_without_stock_is_short() {
    let mut shop = Shop::with_cart();
    shop.states.remove(&sku("TEA").inventory());
    assert_eq!(shop.place(None, now()), Err(short([shortage("TEA", 3, 0)])));
}

#[test]
fn two_additions_of_one_sku_count_together() {
    let mut shop = Shop::with_cart();
    shop.add("MUG", 9);
    assert_eq!(shop.place(None, now()), Err(short([shortage("MUG", 11, 10)])));
}

#[test]
fn a_changed_price_is_charged_only_if_the_new_total_is_expected() {
    let mut shop = Shop::with_cart();
    reprice(&mut shop, "MUG", 1300);
    assert_eq!(shop.place(None, now()), Err(price_changed(3500)));
    assert_eq!(shop.place(Some(usd(3400)), now()), Err(price_changed(3500)));
    assert_eq!(
        shop.take(shop.place(Some(usd(3500)), now())),
        [
            "order.placed",
            "cart.line_repriced",
            "cart.checked_out",
            "inventory.reserved",
            "inventory.reserved",
        ],
    );
    assert_eq!(shop.details().total(), usd(3500));
    assert_eq!(shop.cart().details().unwrap().total(), Some(Ok(usd(3500))));
}

#[test]
fn an_expected_total_must_equal_the_total_even_if_no_price_has_changed() {
    let shop = Shop::with_cart();
    assert_eq!(shop.place(Some(usd(3399)), now()), Err(price_changed(3400)));
    assert!(shop.place(Some(usd(3400)), now()).is_ok());
}

#[test]
fn prices_that_changed_and_cancel_out_still_need_consent() {
    let mut shop = Shop::with_cart();
    reprice(&mut shop, "MUG", 1400);
    reprice(&mut shop, "TEA", 200);
    assert_eq!(shop.place(None, now()), Err(price_changed(3400)));
    assert!(shop.place(Some(usd(3400)), now()).is_ok());
}

#[test]
fn expired_reservations_of_others_are_released_in_the_same_append() {
    let mut shop = Shop::with_cart();
    shop.others_reserve("MUG", 9, 0, minute(-1));
    assert_eq!(
        shop.take(shop.place(None, now())),
        [
            "order.placed",
            "cart.checked_out",
            "inventory.released",
            "inventory.reserved",
            "inventory.reserved",
        ],
    );
    shop.check_stock([10, 10], [2, 3]);
}

#[test]
fn products_that_are_no_longer_sold_cannot_be_ordered() {
    let mut shop = Shop::with_cart();
    shop.ask_product("TEA", ProductCommand::Discontinue);
    let discontinued = ProductError::Discontinued(sku("TEA"));
    assert_eq!(shop.place(None, now()), Err(discontinued.into()));

    shop.states.remove(&sku("TEA").product());
    assert_eq!(shop.place(None, now()), Err(ProductError::NotFound(sku("TEA")).into()));
}

#[test]
fn only_an_active_cart_with_something_in_it_is_ordered() {
    assert_eq!(Shop::open().place(None, now()), Err(CartError::Empty.into()));
    assert_eq!(Shop::with_order().place(None, now()), Err(CartError::NotActive.into()));

    let mut expired = Shop::with_cart();
    expired.happen(cart_id(1).stream(), vec![CartEvent::Expired { at: minute(-1) }]);
    assert_eq!(expired.place(None, now()), Err(CartError::NotActive.into()));

    let mut empty = Shop::with_cart();
    let events = empty.cart().decide(&CartCommand::Clear, minute(-1)).unwrap();
    empty.happen(cart_id(1).stream(), events);
    assert_eq!(empty.place(None, now()), Err(CartError::Empty.into()));
}

#[test]
fn a_total_that_overflows_is_refused() {
    let mut shop = Shop::with_cart();
    let overflow = CheckoutError::Amount(MoneyError::Overflow);
    reprice(&mut shop, "MUG", i64::MAX);
    assert_eq!(shop.place(None, now()), Err(overflow.into()));
}

#[test]
fn the_last_units_can_be_ordered() {
    let mut shop = Shop::with_cart();
    shop.others_reserve("MUG", 8, 60, minute(-1));
    shop.take(shop.place(None, now()));
    assert_eq!(shop.stock("MUG").available(now()), 0);
    assert!(shop.stock("MUG").low);
}

#[test]
fn a_refusal_has_a_code_and_names_its_field() {
    for (error, code, field) in [
        (CheckoutError::InsufficientStock(vec![]), ErrorCode::InsufficientStock, "cartId"),
        (CheckoutError::PriceChanged { current: usd(1) }, ErrorCode::PriceChanged, "expectedTotal"),
        (CheckoutError::PaymentInProgress, ErrorCode::PaymentInProgress, "orderId"),
        (CheckoutError::ReservationEnded, ErrorCode::ReservationEnded, "orderId"),
        (CheckoutError::Amount(MoneyError::Overflow), ErrorCode::AmountTooLarge, "cartId"),
    ] {
        let refusal = Refusal::from(error);
        assert_eq!((refusal.code(), refusal.field()), (code, field), "{refusal}");
    }
}

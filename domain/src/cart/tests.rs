//! The rules of a cart.

use cqrs_es::Aggregate;
use cqrs_es::test::{AggregateTestExecutor, TestFramework};

use super::{
    Addition, Cart, CartCommand, CartDetails, CartError, CartEvent, CartLine, MAX_LINES, Owner,
};
use crate::coupon::CouponCode;
use crate::fixtures::{
    WEEK, cart_id, coupon_code, customer, eur, minute, order_id, sku, text, units, usd,
};
use crate::product::Offer;
use crate::{ErrorCode, Money, MoneyError, Quantity, Refusal, Timestamp};

fn now() -> Timestamp {
    minute(10)
}

fn given(events: &[CartEvent]) -> AggregateTestExecutor<Cart> {
    TestFramework::with(now()).given(events.into())
}

fn cart(events: &[CartEvent]) -> Cart {
    let mut cart = Cart::default();
    events.iter().cloned().for_each(|event| cart.apply(event));
    cart
}

fn created() -> CartEvent {
    CartEvent::Created { owner: Owner::Guest, idle_seconds: WEEK, at: minute(0) }
}

fn added(name: &str, quantity: i64, price: Money) -> CartEvent {
    let (sku, quantity) = (sku(name), units(quantity));
    CartEvent::LineAdded { sku, quantity, unit_price: price, at: minute(1) }
}

/// Two mugs at 12.50.
fn two_mugs() -> Vec<CartEvent> {
    vec![created(), added("MUG", 2, usd(1250))]
}

fn with(mut events: Vec<CartEvent>, event: CartEvent) -> Vec<CartEvent> {
    events.push(event);
    events
}

fn offer(name: &str, price: Money) -> Offer {
    Offer { sku: sku(name), name: text("Something"), price }
}

fn addition(name: &str, quantity: i64, price: Money) -> Addition {
    let (offer, quantity) = (offer(name, price), units(quantity));
    Addition { offer, quantity, expected_unit_price: None }
}

fn add<const N: usize>(lines: [Addition; N]) -> CartCommand {
    CartCommand::AddLines { owner: Owner::Guest, idle_seconds: WEEK, lines: lines.into() }
}

fn update<const N: usize>(lines: [(&str, i64); N]) -> CartCommand {
    let lines = lines.map(|(name, quantity)| (sku(name), Quantity::new(quantity).ok()));
    CartCommand::UpdateLines { lines: lines.into() }
}

fn check_out<const N: usize>(offers: [Offer; N]) -> CartCommand {
    CartCommand::CheckOut { order: order_id(1), offers: offers.into() }
}

/// Every way in which a cart stops being active.
fn endings() -> [CartEvent; 3] {
    [
        CartEvent::CheckedOut { order: order_id(1), at: minute(5) },
        CartEvent::Merged { into: cart_id(2), at: minute(5) },
        CartEvent::Expired { at: minute(5) },
    ]
}

#[test]
fn a_cart_is_created_once() {
    let create = || CartCommand::Create { owner: Owner::Customer(customer()), idle_seconds: WEEK };
    let created_now =
        CartEvent::Created { owner: Owner::Customer(customer()), idle_seconds: WEEK, at: now() };
    given(&[]).when(create()).then_expect_events(vec![created_now]);
    given(&[created()]).when(create()).then_expect_events(vec![]);
}

#[test]
fn adding_a_first_line_creates_the_cart() {
    given(&[]).when(add([addition("MUG", 2, usd(1250))])).then_expect_events(vec![
        CartEvent::Created { owner: Owner::Guest, idle_seconds: WEEK, at: now() },
        CartEvent::LineAdded {
            sku: sku("MUG"),
            quantity: units(2),
            unit_price: usd(1250),
            at: now(),
        },
    ]);
}

#[test]
fn the_next_added_line_creates_an_expired_cart_again_and_empty() {
    let expired = with(two_mugs(), CartEvent::Expired { at: minute(5) });
    let created_now = CartEvent::Created { owner: Owner::Guest, idle_seconds: WEEK, at: now() };
    given(&expired)
        .when(CartCommand::Create { owner: Owner::Guest, idle_seconds: WEEK })
        .then_expect_events(vec![created_now.clone()]);
    given(&expired).when(add([])).then_expect_events(vec![created_now.clone()]);
    let anew = cart(&with(expired, created_now));
    assert_eq!(anew, Cart::Active(CartDetails::new(Owner::Guest, WEEK, now())));
}

#[test]
fn the_same_sku_twice_is_one_line() {
    let changed = |quantity| CartEvent::LineQuantityChanged {
        sku: sku("MUG"),
        quantity: units(quantity),
        at: now(),
    };
    given(&two_mugs())
        .when(add([addition("MUG", 3, usd(1250)), addition("MUG", 1, usd(1250))]))
        .then_expect_events(vec![changed(5), changed(6)]);
}

#[test]
fn adding_again_updates_the_price_of_the_line() {
    given(&two_mugs()).when(add([addition("MUG", 1, usd(1100))])).then_expect_events(vec![
        CartEvent::LineQuantityChanged { sku: sku("MUG"), quantity: units(3), at: now() },
        CartEvent::LineRepriced { sku: sku("MUG"), unit_price: usd(1100), at: now() },
    ]);
}

#[test]
fn a_line_is_refused_if_its_price_is_not_the_expected_one() {
    let insisting =
        |price| Addition { expected_unit_price: Some(price), ..addition("MUG", 1, usd(1250)) };
    let current = usd(1250);
    given(&[created()])
        .when(add([insisting(usd(1200))]))
        .then_expect_error(CartError::PriceChanged { sku: sku("MUG"), current });
    let result = given(&[created()]).when(add([insisting(usd(1250))])).inspect_result();
    assert_eq!(result.unwrap().len(), 1);
}

#[test]
fn a_cart_has_one_currency() {
    let error = CartError::CurrencyMismatch { cart: usd(0).currency, product: eur(0).currency };
    given(&two_mugs()).when(add([addition("TEA", 1, eur(300))])).then_expect_error(error.clone());
    given(&[])
        .when(add([addition("MUG", 1, usd(1250)), addition("TEA", 1, eur(300))]))
        .then_expect_error(error);
    let emptied = with(two_mugs(), CartEvent::Cleared { at: minute(2) });
    let result = given(&emptied).when(add([addition("TEA", 1, eur(300))])).inspect_result();
    assert!(result.is_ok(), "an empty cart has no currency");
}

#[test]
fn a_line_has_at_most_the_largest_quantity() {
    given(&two_mugs())
        .when(add([addition("MUG", 9_999, usd(1250))]))
        .then_expect_error(CartError::TooManyUnits { sku: sku("MUG"), wanted: 10_001 });
    let result = given(&two_mugs()).when(add([addition("MUG", 9_998, usd(1250))]));
    assert!(result.inspect_result().is_ok());
}

#[test]
fn a_cart_has_at_most_250_lines() {
    let mut full = vec![created()];
    full.extend((0..MAX_LINES).map(|n| added(&format!("SKU-{n}"), 1, usd(1))));
    given(&full).when(add([addition("MUG", 1, usd(1))])).then_expect_error(CartError::TooManyLines);
    let result = given(&full).when(add([addition("SKU-7", 1, usd(1))])).inspect_result();
    assert!(result.is_ok(), "an existing line may get more units");
}

#[test]
fn a_cart_whose_total_overflows_is_refused() {
    let dear = usd(i64::MAX / 2);
    let too_large = CartError::Amount(MoneyError::Overflow);
    given(&[]).when(add([addition("MUG", 3, dear)])).then_expect_error(too_large.clone());
    given(&[created(), added("MUG", 1, dear)])
        .when(update([("MUG", 3)]))
        .then_expect_error(too_large);
}

#[test]
fn lines_are_changed_and_removed() {
    let two_lines = with(two_mugs(), added("TEA", 1, usd(300)));
    given(&two_lines).when(update([("MUG", 7), ("TEA", 0)])).then_expect_events(vec![
        CartEvent::LineQuantityChanged { sku: sku("MUG"), quantity: units(7), at: now() },
        CartEvent::LineRemoved { sku: sku("TEA"), at: now() },
    ]);
    given(&two_lines)
        .when(CartCommand::RemoveLines { skus: vec![sku("TEA"), sku("MUG")] })
        .then_expect_events(vec![
            CartEvent::LineRemoved { sku: sku("TEA"), at: now() },
            CartEvent::LineRemoved { sku: sku("MUG"), at: now() },
        ]);
    given(&two_lines)
        .when(CartCommand::Clear)
        .then_expect_events(vec![CartEvent::Cleared { at: now() }]);
}

#[test]
fn a_command_that_changes_nothing_gives_no_event() {
    given(&two_mugs()).when(update([("MUG", 2)])).then_expect_events(vec![]);
    given(&two_mugs()).when(update([])).then_expect_events(vec![]);
    given(&two_mugs()).when(add([])).then_expect_events(vec![]);
    given(&[created()]).when(CartCommand::Clear).then_expect_events(vec![]);
}

#[test]
fn only_lines_of_the_cart_are_changed_or_removed() {
    let missing = || CartError::LineNotFound(sku("TEA"));
    given(&two_mugs()).when(update([("MUG", 1), ("TEA", 1)])).then_expect_error(missing());
    let remove = |names: &[&str]| CartCommand::RemoveLines {
        skus: names.iter().map(|name| sku(name)).collect(),
    };
    given(&two_mugs()).when(remove(&["TEA"])).then_expect_error(missing());
    given(&two_mugs())
        .when(remove(&["MUG", "MUG"]))
        .then_expect_error(CartError::LineNotFound(sku("MUG")));
}

#[test]
fn checking_out_charges_current_prices() {
    let offers = || [offer("MUG", usd(1100)), offer("OTHER", usd(1))];
    given(&two_mugs()).when(check_out(offers())).then_expect_events(vec![
        CartEvent::LineRepriced { sku: sku("MUG"), unit_price: usd(1100), at: now() },
        CartEvent::CheckedOut { order: order_id(1), at: now() },
    ]);
    given(&two_mugs())
        .when(check_out([offer("MUG", usd(1250))]))
        .then_expect_events(vec![CartEvent::CheckedOut { order: order_id(1), at: now() }]);
}

#[test]
fn an_empty_cart_is_not_checked_out() {
    given(&[created()]).when(check_out([])).then_expect_error(CartError::Empty);
}

#[test]
fn only_an_active_cart_is_edited() {
    for ending in endings() {
        let ended = with(two_mugs(), ending);
        for command in [
            update([("MUG", 1)]),
            CartCommand::RemoveLines { skus: vec![sku("MUG")] },
            CartCommand::Clear,
            check_out([offer("MUG", usd(1250))]),
        ] {
            given(&ended).when(command.clone()).then_expect_error(CartError::NotActive);
            given(&[]).when(command).then_expect_error(CartError::NotActive);
        }
    }
    for ending in &endings()[..2] {
        let ended = with(two_mugs(), ending.clone());
        assert!(cart(&ended).has_ended());
        let create = CartCommand::Create { owner: Owner::Guest, idle_seconds: WEEK };
        given(&ended).when(create).then_expect_error(CartError::NotActive);
        given(&ended).when(add([])).then_expect_error(CartError::NotActive);
    }
}

#[test]
fn the_details_are_folded_from_the_events() {
    let customer = customer();
    let (sku, code) = (sku("MUG"), coupon_code("SPRING"));
    let mut events = two_mugs();
    events.extend([
        added("TEA", 4, usd(300)),
        CartEvent::CouponApplied { code: coupon_code("WINTER"), at: minute(2) },
        CartEvent::CouponApplied { code: code.clone(), at: minute(2) },
        CartEvent::CouponRemoved { code, at: minute(3) },
        CartEvent::Assigned { customer, at: minute(4) },
        CartEvent::CheckedOut { order: order_id(1), at: minute(5) },
        // Events change nothing in a cart that has ended.
        CartEvent::Cleared { at: minute(6) },
    ]);
    let line =
        |sku, quantity, price| CartLine { sku, quantity: units(quantity), unit_price: price };
    let details = CartDetails {
        owner: Owner::Customer(customer),
        lines: vec![line(sku, 2, usd(1250)), line(crate::fixtures::sku("TEA"), 4, usd(300))],
        coupon: None,
        idle_seconds: WEEK,
        created_at: minute(0),
        touched_at: minute(5),
    };
    assert_eq!(details.total(), Some(Ok(usd(3700))));
    assert_eq!(cart(&events), Cart::CheckedOut(details, order_id(1)));
}

#[test]
fn a_refusal_has_a_code_and_names_its_field() {
    let (sku, currency) = (sku("MUG"), usd(0).currency);
    for (error, code, field) in [
        (CartError::NotActive, ErrorCode::CartNotActive, "cartId"),
        (CartError::Empty, ErrorCode::CartEmpty, "cartId"),
        (CartError::LineNotFound(sku.clone()), ErrorCode::CartLineNotFound, "lines"),
        (
            CartError::TooManyUnits { sku: sku.clone(), wanted: 0 },
            ErrorCode::InvalidQuantity,
            "lines",
        ),
        (CartError::TooManyLines, ErrorCode::TooManyLines, "lines"),
        (
            CartError::CurrencyMismatch { cart: currency, product: currency },
            ErrorCode::CurrencyMismatch,
            "lines",
        ),
        (CartError::PriceChanged { sku, current: usd(1) }, ErrorCode::PriceChanged, "lines"),
        (CartError::Amount(MoneyError::Overflow), ErrorCode::AmountTooLarge, "lines"),
    ] {
        let refusal = Refusal::from(error);
        assert_eq!((refusal.code(), refusal.field()), (code, field), "{refusal}");
    }
}

#[test]
fn a_cart_has_at_most_one_coupon() {
    let (spring, winter) = (coupon_code("SPRING"), coupon_code("WINTER"));
    let apply = |code: &CouponCode| CartCommand::ApplyCoupon { code: code.clone() };
    let applied = |code: &CouponCode| CartEvent::CouponApplied { code: code.clone(), at: now() };
    let with_spring = with(two_mugs(), applied(&spring));
    given(&two_mugs()).when(apply(&spring)).then_expect_events(vec![applied(&spring)]);
    given(&with_spring).when(apply(&spring)).then_expect_events(vec![]);
    given(&with_spring).when(apply(&winter)).then_expect_events(vec![applied(&winter)]);
    let details = cart(&with(with_spring, applied(&winter)));
    assert_eq!(details.details().unwrap().coupon, Some(winter));
}

#[test]
fn removing_a_coupon_from_a_cart_without_one_changes_nothing() {
    let code = coupon_code("SPRING");
    let with_spring =
        with(two_mugs(), CartEvent::CouponApplied { code: code.clone(), at: minute(2) });
    let removed = CartEvent::CouponRemoved { code, at: now() };
    given(&with_spring).when(CartCommand::RemoveCoupon).then_expect_events(vec![removed]);
    given(&two_mugs()).when(CartCommand::RemoveCoupon).then_expect_events(vec![]);
}

/// Two mugs, last changed at minute 1, in a cart that expires after this many minutes without a
/// change.
fn lasting(minutes: u32) -> Vec<CartEvent> {
    let created =
        CartEvent::Created { owner: Owner::Guest, idle_seconds: 60 * minutes, at: minute(0) };
    vec![created, added("MUG", 2, usd(1250))]
}

#[test]
fn a_cart_that_is_idle_for_long_enough_expires() {
    let expired = || CartEvent::Expired { at: now() };
    given(&lasting(10)).when(CartCommand::Expire).then_expect_events(vec![]);
    given(&lasting(9)).when(CartCommand::Expire).then_expect_events(vec![expired()]);
    given(&with(lasting(9), expired())).when(CartCommand::Expire).then_expect_events(vec![]);
    given(&[]).when(CartCommand::Expire).then_expect_events(vec![]);
}

#[test]
fn an_expired_cart_is_created_again_by_the_next_line_even_without_an_expiry_event() {
    let (expired, at) = (CartEvent::Expired { at: now() }, now());
    let created = CartEvent::Created { owner: Owner::Guest, idle_seconds: WEEK, at };
    let line =
        CartEvent::LineAdded { sku: sku("CUP"), quantity: units(1), unit_price: usd(900), at };
    let touch = || add([addition("CUP", 1, usd(900))]);
    let anew = vec![created.clone(), line.clone()];
    given(&with(lasting(9), expired.clone())).when(touch()).then_expect_events(anew);
    given(&lasting(9)).when(touch()).then_expect_events(vec![expired.clone(), created, line]);
    let Cart::Active(details) = cart(&with(with(lasting(9), expired), self::created())) else {
        panic!("it is active")
    };
    assert!(details.lines.is_empty());
}

#[test]
fn the_lines_of_an_expired_cart_cannot_be_changed_or_ordered() {
    for command in [update([("MUG", 1)]), CartCommand::Clear, check_out([offer("MUG", usd(1250))])]
    {
        given(&lasting(9)).when(command).then_expect_error(CartError::NotActive);
    }
}

#[test]
fn a_merged_cart_has_ended_and_merging_it_again_changes_nothing() {
    let merge = |into| CartCommand::MergeInto { cart: cart_id(into), customer: customer() };
    let assigned = CartEvent::Assigned { customer: customer(), at: now() };
    let merged = CartEvent::Merged { into: cart_id(2), at: now() };
    given(&two_mugs()).when(merge(2)).then_expect_events(vec![assigned, merged.clone()]);
    let over = with(two_mugs(), merged);
    given(&over).when(merge(2)).then_expect_events(vec![]);
    given(&over).when(merge(3)).then_expect_error(CartError::NotActive);
    given(&[]).when(merge(2)).then_expect_error(CartError::NotActive);
}

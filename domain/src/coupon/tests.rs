//! The rules of a coupon, as facts.

use cqrs_es::test::{AggregateTestExecutor, TestFramework};

use super::{Coupon, CouponCode, CouponCommand, CouponError, CouponEvent, CouponTerms, Discount};
use crate::fixtures::{coupon_code, eur, minute, order_id, usd};
use crate::{ErrorCode, Money, Refusal};

fn given(events: Vec<CouponEvent>) -> AggregateTestExecutor<Coupon> {
    TestFramework::with(minute(10)).given(events)
}

/// Ten percent, always.
fn terms() -> CouponTerms {
    CouponTerms {
        discount: Discount::Percentage("10".parse().unwrap()),
        valid_from: None,
        valid_until: None,
        minimum: None,
        usage_limit: None,
    }
}

fn fixed(amount: Money) -> CouponTerms {
    CouponTerms { discount: Discount::Fixed(amount), ..terms() }
}

fn create(terms: CouponTerms) -> CouponCommand {
    CouponCommand::Create { code: coupon_code("SPRING"), terms }
}

fn created(terms: CouponTerms) -> CouponEvent {
    CouponEvent::Created { code: coupon_code("SPRING"), terms, at: minute(10) }
}

fn redeem(order: u128) -> CouponCommand {
    CouponCommand::Redeem { order: order_id(order), subtotal: usd(5_000) }
}

fn redeemed(order: u128, discount: i64) -> CouponEvent {
    CouponEvent::Redeemed { order: order_id(order), discount: usd(discount), at: minute(10) }
}

fn released(order: u128) -> CouponEvent {
    CouponEvent::Released { order: order_id(order), at: minute(10) }
}

/// What redeeming for goods at 50.00 comes to under these terms.
fn redeeming(terms: CouponTerms) -> AggregateTestExecutor<Coupon> {
    given(vec![created(terms)])
}

#[test]
fn a_code_exists_once() {
    given(vec![]).when(create(terms())).then_expect_events(vec![created(terms())]);
    let exists = CouponError::Exists(coupon_code("SPRING"));
    given(vec![created(terms())]).when(create(fixed(usd(1)))).then_expect_error(exists);
}

#[test]
fn a_code_is_the_same_in_upper_and_lower_case() {
    assert_eq!(coupon_code(" spring-25 "), coupon_code("SPRING-25"));
    assert_eq!(coupon_code("spring-25").stream(), coupon_code("SPRING-25").stream());
    for code in ["", "AB", "SPR ING", "SPRING!", "ÄÖÜ", &"A".repeat(41)] {
        assert_eq!(
            code.parse::<CouponCode>().unwrap_err().code,
            ErrorCode::InvalidCoupon,
            "{code}"
        );
    }
}

#[test]
fn terms_under_which_nobody_would_gain_are_refused() {
    let nothing = CouponTerms { discount: Discount::Percentage(Default::default()), ..terms() };
    for terms in [nothing, fixed(usd(0)), fixed(usd(-1))] {
        given(vec![]).when(create(terms)).then_expect_error(CouponError::NoDiscount);
    }
    let (valid_from, valid_until) = (Some(minute(5)), Some(minute(5)));
    let no_time = CouponTerms { valid_from, valid_until, ..terms() };
    let no_use = CouponTerms { usage_limit: Some(0), ..terms() };
    for terms in [no_time, no_use] {
        given(vec![]).when(create(terms)).then_expect_error(CouponError::NeverValid);
    }
}

#[test]
fn a_percentage_is_taken_of_the_goods_and_a_fixed_sum_up_to_their_price() {
    for (terms, discount) in [(terms(), 500), (fixed(usd(700)), 700), (fixed(usd(7_000)), 5_000)] {
        redeeming(terms).when(redeem(1)).then_expect_events(vec![redeemed(1, discount)]);
    }
}

#[test]
fn a_coupon_is_good_from_its_first_moment_up_to_its_last() {
    let valid = |from: i64, until: i64| CouponTerms {
        valid_from: Some(minute(from)),
        valid_until: Some(minute(until)),
        ..terms()
    };
    redeeming(valid(10, 11)).when(redeem(1)).then_expect_events(vec![redeemed(1, 500)]);
    redeeming(valid(11, 12)).when(redeem(1)).then_expect_error(CouponError::NotYet);
    redeeming(valid(9, 10)).when(redeem(1)).then_expect_error(CouponError::Over);
}

#[test]
fn a_coupon_is_used_as_often_as_it_may_be_and_again_for_orders_that_came_to_nothing() {
    let twice = || CouponTerms { usage_limit: Some(2), ..terms() };
    let used = |more: Vec<CouponEvent>| {
        let mut events = vec![created(twice()), redeemed(1, 500), redeemed(2, 500)];
        events.extend(more);
        given(events)
    };
    used(vec![]).when(redeem(3)).then_expect_error(CouponError::UsedUp);
    used(vec![released(1)]).when(redeem(3)).then_expect_events(vec![redeemed(3, 500)]);
    used(vec![released(1), redeemed(3, 500)])
        .when(redeem(4))
        .then_expect_error(CouponError::UsedUp);
    let release = CouponCommand::Release { order: order_id(1) };
    used(vec![]).when(release).then_expect_events(vec![released(1)]);
}

#[test]
fn goods_below_the_minimum_or_in_another_currency_get_no_discount() {
    let minimum = |minimum| CouponTerms { minimum: Some(minimum), ..terms() };
    let below = CouponError::BelowMinimum(usd(5_001));
    redeeming(minimum(usd(5_000))).when(redeem(1)).then_expect_events(vec![redeemed(1, 500)]);
    redeeming(minimum(usd(5_001))).when(redeem(1)).then_expect_error(below);
    let euros = CouponError::OtherCurrency(eur(1).currency);
    redeeming(minimum(eur(1))).when(redeem(1)).then_expect_error(euros.clone());
    redeeming(fixed(eur(1))).when(redeem(1)).then_expect_error(euros);
}

#[test]
fn a_disabled_coupon_is_good_for_nothing_and_disabled_once() {
    let disabled = CouponEvent::Disabled { at: minute(10) };
    given(vec![created(terms())])
        .when(CouponCommand::Disable)
        .then_expect_events(vec![disabled.clone()]);
    let events = vec![created(terms()), disabled];
    given(events.clone()).when(redeem(1)).then_expect_error(CouponError::Disabled);
    given(events).when(CouponCommand::Disable).then_expect_events(vec![]);
}

#[test]
fn what_was_never_issued_cannot_be_used() {
    for command in [redeem(1), CouponCommand::Disable] {
        given(vec![]).when(command).then_expect_error(CouponError::Missing);
    }
}

#[test]
fn a_refusal_has_a_code_and_names_its_field() {
    for (error, code, field) in [
        (CouponError::Missing, ErrorCode::CouponNotFound, "code"),
        (CouponError::Disabled, ErrorCode::CouponNotValid, "code"),
        (CouponError::UsedUp, ErrorCode::CouponUsedUp, "code"),
        (CouponError::BelowMinimum(usd(1)), ErrorCode::CouponMinimum, "code"),
        (CouponError::NoDiscount, ErrorCode::InvalidAmount, "discount"),
        (CouponError::NeverValid, ErrorCode::InvalidInput, "validUntil"),
    ] {
        let refusal = Refusal::from(error);
        assert_eq!((refusal.code(), refusal.field()), (code, field), "{refusal}");
    }
}

//! The rules of a coupon.

use cqrs_es::test::{AggregateTestExecutor, TestFramework};

use super::{Coupon, CouponCode, CouponCommand, CouponError, CouponEvent, CouponTerms, Discount};
use crate::fixtures::{coupon_code, eur, minute, order_id, usd};
use crate::{ErrorCode, Money, Refusal};

fn given(events: Vec<CouponEvent>) -> AggregateTestExecutor<Coupon> {
    TestFramework::with(minute(10)).given(events)
}

/// Ten percent, always valid.
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

/// A coupon with these terms that is redeemed for goods at 50.00.
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
fn terms_that_give_no_discount_or_can_never_be_used_are_refused() {
    let nothing = CouponTerms { discount: Discount::Percentage(Default::default()), ..terms() };
    for terms in [nothing, fixed(usd(0)), fixed(usd(-1))] {
        given(vec![]).when(create(terms)).then_expect_error(CouponError::NoDiscount);
    }
    let (valid_from, valid_until) = (Some(minute(5)), Some(minute(5)));
    let (from, until) = (minute(5), minute(5));
    given(vec![])
        .when(create(CouponTerms { valid_from, valid_until, ..terms() }))
        .then_expect_error(CouponError::EndsBeforeStart { from, until });
    given(vec![])
        .when(create(CouponTerms { usage_limit: Some(0), ..terms() }))
        .then_expect_error(CouponError::NoUses);
}

#[test]
fn a_percentage_is_taken_of_the_goods_and_a_fixed_sum_up_to_their_price() {
    for (terms, discount) in [(terms(), 500), (fixed(usd(700)), 700), (fixed(usd(7_000)), 5_000)] {
        redeeming(terms).when(redeem(1)).then_expect_events(vec![redeemed(1, discount)]);
    }
}

#[test]
fn a_coupon_is_valid_from_its_first_moment_and_not_at_its_last() {
    let valid = |from: i64, until: i64| CouponTerms {
        valid_from: Some(minute(from)),
        valid_until: Some(minute(until)),
        ..terms()
    };
    redeeming(valid(10, 11)).when(redeem(1)).then_expect_events(vec![redeemed(1, 500)]);
    redeeming(valid(11, 12)).when(redeem(1)).then_expect_error(CouponError::NotYet(minute(11)));
    redeeming(valid(9, 10)).when(redeem(1)).then_expect_error(CouponError::Over(minute(10)));
}

#[test]
fn a_use_by_an_order_that_was_cancelled_or_has_expired_does_not_count_against_the_limit() {
    let twice = || CouponTerms { usage_limit: Some(2), ..terms() };
    let used = |more: Vec<CouponEvent>| {
        let mut events = vec![created(twice()), redeemed(1, 500), redeemed(2, 500)];
        events.extend(more);
        given(events)
    };
    used(vec![]).when(redeem(3)).then_expect_error(CouponError::UsedUp { limit: 2 });
    used(vec![released(1)]).when(redeem(3)).then_expect_events(vec![redeemed(3, 500)]);
    used(vec![released(1), redeemed(3, 500)])
        .when(redeem(4))
        .then_expect_error(CouponError::UsedUp { limit: 2 });
    let release = CouponCommand::Release { order: order_id(1) };
    used(vec![]).when(release).then_expect_events(vec![released(1)]);
}

#[test]
fn goods_below_the_minimum_or_in_another_currency_get_no_discount() {
    let minimum = |minimum| CouponTerms { minimum: Some(minimum), ..terms() };
    let below = CouponError::BelowMinimum { minimum: usd(5_001), subtotal: usd(5_000) };
    redeeming(minimum(usd(5_000))).when(redeem(1)).then_expect_events(vec![redeemed(1, 500)]);
    redeeming(minimum(usd(5_001))).when(redeem(1)).then_expect_error(below);
    let (currency, subtotal) = (eur(1).currency, usd(5_000));
    let euros = CouponError::OtherCurrency { currency, subtotal };
    redeeming(minimum(eur(1))).when(redeem(1)).then_expect_error(euros.clone());
    redeeming(fixed(eur(1))).when(redeem(1)).then_expect_error(euros);
}

#[test]
fn a_disabled_coupon_cannot_be_used_and_is_disabled_once() {
    let disabled = CouponEvent::Disabled { at: minute(10) };
    given(vec![created(terms())])
        .when(CouponCommand::Disable)
        .then_expect_events(vec![disabled.clone()]);
    let events = vec![created(terms()), disabled];
    given(events.clone()).when(redeem(1)).then_expect_error(CouponError::Disabled);
    given(events).when(CouponCommand::Disable).then_expect_events(vec![]);
}

#[test]
fn a_coupon_that_was_never_created_cannot_be_used() {
    for command in [redeem(1), CouponCommand::Disable] {
        given(vec![]).when(command).then_expect_error(CouponError::Missing);
    }
}

#[test]
fn a_refusal_has_a_code_and_names_its_field() {
    for (error, code, field) in [
        (CouponError::Missing, ErrorCode::CouponNotFound, "code"),
        (CouponError::Disabled, ErrorCode::CouponNotValid, "code"),
        (CouponError::UsedUp { limit: 1 }, ErrorCode::CouponUsedUp, "code"),
        (
            CouponError::BelowMinimum { minimum: usd(2), subtotal: usd(1) },
            ErrorCode::CouponMinimum,
            "code",
        ),
        (CouponError::NoDiscount, ErrorCode::InvalidAmount, "discount"),
        (
            CouponError::EndsBeforeStart { from: minute(2), until: minute(1) },
            ErrorCode::InvalidInput,
            "validUntil",
        ),
        (CouponError::NoUses, ErrorCode::InvalidInput, "usageLimit"),
    ] {
        let refusal = Refusal::from(error);
        assert_eq!((refusal.code(), refusal.field()), (code, field), "{refusal}");
    }
}

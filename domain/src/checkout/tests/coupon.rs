//! The coupon of an order: it is used when the order is placed, and released when the order is
//! cancelled or expires.

use super::{Shop, authorized};
use crate::coupon::{CouponCommand, CouponError};
use crate::fixtures::{minute, order_id, usd};
use crate::order::{CancelReason, Lifecycle};
use crate::payment::{CaptureMode, Fact, PaymentMethod};
use crate::pricing::{Charges, ShippingRate, Tax, TaxMode};

#[test]
fn placing_uses_the_carts_coupon_in_the_same_append() {
    let mut shop = Shop::with_coupon(1);
    assert_eq!(
        shop.take(shop.place(None, minute(0))),
        [
            "order.placed",
            "cart.checked_out",
            "coupon.redeemed",
            "inventory.reserved",
            "inventory.reserved",
        ],
    );
    let placed = shop.details().placed;
    assert_eq!(placed.coupon, Some(crate::fixtures::coupon_code("SPRING")));
    assert_eq!((placed.totals.discount, placed.totals.total), (usd(340), usd(3060)));
    assert_eq!(placed.lines.iter().map(|l| l.discount.amount).collect::<Vec<_>>(), [250, 90]);
    assert_eq!(shop.redemptions(), 1);
}

#[test]
fn tax_shipping_and_discount_are_stored_with_the_order() {
    let mut shop = Shop::with_coupon(1);
    let tax = Tax { rate: "10".parse().unwrap(), mode: TaxMode::Exclusive };
    let shipping = vec![ShippingRate { price: usd(500), free_from: None }];
    shop.charges = Charges { tax, shipping };
    shop.take(shop.place(Some(usd(3916)), minute(0)));
    let placed = shop.details().placed;
    assert_eq!(placed.tax, tax);
    let totals = placed.totals;
    assert_eq!((totals.shipping, totals.shipping_tax), (usd(500), usd(50)));
    // 225 and 81 for the goods
    assert_eq!((totals.tax, totals.total), (usd(356), usd(3916)));
}

#[test]
fn a_coupon_that_is_used_up_stops_the_order() {
    let mut shop = Shop::with_coupon(1);
    let (order, subtotal) = (order_id(9), usd(1000));
    shop.ask_coupon(CouponCommand::Redeem { order, subtotal });
    assert_eq!(shop.place(None, minute(0)), Err(CouponError::UsedUp { limit: 1 }.into()));
}

#[test]
fn an_order_that_is_cancelled_or_expires_releases_its_coupon_once() {
    let placed = || {
        let mut shop = Shop::with_coupon(1);
        shop.take(shop.place(None, minute(0)));
        shop
    };
    let mut cancelled = placed();
    let names = cancelled.take(cancelled.cancel(&CancelReason::Customer(None), minute(1)));
    assert!(names.contains(&"coupon.released"));
    assert_eq!(cancelled.redemptions(), 0);
    assert_eq!(cancelled.take(cancelled.cancel(&CancelReason::Staff(None), minute(2))), [""; 0]);

    let mut expired = placed();
    assert!(expired.take(expired.expire(minute(15))).contains(&"coupon.released"));
    assert_eq!(expired.redemptions(), 0);
}

/// The order expired while its payment was under way, which then succeeds.
fn paid_too_late() -> Shop {
    let mut shop = Shop::with_coupon(1);
    shop.take(shop.place(None, minute(0)));
    let (method, capture) = (PaymentMethod::Card, CaptureMode::Automatic);
    let payment = super::StartPayment { method, capture, ..super::payment(1) };
    shop.take(shop.start_payment(payment, minute(5)));
    shop.take(shop.expire(minute(35)));
    let Fact::Authorized { reference, expires_at, .. } = authorized() else { unreachable!() };
    shop.receive(1, Fact::Authorized { reference, amount: usd(3060), expires_at });
    shop
}

#[test]
fn a_late_payment_of_an_expired_order_redeems_its_coupon_again() {
    let mut shop = paid_too_late();
    assert!(shop.take(shop.settle(1, minute(36))).contains(&"coupon.redeemed"));
    assert_eq!(shop.details().lifecycle, Lifecycle::Confirmed);
    assert_eq!(shop.redemptions(), 1);
}

#[test]
fn a_payment_that_succeeds_after_the_coupon_is_used_up_is_voided() {
    let mut shop = paid_too_late();
    let (order, subtotal) = (order_id(9), usd(1000));
    shop.ask_coupon(CouponCommand::Redeem { order, subtotal });
    let names = shop.take(shop.settle(1, minute(36)));
    assert!(names.contains(&"order.cancelled") && names.contains(&"payment.void_requested"));
    let reason = CancelReason::CouponUsedUp;
    assert!(
        matches!(shop.details().lifecycle, Lifecycle::Cancelled { reason: r, .. } if r == reason)
    );
    assert_eq!(shop.redemptions(), 1);
    shop.check_stock([10, 10], [0, 0]);
}

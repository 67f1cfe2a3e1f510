//! Settling an order with what its payment provider has reported.

use uuid::Uuid;

use super::{Shop, authorized, captured, declined, payment};
use crate::checkout::StartPayment;
use crate::fixtures::{minute, payment_id, sku, units, usd};
use crate::order::{
    CancelReason, Lifecycle, LineQuantity, OrderCommand, OrderError, OrderPaymentState,
    OrderStatus, Shipment,
};
use crate::payment::{CaptureMode, Fact, PaymentCommand, PaymentMethod, PaymentStatus};
use crate::{Decide, ShipmentId};

const SOLD_AND_CONFIRMED: [&str; 3] =
    ["inventory.committed", "inventory.committed", "order.confirmed"];

fn recorded_and<const N: usize>(then: [&'static str; N]) -> Vec<&'static str> {
    let mut names = vec!["order.payment_recorded"];
    names.extend(then);
    names
}

fn out_of_stock(shop: &Shop) -> bool {
    let lifecycle = shop.details().lifecycle;
    matches!(lifecycle, Lifecycle::Cancelled { reason: CancelReason::OutOfStock, .. })
}

/// A first payment was declined and a second one started; then the first one succeeds after all.
fn with_two_attempts(method: PaymentMethod) -> Shop {
    let mut shop = Shop::by_card();
    shop.receive(1, declined());
    shop.take(shop.settle(1, minute(6)));
    shop.take(shop.start_payment(StartPayment { method, ..payment(2) }, minute(7)));
    shop
}

#[test]
fn authorised_money_sells_the_stock_confirms_the_order_and_is_captured() {
    let mut shop = Shop::by_card();
    shop.receive(1, authorized());
    let [a, b, c] = SOLD_AND_CONFIRMED;
    assert_eq!(
        shop.take(shop.settle(1, minute(6))),
        recorded_and([a, b, c, "payment.capture_requested"]),
    );
    shop.check_stock([8, 7], [0, 0]);
    assert_eq!(shop.details().status(), OrderStatus::Paid);
    assert_eq!(shop.details().payment_state(), OrderPaymentState::Authorized);
    assert_eq!(shop.attempt(1).capture_pending(), 3400);

    shop.receive(1, captured(3400));
    assert_eq!(shop.take(shop.settle(1, minute(7))), recorded_and([]));
    assert_eq!(shop.details().payment_state(), OrderPaymentState::Paid);
    assert!(shop.take(shop.settle(1, minute(8))).is_empty(), "settling twice changes nothing");
}

#[test]
fn with_manual_capture_only_staff_capture() {
    let mut shop = Shop::with_payment(PaymentMethod::Card, CaptureMode::Manual);
    shop.receive(1, authorized());
    assert_eq!(shop.take(shop.settle(1, minute(6))), recorded_and(SOLD_AND_CONFIRMED));
    assert_eq!(shop.attempt(1).capturable(), 3400);
}

#[test]
fn captured_money_is_not_captured_again() {
    let mut shop = Shop::by_card();
    shop.receive(1, captured(3400));
    assert_eq!(shop.take(shop.settle(1, minute(6))), recorded_and(SOLD_AND_CONFIRMED));
    shop.receive(1, authorized());
    assert!(shop.take(shop.settle(1, minute(7))).is_empty());
    assert_eq!(shop.details().payment_state(), OrderPaymentState::Paid);
}

#[test]
fn captured_money_covers_the_order_even_if_the_authorisation_has_ended() {
    for fact in [Fact::Expired, Fact::Cancelled] {
        let mut shop = Shop::by_card();
        shop.receive(1, fact);
        assert_eq!(shop.take(shop.settle(1, minute(6))), recorded_and([]));
        shop.receive(1, captured(3400));
        assert_eq!(shop.take(shop.settle(1, minute(7))), recorded_and(SOLD_AND_CONFIRMED));
    }
}

#[test]
fn a_part_of_the_money_does_not_cover_the_order() {
    let mut shop = Shop::by_card();
    shop.receive(1, captured(3399));
    assert_eq!(shop.take(shop.settle(1, minute(6))), recorded_and([]));
    assert!(shop.details().is_pending());
    assert_eq!(shop.details().payment_state(), OrderPaymentState::PartiallyPaid);
}

#[test]
fn a_declined_payment_leaves_the_order_waiting_for_another() {
    let mut shop = Shop::by_card();
    shop.receive(1, declined());
    assert_eq!(shop.take(shop.settle(1, minute(6))), recorded_and([]));
    assert!(shop.details().is_pending());
    shop.check_stock([10, 10], [2, 3]);

    shop.take(shop.start_payment(payment(2), minute(7)));
    shop.receive(2, authorized());
    shop.take(shop.settle(2, minute(8)));
    assert_eq!(shop.details().lifecycle, Lifecycle::Confirmed);
}

#[test]
fn a_voided_payment_confirms_nothing() {
    let mut shop = Shop::by_card();
    shop.receive(1, authorized());
    shop.ask_payment(1, PaymentCommand::RequestVoid);
    assert_eq!(shop.take(shop.settle(1, minute(6))), recorded_and([]));
    shop.receive(1, Fact::Cancelled);
    assert_eq!(shop.take(shop.settle(1, minute(7))), recorded_and([]));
    assert!(shop.details().is_pending());
    assert_eq!(shop.details().covered_by, None);
}

#[test]
fn an_order_whose_payment_is_voided_before_it_is_shipped_is_cancelled() {
    let mut shop = Shop::by_card();
    shop.receive(1, authorized());
    shop.take(shop.settle(1, minute(6)));
    shop.check_stock([8, 7], [0, 0]);

    shop.receive(1, Fact::Cancelled);
    assert_eq!(
        shop.take(shop.settle(1, minute(7))),
        recorded_and(["order.cancelled", "inventory.adjusted", "inventory.adjusted"]),
    );
    shop.check_stock([10, 10], [0, 0]);
    assert_eq!(shop.details().status(), OrderStatus::Cancelled);
    assert_eq!(shop.details().payment_state(), OrderPaymentState::None);
}

#[test]
fn after_a_void_the_other_lines_of_the_order_are_not_shipped() {
    let mut shop = Shop::by_card();
    shop.receive(1, authorized());
    shop.take(shop.settle(1, minute(6)));
    shop.ask_order(OrderCommand::StartProcessing, minute(6));
    let lines = vec![LineQuantity { sku: sku("MUG"), quantity: units(1) }];
    shop.ask_order(ship(lines), minute(6));

    shop.receive(1, Fact::Cancelled);
    assert_eq!(shop.take(shop.settle(1, minute(7))), recorded_and([]));
    let rest = shop.order().decide(&ship(vec![]), minute(8));
    assert_eq!(rest, Err(OrderError::NotPaid));
}

fn ship(lines: Vec<LineQuantity>) -> OrderCommand {
    let id = ShipmentId(Uuid::from_u128(1));
    let (carrier, tracking_number, estimated_delivery) = (None, None, None);
    OrderCommand::Ship {
        shipment: Shipment { id, lines, carrier, tracking_number, estimated_delivery },
    }
}

#[test]
fn a_late_payment_reserves_the_stock_again() {
    let mut shop = Shop::by_card();
    shop.take(shop.expire(minute(35)));
    shop.check_stock([10, 10], [0, 0]);
    shop.receive(1, authorized());
    assert_eq!(
        shop.take(shop.settle(1, minute(40))),
        recorded_and([
            "inventory.reserved",
            "inventory.committed",
            "inventory.reserved",
            "inventory.committed",
            "order.confirmed",
            "payment.capture_requested",
        ]),
    );
    shop.check_stock([8, 7], [0, 0]);
    assert_eq!(shop.details().status(), OrderStatus::Paid);
}

#[test]
fn a_late_payment_without_stock_is_voided_or_refunded() {
    for (fact, answer) in
        [(authorized(), "payment.void_requested"), (captured(3400), "payment.refund_requested")]
    {
        let mut shop = Shop::by_card();
        shop.take(shop.expire(minute(35)));
        shop.others_reserve("TEA", 8, 90, minute(36));
        shop.receive(1, fact);
        let events = shop.take(shop.settle(1, minute(40)));
        assert_eq!(events, recorded_and(["order.cancelled", answer]));
        assert!(out_of_stock(&shop));
        shop.check_stock([10, 10], [0, 8]);
    }
}

#[test]
fn an_order_without_stock_for_all_its_lines_releases_the_others() {
    let mut shop = Shop::by_card();
    // The order's time is over, but it is not expired yet, and another order has reserved the tea.
    shop.others_reserve("TEA", 8, 90, minute(36));
    shop.check_stock([10, 10], [2, 8]);
    shop.receive(1, authorized());
    assert_eq!(
        shop.take(shop.settle(1, minute(40))),
        recorded_and(["inventory.released", "order.cancelled", "payment.void_requested"]),
    );
    assert!(out_of_stock(&shop));
    shop.check_stock([10, 10], [0, 8]);
}

#[test]
fn a_cancelled_order_refunds_its_payments() {
    for (fact, answer) in
        [(authorized(), "payment.void_requested"), (captured(3400), "payment.refund_requested")]
    {
        let mut shop = Shop::by_card();
        shop.take(shop.cancel(&CancelReason::Customer(None), minute(6)));
        shop.receive(1, fact);
        assert_eq!(shop.take(shop.settle(1, minute(7))), recorded_and([answer]));
        assert!(shop.take(shop.settle(1, minute(8))).is_empty(), "it is asked for once");
        shop.check_stock([10, 10], [0, 0]);
    }
}

#[test]
fn a_capture_reported_after_the_void_of_a_cancelled_order_is_refunded() {
    let mut shop = Shop::with_payment(PaymentMethod::Card, CaptureMode::Manual);
    shop.receive(1, authorized());
    shop.take(shop.settle(1, minute(6)));
    shop.ask_payment(1, PaymentCommand::RequestCapture { amount: Some(usd(1000)) });
    shop.take(shop.cancel(&CancelReason::Staff(None), minute(7)));
    assert_eq!(shop.take(shop.unwind(1, minute(7))), ["payment.void_requested"]);
    shop.receive(1, Fact::Cancelled);
    shop.take(shop.settle(1, minute(8)));
    shop.receive(1, captured(1000));
    assert_eq!(shop.take(shop.settle(1, minute(9))), recorded_and(["payment.refund_requested"]),);
    assert_eq!(shop.attempt(1).refund_pending(), 1000);
}

#[test]
fn a_wrong_amount_needs_attention_and_does_not_pay_the_order() {
    for cents in [3399, 3401] {
        let mut shop = Shop::by_card();
        let (reference, amount) = (String::from("pi_1"), usd(cents));
        shop.receive(1, Fact::Authorized { reference, amount, expires_at: None });
        assert!(shop.attempt(1).needs_attention.is_some());
        assert!(shop.take(shop.settle(1, minute(6))).is_empty());
        assert_eq!(shop.details().status(), OrderStatus::Pending);
        assert_eq!(shop.details().payment_state(), OrderPaymentState::None);
    }
}

#[test]
fn cash_on_delivery_confirms_at_once() {
    let mut shop = Shop::with_payment(PaymentMethod::CashOnDelivery, CaptureMode::Automatic);
    assert_eq!(shop.take(shop.settle(1, minute(5))), SOLD_AND_CONFIRMED);
    shop.check_stock([8, 7], [0, 0]);
    assert_eq!(shop.details().status(), OrderStatus::Paid);
    assert_eq!(shop.details().payment_state(), OrderPaymentState::None);

    shop.ask_payment(1, PaymentCommand::RequestCapture { amount: None });
    assert_eq!(shop.take(shop.settle(1, minute(9))), recorded_and([]));
    assert_eq!(shop.details().payment_state(), OrderPaymentState::Paid);
}

#[test]
fn of_two_payments_that_cover_an_order_the_first_one_stays() {
    for (first, second) in [(1, 2), (2, 1)] {
        let mut shop = with_two_attempts(PaymentMethod::Card);
        shop.receive(first, authorized());
        shop.take(shop.settle(first, minute(8)));
        assert_eq!(shop.details().covered_by, Some(payment_id(first)));

        shop.receive(second, authorized());
        assert_eq!(
            shop.take(shop.settle(second, minute(9))),
            recorded_and(["payment.void_requested"]),
        );
        shop.receive(first, captured(3400));
        assert_eq!(shop.take(shop.settle(first, minute(10))), recorded_and([]));
        shop.check_stock([8, 7], [0, 0]);

        // The void came too late: the amount that was captured nevertheless is refunded.
        shop.receive(second, captured(3400));
        assert_eq!(
            shop.take(shop.settle(second, minute(11))),
            recorded_and(["payment.refund_requested"]),
        );
        assert_eq!(shop.attempt(first).refund_pending(), 0);
    }
}

#[test]
fn a_payment_in_addition_to_cash_on_delivery_is_refunded() {
    let mut shop = with_two_attempts(PaymentMethod::CashOnDelivery);
    assert_eq!(shop.take(shop.settle(2, minute(7))), SOLD_AND_CONFIRMED);
    shop.receive(1, authorized());
    assert_eq!(shop.take(shop.settle(1, minute(8))), recorded_and(["payment.void_requested"]),);
    assert!(shop.take(shop.settle(2, minute(9))).is_empty());
    assert_eq!(shop.attempt(2).status(), PaymentStatus::Pending);
}

#[test]
fn refunds_are_recorded_with_the_order() {
    let mut shop = Shop::with_confirmed_order();
    shop.receive(1, captured(3400));
    shop.take(shop.settle(1, minute(7)));
    let (object, amount) = (String::from("re_1"), usd(3400));
    shop.receive(1, Fact::Refunded { object, amount, request: None });
    assert_eq!(shop.take(shop.settle(1, minute(8))), ["order.refund_recorded"]);
    assert_eq!(shop.details().status(), OrderStatus::Refunded);
}

#[test]
fn there_must_be_an_order_to_settle() {
    let shop = Shop::with_cart();
    assert_eq!(shop.settle(1, minute(1)), Err(OrderError::Missing.into()));
}

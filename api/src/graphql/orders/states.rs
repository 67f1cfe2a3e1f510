//! The statuses of an order: of the order itself, of its money and of its goods; and whether its prices include tax.

use async_graphql::Enum;

/// The status of an order as its customer understands it. If several apply, it is the first of:
/// `EXPIRED`, `CANCELLED`, `REFUNDED`, `DELIVERED`, `SHIPPED`, `PROCESSING`, `PAID`, `PENDING`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::order::OrderStatus")]
pub enum OrderStatus {
    /// The order waits for its payment until `Order.reservedUntil`.
    Pending,
    /// The order is confirmed: its money is captured or authorised, or it is paid in cash on
    /// delivery.
    Paid,
    /// Staff are packing the order, or some but not all units are shipped.
    Processing,
    /// All units are shipped, and some or all are not delivered yet.
    Shipped,
    /// All units were delivered.
    Delivered,
    /// All captured money was refunded.
    Refunded,
    /// The order was cancelled by the customer, by staff or by the shop itself; see
    /// `Order.cancelReason`.
    Cancelled,
    /// The order was not paid in time, and its stock was released.
    Expired,
}

/// What became of the money for an order, over all its payments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::order::OrderPaymentState")]
pub enum OrderPaymentState {
    /// No money is authorised or captured. Orders paid in cash stay here until the cash is recorded.
    None,
    /// The provider holds money for the order, and none of it is captured yet.
    Authorized,
    /// Some money is captured, but less than the total, and none is refunded.
    PartiallyPaid,
    /// At least the total is captured and not refunded.
    Paid,
    /// Some of the captured money was refunded.
    PartiallyRefunded,
    /// All captured money was refunded.
    Refunded,
    /// The customer's bank disputes a payment of the order, or took money back after a dispute.
    Disputed,
}

/// How far the goods of an order have come. If several apply, the one furthest down this list is
/// meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::order::OrderFulfilmentState")]
pub enum OrderFulfilmentState {
    /// No unit is shipped yet.
    Unfulfilled,
    /// Some but not all units are shipped.
    PartiallyShipped,
    /// Every unit is shipped, and none is delivered yet.
    Shipped,
    /// Some but not all units are delivered.
    PartiallyDelivered,
    /// Every unit is delivered.
    Delivered,
    /// Some but not all units came back to the shop.
    PartiallyReturned,
    /// Every unit came back to the shop.
    Returned,
}

/// Whether prices contain tax. It is a setting of the shop, and each order keeps what was set when it
/// was placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::pricing::TaxMode")]
pub enum TaxMode {
    /// Prices are without tax, and the tax is added to the total.
    Exclusive,
    /// Prices include the tax, so it is shown but not added.
    Inclusive,
}

//! The read model of orders.

use domain::cart::Owner;
use domain::order::{CancelReason, Order, OrderEvent, OrderStatus, Placed, PlacedLine, Totals};
use domain::{CartId, CustomerId, OrderId, Personal, Quantity, SubjectId, Timestamp};
use projections::orders::{Filter, Interval};
use projections::{ReadModels, Row};
use uuid::Uuid;

use crate::support::{Shop, at, id, items, page, sku, text, usd, walk};

fn sealed() -> Personal {
    let (nonce, ciphertext) = ("bm9uY2U=".to_owned(), "c2VhbGVk".to_owned());
    Personal { subject: SubjectId(Uuid::nil()), nonce, ciphertext }
}

pub(crate) fn placed(number: &str, cart: CartId, buyer: Owner, at: Timestamp) -> OrderEvent {
    let line = PlacedLine {
        sku: sku("A"),
        name: text("A thing"),
        quantity: Quantity::ONE,
        unit_price: usd(2_499),
        total: usd(2_499),
        discount: usd(0),
        tax: usd(0),
    };
    let totals = Totals {
        subtotal: usd(2_499),
        shipping: usd(0),
        shipping_tax: usd(0),
        discount: usd(0),
        tax: usd(0),
        total: usd(2_499),
    };
    OrderEvent::Placed(Box::new(Placed {
        number: number.to_owned(),
        cart,
        buyer,
        contact: sealed(),
        shipping_address: sealed(),
        lines: vec![line],
        totals,
        tax: Default::default(),
        coupon: None,
        reserved_until: at + chrono::TimeDelta::minutes(15),
        at,
    }))
}

/// Six orders, one a minute. The even ones are a customer's; number 3 is cancelled.
async fn shop(customer: CustomerId) -> Shop {
    let shop = Shop::open().await;
    for n in 0..6 {
        let buyer = if n % 2 == 0 { Owner::Customer(customer) } else { Owner::Guest };
        let (order, number) = (OrderId(id()), format!("C-{n}"));
        let placed = placed(&number, CartId(Uuid::from_u128(n)), buyer, at(60 * n as i64));
        shop.record(order.stream(), [placed]).await;
        if n == 3 {
            let reason = CancelReason::Customer(None);
            shop.record(order.stream(), [OrderEvent::Cancelled { reason, at: at(999) }]).await;
        }
    }
    shop
}

fn numbers(orders: Vec<Row<Order>>) -> Vec<String> {
    orders.iter().map(|row| row.state.details().unwrap().placed.number.clone()).collect()
}

async fn found(models: &ReadModels, filter: Filter) -> Vec<String> {
    numbers(items(models.orders(&filter, &page(100)).await.unwrap()))
}

#[tokio::test]
async fn an_order_is_found_by_id_by_number_and_by_cart() {
    let shop = shop(CustomerId(id())).await;
    let models = shop.projected().await;
    let order = models.order_by_number("C-3").await.unwrap().unwrap();
    assert_eq!(order.version, 2);
    let same = models.order(OrderId(order.id)).await.unwrap().unwrap();
    assert_eq!(same, order);
    let guests = models.order_by_cart(CartId(Uuid::from_u128(3))).await.unwrap().unwrap();
    assert_eq!(guests, order);
    assert_eq!(models.order_by_number("C-9").await.unwrap(), None);
}

#[tokio::test]
async fn pages_go_from_the_newest_to_the_oldest() {
    let models = shop(CustomerId(id())).await.projected().await;
    let all = walk(|page| {
        let models = models.clone();
        async move { models.orders(&Filter::default(), &page).await.unwrap() }
    });
    assert_eq!(numbers(all.await), ["C-5", "C-4", "C-3", "C-2", "C-1", "C-0"]);
}

#[tokio::test]
async fn orders_placed_in_the_same_microsecond_are_neither_skipped_nor_repeated() {
    let shop = Shop::open().await;
    for n in 0..5u32 {
        let moment = at(0) + chrono::TimeDelta::nanoseconds((n * 100).into());
        let placed = placed(&format!("C-{n}"), CartId(id()), Owner::Guest, moment);
        shop.record(OrderId(id()).stream(), [placed]).await;
    }
    let models = shop.projected().await;
    let all = walk(|page| {
        let models = models.clone();
        async move { models.orders(&Filter::default(), &page).await.unwrap() }
    });
    let mut all = numbers(all.await);
    all.sort();
    assert_eq!(all, ["C-0", "C-1", "C-2", "C-3", "C-4"]);
}

#[tokio::test]
async fn orders_are_filtered_by_status_customer_and_a_half_open_interval() {
    let customer = CustomerId(id());
    let models = shop(customer).await.projected().await;
    let cancelled = Filter { status: Some(OrderStatus::Cancelled), ..Filter::default() };
    assert_eq!(found(&models, cancelled).await, ["C-3"]);
    let theirs = Filter { customer: Some(customer), ..Filter::default() };
    assert_eq!(found(&models, theirs.clone()).await, ["C-4", "C-2", "C-0"]);
    let (placed_from, placed_to) = (Some(at(60)), Some(at(240)));
    let span = Filter { placed_from, placed_to, ..Filter::default() };
    assert_eq!(found(&models, span.clone()).await, ["C-3", "C-2", "C-1"]);
    assert_eq!(found(&models, Filter { placed_from, placed_to, ..theirs }).await, ["C-2"]);
    let status = Some(OrderStatus::Pending);
    assert_eq!(found(&models, Filter { status, ..span }).await, ["C-2", "C-1"]);
}

#[tokio::test]
async fn statistics_count_orders_by_interval_status_and_currency() {
    let models = shop(CustomerId(id())).await.projected().await;
    let stats = models.order_stats(at(60), at(300), Interval::Day).await.unwrap();
    let counted: Vec<_> =
        stats.iter().map(|s| (s.status.as_str(), &*s.currency, s.orders, s.total)).collect();
    assert_eq!(counted, [("CANCELLED", "USD", 1, 2_499), ("PENDING", "USD", 3, 7_497)]);
    let day = at(0).date_naive().and_hms_opt(0, 0, 0).unwrap().and_utc();
    assert!(stats.iter().all(|s| s.begins == day));
}

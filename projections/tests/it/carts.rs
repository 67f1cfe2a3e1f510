//! The read model of carts.

use domain::cart::{Cart, CartEvent, Owner};
use domain::{CartId, CustomerId, OrderId, Quantity};

use crate::support::{Shop, at, id, sku, usd};

fn begin(owner: Owner) -> [CartEvent; 2] {
    let (quantity, unit_price) = (Quantity::ONE, usd(100));
    [
        CartEvent::Created { owner, idle_seconds: 604_800, at: at(0) },
        CartEvent::LineAdded { sku: sku("A"), quantity, unit_price, at: at(0) },
    ]
}

#[tokio::test]
async fn the_latest_cart_of_a_customer_is_known_by_its_number() {
    let shop = Shop::open().await;
    let customer = CustomerId(id());
    for number in 1..=12 {
        let cart = CartId::of_customer(customer, number);
        shop.record(cart.stream(), begin(Owner::Customer(customer))).await;
        let order = OrderId(id());
        shop.record(cart.stream(), [CartEvent::CheckedOut { order, at: at(1) }]).await;
    }
    let other = CustomerId(id());
    let others = CartId::of_customer(other, 1);
    shop.record(others.stream(), begin(Owner::Customer(other))).await;

    let models = shop.projected().await;

    let latest = models.latest_cart(customer).await.unwrap().unwrap();
    assert_eq!(latest.number, 12);
    assert_eq!(latest.row.id, CartId::of_customer(customer, 12).0);
    assert!(matches!(latest.row.state, Cart::CheckedOut(..)));
    assert_eq!(models.latest_cart(other).await.unwrap().unwrap().number, 1);
    assert_eq!(models.latest_cart(CustomerId(id())).await.unwrap(), None);
}

#[tokio::test]
async fn a_guests_cart_has_no_customer_until_it_is_assigned() {
    let shop = Shop::open().await;
    let (guests, customer) = (CartId(id()), CustomerId(id()));
    let own = CartId::of_customer(customer, 1);
    shop.record(own.stream(), begin(Owner::Customer(customer))).await;
    shop.record(guests.stream(), begin(Owner::Guest)).await;
    shop.record(guests.stream(), [CartEvent::Assigned { customer, at: at(2) }]).await;

    let models = shop.projected().await;

    // It is the customer's newest cart, but has no number among the customer's carts.
    let latest = models.latest_cart(customer).await.unwrap().unwrap();
    assert_eq!((latest.number, latest.row.id), (1, own.0));
    let row = models.cart(guests).await.unwrap().unwrap();
    assert_eq!(row.state.details().unwrap().owner, Owner::Customer(customer));
    assert_eq!(models.cart(CartId(id())).await.unwrap(), None);
}

#[tokio::test]
async fn a_cart_has_lapsed_once_it_was_idle_for_its_whole_lifetime() {
    let shop = Shop::open().await;
    let (short, long, over) = (CartId(id()), CartId(id()), CartId(id()));
    let owner = Owner::Guest;
    for (cart, idle_seconds) in [(short, 60), (long, 3_600), (over, 60)] {
        let created = CartEvent::Created { owner, idle_seconds, at: at(0) };
        shop.record(cart.stream(), [created]).await;
    }
    shop.record(over.stream(), [CartEvent::Expired { at: at(2) }]).await;

    let models = shop.projected().await;

    let expires_at = at(0) + chrono::TimeDelta::seconds(60);
    let lapsed = async |now| models.lapsed_carts(now, 10).await.unwrap();
    assert_eq!(lapsed(expires_at - chrono::TimeDelta::milliseconds(1)).await, []);
    let found = lapsed(expires_at + chrono::TimeDelta::milliseconds(60)).await;
    assert_eq!(found.iter().map(|cart| cart.id).collect::<Vec<_>>(), [short.0]);
    assert!(found[0].expires_at >= expires_at);
}
